"""The Umsetzungsbericht: what became of every Handlungsempfehlung, by Handlungsfeld, with costs, goals and comparisons.

Belongs here: its sentences and tables from rows of the marts of goals. Does not belong here: what counts as overdue, on
course or compared (dbt: `mart_recommendation`, `mart_target`, `mart_before_after`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from lagebild import german
from reports.document import Block, Column, Document, Note, Points, Section, Table, Text, paragraph, section
from reports.release import NothingReleased, Release
from reports.release import Row as Record
from reports.wording import grammar

_STATUS_ORDER: Final = ("in Umsetzung", "geplant", "umgesetzt", "zurückgestellt")
_RECENT: Final = timedelta(days=366)
"""What is told as changed: the year before the day of the register."""
_METHOD: Final = (
    "Überfällig ist eine Empfehlung, deren Frist vor dem Jahr des Registers liegt und die weder umgesetzt noch "
    "zurückgestellt ist. „Achtung“ heißt: Der Beginn steht im Jahr der Frist noch aus, oder die bisherigen "
    "Kosten liegen über dem Plan. Maßgeblich ist der Stand des Registers, nicht der Tag des Drucks.",
    "Ein Ziel ist auf Kurs, wenn der letzte veröffentlichte Wert mindestens so günstig ist wie der Wert auf geradem "
    "Weg vom Ausgangswert am Tag des Beschlusses zum Zielwert. Wo ein Wert gesperrt ist, steht keine Beurteilung.",
)


def implementation(release: Release, printed: date) -> Document:
    """The report on all recommendations of a release. Raises NothingReleased where it has none."""
    if not release.has("mart_recommendation"):
        raise NothingReleased("Die Veröffentlichung enthält keine Handlungsempfehlungen.")
    rows = release.rows(
        "select * from mart_recommendation order by theme_label, light_rank, recommendation_id"
    )
    steps = release.rows("select * from fct_recommendation_status order by since, recommendation_id")
    targets, compared = (
        release.rows(f"select * from {table} order by {order}") if release.has(table) else []
        for table, order in (
            ("mart_target", "state_rank, target_year, indicator_label, area_name"),
            ("mart_before_after", "recommendation_id"),
        )
    )
    info = release.info
    stated = max(row["stated_on"] for row in rows)
    return Document(
        title="Umsetzungsbericht",
        subtitle=f"Handlungsempfehlungen der Sozialplanung, Stand {german.day(stated)}",
        kicker="Ziele und Maßnahmen",
        instance=info.name,
        mark=info.mark,
        is_synthetic=info.is_synthetic,
        attribution=info.attribution,
        made=german.day(printed),
        sections=implementation_sections(rows, steps, targets, compared),
    )


def implementation_sections(
    rows: Sequence[Record], steps: Sequence[Record], targets: Sequence[Record], compared: Sequence[Record]
) -> tuple[Section, ...]:
    """Text and tables of the report. Pure.

    `rows` of mart_recommendation (at least one), `steps` of fct_recommendation_status, `targets` of mart_target and
    `compared` of mart_before_after, each in the order they are told.
    """
    found = [
        section("Überblick", [*_overview(rows), *_changes(rows, steps)]),
        section("Stand nach Handlungsfeld", [Text("In jedem Handlungsfeld steht das Dringende zuerst.")]),
        *(_theme(label, rows) for label in dict.fromkeys(row["theme_label"] for row in rows)),
        section("Ziele", _targets(targets)),
        section("Vorher und nachher", _compared(compared)),
        section("Wie gelesen wird", [Text(text) for text in _METHOD]),
    ]
    return tuple(item for item in found if not item.is_empty)


def _overview(rows: Sequence[Record]) -> list[Block | None]:
    statuses = Counter(row["status"] for row in rows)
    counted = grammar.listed(
        [
            f"{german.number(statuses[name])} {_were(name, statuses[name])}"
            for name in _STATUS_ORDER
            if statuses[name]
        ]
    )
    late = [row for row in rows if row["light"] == "rot"]
    warned = [row for row in rows if row["light"] == "gelb"]
    return [
        paragraph(
            [
                f"Das Register führt {grammar.number_of(len(rows), 'Handlungsempfehlung', 'Handlungsempfehlungen')}: "
                f"{counted}.",
                _cost(rows),
            ]
        ),
        Points(tuple(f"{_name(row)}: {row['light_reason']}." for row in (*late, *warned)))
        if late or warned
        else Text("Keine Empfehlung ist überfällig, und keine trägt einen Hinweis."),
    ]


def _were(status: str, count: int) -> str:
    """`12 sind in Umsetzung`, `1 wurde zurückgestellt`."""
    if status in {"in Umsetzung", "geplant"}:
        return f"{'ist' if count == 1 else 'sind'} {status}"
    return f"{'wurde' if count == 1 else 'wurden'} {status}"


def _cost(rows: Sequence[Record]) -> str | None:
    both = [row for row in rows if row["cost_plan_eur"] is not None and row["cost_actual_eur"] is not None]
    planned = sum(row["cost_plan_eur"] for row in rows if row["cost_plan_eur"] is not None)
    if not planned:
        return None
    text = f"Geplant sind zusammen {_euro(planned)}"
    if not both:
        return f"{text}."
    spent, of = sum(row["cost_actual_eur"] for row in both), sum(row["cost_plan_eur"] for row in both)
    share = german.number(100 * spent / of, 0) if of else "–"
    count = grammar.number_of(len(both), "Empfehlung", "Empfehlungen")
    return f"{text}; für {count} mit Angabe sind bisher {_euro(spent)} angefallen, {share}{grammar.NBSP}% des Plans."


def _changes(rows: Sequence[Record], steps: Sequence[Record]) -> list[Block | None]:
    """Changes of status in the year before the day of the register; a decision is no change."""
    stated = max(row["stated_on"] for row in rows)
    names = {row["recommendation_id"]: _name(row) for row in rows}
    first = {row["recommendation_id"]: row["since"] for row in reversed(steps)}
    recent = [
        step
        for step in steps
        if stated - _RECENT < step["since"] <= stated and step["since"] > first[step["recommendation_id"]]
    ]
    if not recent:
        return [Text("Im Jahr vor dem Stand des Registers hat sich kein Status geändert.")]
    return [
        Text("Im Jahr vor dem Stand des Registers hat sich geändert:"),
        Points(
            tuple(
                f"{german.day(step['since'])}: {names[step['recommendation_id']]} – {step['status']}"
                + (f" ({step['note']})" if step["note"] and step["note"] != step["status"] else "")
                for step in recent
                if step["recommendation_id"] in names
            )
        ),
    ]


def _theme(label: str, rows: Sequence[Record]) -> Section:
    own = [row for row in rows if row["theme_label"] == label]
    table = Table(
        f"{label}: Stand der Umsetzung",
        (
            Column("Handlungsempfehlung"),
            Column("Gebiet"),
            Column("Zuständig"),
            Column("Frist"),
            Column("Stand"),
            Column("Kosten"),
            Column("Ziel"),
        ),
        tuple(
            (
                f"{row['title']} ({row['recommendation_id']})",
                row["area_name"] or "–",
                row["responsible"] or "–",
                str(row["due_year"]) if row["due_year"] else "–",
                _stand(row),
                row["cost_text"] or "–",
                _goal(row),
            )
            for row in own
        ),
    )
    return section(label, [table], depth=2)


def _stand(row: Record) -> str:
    since = f" seit {german.day(row['status_since'])}" if row["status_since"] else ""
    light = "" if row["light_label"] == row["status"] else f"; {row['light_label']}"
    return f"{row['status']}{since}{light}"


def _goal(row: Record) -> str:
    words = row["operative_goal"] or row["goal"]
    return f"{words} ({row['target_state_label']})" if row["target_state_label"] else str(words)


def _targets(targets: Sequence[Record]) -> list[Block | None]:
    if not targets:
        return []
    states = Counter(row["state_label"] for row in targets)
    counted = grammar.listed([f"{german.number(count)} {label}" for label, count in states.items()])
    return [
        Text(f"{grammar.number_of(len(targets), 'Ziel ist', 'Ziele sind')} vereinbart: {counted}."),
        Table(
            "Ziele mit Herleitung",
            (Column("Kennzahl und Gebiet"), Column("Ziel", True), Column("Stand"), Column("Herleitung")),
            tuple(
                (
                    f"{row['indicator_label']}, {row['area_name']}",
                    f"{row['target_value_label']} ({row['target_year']})",
                    row["state_label"],
                    row["derivation"],
                )
                for row in targets
            ),
        ),
    ]


def _compared(compared: Sequence[Record]) -> list[Block | None]:
    if not compared:
        return []
    cautions = dict.fromkeys(row["caution"] for row in compared)
    return [
        *(Note(text) for text in cautions),
        Points(
            tuple(
                f"{row['title']} ({row['recommendation_id']}), {row['indicator_label']}. {row['wording']} "
                f"Einordnung: {row['verdict_label']}."
                for row in compared
            )
        ),
    ]


def _name(row: Record) -> str:
    place = f", {row['area_name']}" if row["area_name"] else ""
    return f"{row['title']} ({row['recommendation_id']}{place})"


def _euro(amount: float) -> str:
    return f"{german.number(amount, 0)}{grammar.NBSP}Euro"


__all__ = ["implementation", "implementation_sections"]
