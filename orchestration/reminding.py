"""Reminding suppliers: what the command line and the weekly schedule do.

Belongs here: putting calendar, letters and mail together. Does not belong here: their rules
(`ingestion.landing.reminders`, `ingestion.landing.mail`).
"""

# No `from __future__ import annotations`: Dagster compares the annotation of `context` with the class itself.

from dataclasses import dataclass

from dagster import (
    DefaultScheduleStatus,
    JobDefinition,
    OpExecutionContext,
    ScheduleDefinition,
    in_process_executor,
    job,
    op,
)

from ingestion.landing.deliveries import today
from ingestion.landing.mail import mail_settings, send_reminders
from ingestion.landing.manifest import read_manifests
from ingestion.landing.registry import read_calendar
from ingestion.landing.reminders import Item, Reminder, open_items, write_reminders
from lagebild.instance import Instance
from orchestration.assets import calendar_horizon

WEEKLY = "0 7 * * 1"
TIMEZONE = "Europe/Berlin"


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


def reminder_job(name: str) -> tuple[JobDefinition, ScheduleDefinition]:
    """Job and weekly schedule that remind the suppliers of one instance."""

    @op(name=f"mahnen_{name}", description="Erinnert Lieferstellen an Ausstehendes.")
    def remind(context: OpExecutionContext) -> None:
        from datetime import UTC, datetime

        from ingestion.landing.mail import ledger_path, not_sent_lately

        settings = mail_settings()
        if settings is None:
            raise RuntimeError("no mail server is configured any more")
        instance = Instance(name)
        found = letters(instance, settings.sender).reminders
        due = not_sent_lately(found, ledger_path(instance), datetime.now(UTC))
        outcome = send_reminders(instance, due, settings)
        failed = [item for item in outcome if item.error]
        context.log.info(
            f"{len(outcome) - len(failed)} of {len(found)} reminders sent, {len(failed)} refused"
        )
        if failed:
            raise RuntimeError(f"{len(failed)} reminders were refused by the mail server")

    @job(
        name=f"reminders_{name}",
        executor_def=in_process_executor,
        description="Wöchentliche Erinnerung der Lieferstellen.",
        tags={"instance": name},
    )
    def reminders() -> None:
        remind()

    schedule = ScheduleDefinition(
        name=f"weekly_reminders_{name}",
        job=reminders,
        cron_schedule=WEEKLY,
        execution_timezone=TIMEZONE,
        # Letters to other offices are somebody's decision: switched on in the web server.
        default_status=DefaultScheduleStatus.STOPPED,
    )
    return reminders, schedule
