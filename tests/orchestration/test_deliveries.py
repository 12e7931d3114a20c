"""`lagebild lieferungen …` and `lagebild stand` on manifests of the Musterkreis, and what makes a new release."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from dagster import DefaultScheduleStatus
from typer.testing import CliRunner

from ingestion.landing.deliveries import today
from ingestion.landing.manifest import Manifest
from ingestion.landing.registry import write_registry
from lagebild.instance import Instance
from orchestration.as_of import AsOfError, build, state
from orchestration.cli import app
from orchestration.definitions import build_definitions
from orchestration.fingerprint import current_deliveries, input_parts
from tests.ingestion.agreements import delivery, noon
from tests.ports import free_port

MUSTERKREIS = Instance("musterkreis")
END_2025 = date(2025, 12, 31)


@pytest.fixture
def lagebild(var: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CliRunner]:
    monkeypatch.delenv("LAGEBILD_SMTP_HOST", raising=False)
    # Two years keep the calendar short.
    monkeypatch.setenv("LAGEBILD_SYNTHETIC_YEARS", "2")
    yield CliRunner()


def store(manifest: Manifest) -> None:
    zone = MUSTERKREIS.paths.landing if manifest.status == "landed" else MUSTERKREIS.paths.quarantine
    folder = zone / manifest.source_id / manifest.delivery_id
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(manifest.model_dump_json(), encoding="utf-8")


def hze(kommune: str, arrived: date = date(2026, 3, 9), **changes: Any) -> Manifest:
    return delivery(f"hze-{kommune}", arrived, END_2025, kommune_code=kommune, **changes)


def test_calendar_list_and_coverage_for_a_planner(lagebild: CliRunner) -> None:
    store(hze("99901"))
    store(
        hze(
            "99901001",
            status="quarantined",
            issues=({"severity": "refusal", "rule": "Spalte fehlt", "message": "…"},),
        )
    )
    calendar = lagebild.invoke(
        app, ["lieferungen", "kalender", "musterkreis", "--quelle", "hze", "--jahre", "0"]
    ).output
    (kreis,) = [line for line in calendar.splitlines() if "Kreisjugendamt" in line and " 2025 " in line]
    assert kreis.rstrip().endswith("31.03.2026  09.03.2026   eingegangen")
    (town,) = [line for line in calendar.splitlines() if "Elmstade" in line and " 2025 " in line]
    assert town.rstrip().endswith("zurückgewiesen")
    only_late = lagebild.invoke(app, ["lieferungen", "kalender", "musterkreis", "--ueberfaellig"]).output
    assert "eingegangen\n" not in only_late.split("\n", 2)[2]
    assert "überfällig (seit " in only_late
    covered = lagebild.invoke(app, ["lieferungen", "abdeckung", "musterkreis"]).output
    (line,) = [line for line in covered.splitlines() if "1 von 6" in line]
    assert "Jugendamt der Stadt Elmstade" in line and "Kreisjugendamt" not in line
    refused = lagebild.invoke(app, ["lieferungen", "liste", "musterkreis", "--zurueckgewiesen"]).output
    assert "Spalte fehlt" in refused and "99901001" in refused


def test_an_unknown_instance_or_source_is_said_in_german(lagebild: CliRunner) -> None:
    assert "Unbekannte Instanz" in lagebild.invoke(app, ["lieferungen", "liste", "nirgendwo"]).output
    wrong = lagebild.invoke(app, ["lieferungen", "kalender", "musterkreis", "--quelle", "nichts"])
    assert wrong.exit_code == 1 and "Unbekannte Quelle" in wrong.output


class Postbox(Message):
    """Subjects and recipients of what was taken."""

    def __init__(self) -> None:
        super().__init__()
        self.recipients: list[str] = []

    def handle_message(self, message: Any) -> None:
        self.recipients.append(str(message["To"]))


def test_reminding_through_a_mail_server(lagebild: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    store(hze("99901"))
    shown = lagebild.invoke(app, ["lieferungen", "mahnen", "musterkreis", "--nur-zeigen"])
    assert "An: jugendamt-04@musterkreis.example" in shown.output
    without = lagebild.invoke(app, ["lieferungen", "mahnen", "musterkreis"])
    assert without.exit_code == 1 and "kein Mailserver" in without.output
    postbox = Postbox()
    server = Controller(postbox, hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        monkeypatch.setenv("LAGEBILD_SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("LAGEBILD_SMTP_PORT", str(server.port))
        monkeypatch.setenv("LAGEBILD_SMTP_SECURITY", "none")
        monkeypatch.setenv("LAGEBILD_MAIL_FROM", "planung@musterkreis.example")
        sent = lagebild.invoke(app, ["lieferungen", "mahnen", "musterkreis"])
        assert sent.exit_code == 0, sent.output
        first = list(postbox.recipients)
        again = lagebild.invoke(app, ["lieferungen", "mahnen", "musterkreis"])
        assert "nicht noch einmal gesendet" in again.output
    finally:
        server.stop()
    assert "jugendamt-04@musterkreis.example" in first
    assert len(first) == len(set(first)) == len(postbox.recipients)


def test_a_weekly_schedule_where_a_mail_server_is_named(
    lagebild: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {item.name for item in build_definitions(["flensburg"]).schedules or []}
    assert names == {"nightly_flensburg"}
    monkeypatch.setenv("LAGEBILD_SMTP_HOST", "mail.musterkreis.example")
    schedule = build_definitions(["flensburg"]).resolve_schedule_def("weekly_reminders_flensburg")
    assert schedule.default_status == DefaultScheduleStatus.STOPPED
    assert schedule.cron_schedule == "0 7 * * 1"


def test_the_night_an_embargo_ends_there_is_news(lagebild: CliRunner) -> None:
    source = MUSTERKREIS.sources["ba_akg"]
    assert source.supply.embargo is not None and source.supply.embargo.days == 90
    end = today() - timedelta(days=89)
    stichtag = {"period_type": "stichtag", "period_start": end}
    store(delivery("akg", end + timedelta(days=80), end, source_id="ba_akg", **stichtag))
    write_registry(MUSTERKREIS, day=today())
    assert current_deliveries(MUSTERKREIS) == []
    before = input_parts(MUSTERKREIS)
    write_registry(MUSTERKREIS, day=today())
    assert input_parts(MUSTERKREIS) == before
    write_registry(MUSTERKREIS, day=today() + timedelta(days=1))
    assert current_deliveries(MUSTERKREIS) == ["akg"]
    after = input_parts(MUSTERKREIS)
    assert after["Lieferungen"] != before["Lieferungen"]


def test_a_deadline_that_passes_is_news(lagebild: CliRunner) -> None:
    for code in ("99901001", "99901002"):
        store(hze(code))
    write_registry(MUSTERKREIS, day=date(2026, 3, 31))
    before = input_parts(MUSTERKREIS)
    write_registry(MUSTERKREIS, day=date(2026, 4, 1))
    changed = {name for name, value in input_parts(MUSTERKREIS).items() if value != before[name]}
    assert changed == {"Lieferkalender"}


def test_the_state_of_an_earlier_day(lagebild: CliRunner) -> None:
    store(hze("99901"))
    store(
        delivery(
            "hze-korrektur",
            date(2026, 5, 2),
            END_2025,
            kommune_code="99901",
            received_at=noon(date(2026, 5, 2)),
        )
    )
    (then,) = [item for item in state(MUSTERKREIS, date(2026, 4, 30)) if item.current]
    (now,) = [item for item in state(MUSTERKREIS, date(2026, 5, 2)) if item.current]
    assert (then.current, then.superseded, now.current, now.superseded) == (1, 0, 1, 1)
    shown = lagebild.invoke(app, ["stand", "musterkreis", "--am", "30.04.2026"])
    assert shown.exit_code == 0 and "31.12.2025" in shown.output
    early = lagebild.invoke(app, ["stand", "musterkreis", "--am", "2026-01-01"])
    assert early.exit_code == 1 and "die erste kam am 09.03.2026" in early.output
    with pytest.raises(AsOfError, match="galt noch keine"):
        build(MUSTERKREIS, date(2026, 1, 1))
