"""`lagebild lieferungen …` and `lagebild stand`: the planner's view of who has delivered what.

Belongs here: arguments and German output. Does not belong here: anything that decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from textwrap import shorten
from typing import TYPE_CHECKING, Annotated

import typer

from lagebild.instance import SourceConfig
from orchestration.commands.common import InstanceName, fail, known_instance

if TYPE_CHECKING:
    from ingestion.landing.calendar import CalendarRow

MAX_WIDTH = 48
"""Of every column but the last: the table shall fit a terminal."""

app = typer.Typer(no_args_is_help=True)
deliveries_app = typer.Typer(
    help="Lieferungen: Kalender, Liste, Abdeckung, Erinnerungen.", no_args_is_help=True
)
app.add_typer(deliveries_app, name="lieferungen")


@deliveries_app.command("kalender")
def calendar(
    instance: InstanceName,
    overdue: Annotated[
        bool, typer.Option("--ueberfaellig", help="Nur was überfällig oder zurückgewiesen ist.")
    ] = False,
    source: Annotated[str, typer.Option("--quelle", help="Nur diese Quelle.")] = "",
    years: Annotated[
        int, typer.Option("--jahre", help="Zeiträume der letzten Jahre; 0 zeigt alle.", min=0)
    ] = 2,
) -> None:
    """Zeigt, was erwartet wird, eingegangen, überfällig, zurückgewiesen oder gesperrt ist."""
    from ingestion.landing.deliveries import today
    from ingestion.landing.registry import read_calendar
    from orchestration.assets import calendar_horizon

    chosen = known_instance(instance)
    if source and source not in chosen.sources:
        fail(f"Unbekannte Quelle »{source}«. Vorhanden: {', '.join(chosen.sources)}.")
    day = today()
    rows = [
        row
        for row in read_calendar(chosen, calendar_horizon(chosen), day)
        if (not source or row.source_id == source)
        and (not overdue or row.status in ("overdue", "refused"))
        # What is open is shown however old it is.
        and (
            overdue
            or not years
            or row.period is None
            or row.period.end.year > day.year - years
            or row.status in ("overdue", "refused", "embargoed")
        )
    ]
    typer.echo(f"Lieferkalender {chosen.config.title}, Stand {day:%d.%m.%Y}")
    if not rows:
        typer.echo("Nichts ist überfällig oder zurückgewiesen." if overdue else "Es ist nichts vereinbart.")
        return
    _table(
        ("Quelle", "Lieferstelle", "Zeitraum", "fällig", "eingegangen", "Stand"),
        [
            (
                chosen.sources[row.source_id].label,
                row.supplier,
                row.period_label,
                _day(row.due_on),
                _day(row.arrived_on),
                _told(row, day),
            )
            for row in rows
        ],
    )


@deliveries_app.command("abdeckung")
def coverage(instance: InstanceName) -> None:
    """Zeigt je Quelle und Zeitraum, wie viele Kommunen geliefert haben und wer fehlt."""
    from ingestion.landing.calendar import coverage as covered
    from ingestion.landing.calendar import period_label
    from ingestion.landing.registry import read_calendar
    from orchestration.assets import calendar_horizon

    chosen = known_instance(instance)
    found = covered(chosen.sources, read_calendar(chosen, calendar_horizon(chosen)))
    if not found:
        typer.echo("Keine Quelle dieser Instanz kommt aus mehreren Kommunen.")
        return
    _table(
        ("Quelle", "Zeitraum", "da", "es fehlt"),
        [
            (
                chosen.sources[item.source_id].label,
                period_label(item.period),
                item.label,
                _offices(chosen.sources[item.source_id], item.missing),
            )
            for item in found
        ],
    )


@deliveries_app.command("liste")
def listing(
    instance: InstanceName,
    refused: Annotated[
        bool, typer.Option("--zurueckgewiesen", help="Nur zurückgewiesene Lieferungen.")
    ] = False,
    source: Annotated[str, typer.Option("--quelle", help="Nur diese Quelle.")] = "",
) -> None:
    """Listet alle Lieferungen mit ihrem Stand; bei zurückgewiesenen steht der Grund dabei."""
    from ingestion.landing.deliveries import arrived_on, succession
    from ingestion.landing.manifest import read_manifests
    from ingestion.landing.report import period_label

    chosen = known_instance(instance)
    manifests = read_manifests(chosen)
    statuses = succession(manifests, chosen.sources)
    labels = {
        "current": "gilt",
        "superseded": "ersetzt",
        "quarantined": "zurückgewiesen",
        "embargoed": "gesperrt",
    }
    rows = []
    for item in sorted(manifests, key=lambda item: (item.source_id, arrived_on(item), item.delivery_id)):
        status = statuses[item.delivery_id][0]
        if (source and item.source_id != source) or (refused and status != "quarantined"):
            continue
        reasons = dict.fromkeys(issue.rule for issue in item.issues if issue.severity == "refusal")
        note = "; ".join(reasons) or (f"{item.warnings} Hinweis(e)" if item.warnings else "")
        config = chosen.sources.get(item.source_id)
        label = config.label if config else item.source_id
        rows.append(
            (label, period_label(item), item.kommune_code or "", _day(arrived_on(item)), labels[status], note)
        )
    if not rows:
        typer.echo("Keine Lieferung ist zurückgewiesen." if refused else "Es liegt keine Lieferung vor.")
        return
    _table(("Quelle", "Zeitraum", "Kommune", "eingegangen", "Stand", "Grund oder Hinweise"), rows)


@deliveries_app.command("mahnen")
def remind(
    instance: InstanceName,
    only_show: Annotated[
        bool, typer.Option("--nur-zeigen", help="Zeigt die Briefe und sendet nichts.")
    ] = False,
) -> None:
    """Erinnert jede Lieferstelle in einer E-Mail an alles, was aussteht; dasselbe frühestens nach 14 Tagen wieder."""
    from ingestion.landing.mail import (
        MailError,
        ledger_path,
        mail_settings,
        not_sent_lately,
        send_reminders,
    )
    from orchestration.reminding import letters

    chosen = known_instance(instance)
    try:
        settings = mail_settings()
        if settings is None and not only_show:
            fail(
                "Es ist kein Mailserver eingerichtet (LAGEBILD_SMTP_HOST). "
                "Mit --nur-zeigen lassen sich die Briefe ansehen."
            )
        found = letters(chosen, settings.sender if settings else "die Sozialplanung")
        due = not_sent_lately(found.reminders, ledger_path(chosen), datetime.now(UTC))
        if only_show or settings is None:
            for reminder in found.reminders:
                fresh = "" if reminder in due else "   (in den letzten 14 Tagen gesendet)"
                typer.echo(
                    f"An: {reminder.email}{fresh}\nBetreff: {reminder.subject}\n\n{reminder.body}\n{'=' * 72}"
                )
        else:
            outcome = send_reminders(chosen, due, settings)
            for sent in outcome:
                typer.echo(f"{sent.reminder.email}: {sent.error or 'gesendet'}")
            kept = len(found.reminders) - len(due)
            if kept:
                typer.echo(
                    f"{kept} Brief(e) nicht noch einmal gesendet: in den letzten 14 Tagen schon gesagt."
                )
            if any(sent.error for sent in outcome):
                raise typer.Exit(1)
    except MailError as error:
        fail(str(error))
    if not found.reminders:
        typer.echo("Es gibt niemanden zu erinnern.")
    for item in found.unreachable:
        state = {"overdue": "überfällig", "refused": "zurückgewiesen", "soon": "bald fällig"}[item.kind]
        typer.echo(
            f"Ohne E-Mail-Adresse: {item.row.supplier} – {item.source.label}, {item.row.period_label}: {state}"
        )


@app.command("stand")
def as_of(
    instance: InstanceName,
    on: Annotated[
        datetime, typer.Option("--am", formats=["%Y-%m-%d", "%d.%m.%Y"], help="Tag, z. B. 2026-03-12.")
    ],
    calculate: Annotated[
        bool, typer.Option("--rechnen", help="Rechnet die Zahlen dieses Tages in eine eigene Datei.")
    ] = False,
) -> None:
    """Zeigt, welche Lieferungen am Ende eines früheren Tages galten. Veröffentlicht wird dabei nichts."""
    from ingestion.landing.deliveries import TIMEZONE
    from orchestration.as_of import AsOfError, build, first_received, state

    chosen = known_instance(instance)
    day = on.date()
    found = state(chosen, day)
    typer.echo(f"{chosen.config.title}: was am Ende des {day:%d.%m.%Y} galt")
    if not any(item.current or item.quarantined or item.embargoed for item in found):
        first = first_received(chosen)
        since = f"; die erste kam am {first.astimezone(TIMEZONE):%d.%m.%Y}" if first else ""
        fail(f"An diesem Tag lag noch keine Lieferung vor{since}.")
    _table(
        ("Quelle", "gilt", "ersetzt", "zurückgewiesen", "gesperrt", "neuester Zeitraum"),
        [
            (
                item.label,
                *(
                    str(number)
                    for number in (item.current, item.superseded, item.quarantined, item.embargoed)
                ),
                _day(item.newest_period_end),
            )
            for item in found
        ],
    )
    if calculate:
        try:
            warehouse = build(chosen, day)
        except AsOfError as error:
            fail(str(error))
        typer.echo(f"Gerechnet, nicht veröffentlicht: {warehouse}")


def _offices(source: SourceConfig, kommunen: Sequence[str]) -> str:
    """Offices by name; where one entry stands for several Kommunen, with their codes."""
    codes: dict[str, list[str]] = {}
    for code in kommunen:
        shared = [] if code in source.supply.suppliers else [code]
        codes.setdefault(source.supplier_of(code).name, []).extend(shared)
    return "; ".join(f"{name} ({', '.join(found)})" if found else name for name, found in codes.items())


def _told(row: CalendarRow, day: date) -> str:
    if row.status == "overdue" and row.due_on:
        return f"{row.status_label} (seit {(day - row.due_on).days} Tagen)"
    if row.refused and row.status != "refused":
        return f"{row.status_label} ({row.refused} zurückgewiesen)"
    return row.status_label


def _day(day: date | None) -> str:
    return f"{day:%d.%m.%Y}" if day else "–"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    rows = [[*(shorten(text, MAX_WIDTH, placeholder=" …") for text in row[:-1]), row[-1]] for row in rows]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, tuple("-" * width for width in widths), *rows):
        typer.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
