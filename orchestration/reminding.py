"""Reminding suppliers: what the command line and the weekly schedule do.

Belongs here: putting calendar, letters and mail together. Does not belong here: their rules
(`ingestion.landing.reminders`, `ingestion.landing.mail`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from dagster import DefaultScheduleStatus

from ingestion.landing.deliveries import today
from ingestion.landing.mail import MailSettings, ledger_path, not_sent_lately, send_reminders
from ingestion.landing.manifest import read_manifests
from ingestion.landing.registry import read_calendar
from ingestion.landing.reminders import Item, Reminder, open_items, write_reminders
from lagebild.instance import Instance
from orchestration.assets import calendar_horizon
from orchestration.weekly import Outcome, WeeklyMail


@dataclass(frozen=True)
class Letters:
    """What could be sent now, and what nobody can be written about."""

    reminders: list[Reminder]
    unreachable: list[Item]


def letters(instance: Instance, contact: str) -> Letters:
    """The letters of today, whether or not they have been sent already."""
    day = today()
    rows = read_calendar(instance, calendar_horizon(instance), day)
    items = open_items(instance.sources, rows, read_manifests(instance), day)
    reminders, unreachable = write_reminders(instance.config.title, contact, items, day)
    return Letters(reminders, unreachable)


def _send(instance: Instance, settings: MailSettings) -> Outcome:
    found = letters(instance, settings.sender).reminders
    due = not_sent_lately(found, ledger_path(instance), datetime.now(UTC))
    outcome = send_reminders(instance, due, settings)
    refused = sum(bool(item.error) for item in outcome)
    return Outcome(len(found), len(outcome) - refused, refused)


REMINDERS = WeeklyMail(
    operation="mahnen",
    job="reminders",
    schedule="weekly_reminders",
    description="Erinnert Lieferstellen an Ausstehendes.",
    cron="0 7 * * 1",
    # Letters to other offices are somebody's decision: switched on in the web server.
    status=DefaultScheduleStatus.STOPPED,
    send=_send,
)
