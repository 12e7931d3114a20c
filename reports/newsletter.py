"""The newsletter: what is new in the figures, as Markdown, plain text and the body of a mail.

Belongs here: which news there are and their order. Does not belong here: addresses, sending.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from lagebild import german
from reports.evidence import Evidence
from reports.impulse import MONTHS, indicator_of_month
from reports.reader import Reader, before
from reports.render import environment
from reports.sections import goals, themes
from reports.wording import grammar, sentences

_FRESH: Final = timedelta(days=62)
"""Deliveries of the last two months are news."""
_WARNINGS: Final = 6


@dataclass(frozen=True)
class Item:
    """One heading with its points."""

    title: str
    points: tuple[str, ...]


@dataclass(frozen=True)
class Newsletter:
    """A newsletter before it is set."""

    subject: str
    lead: str
    items: tuple[Item, ...]
    foot: str

    @property
    def markdown(self) -> str:
        parts = [f"# {self.subject}", self.lead]
        for item in self.items:
            parts.append(f"## {item.title}")
            parts.append("\n".join(f"- {point}" for point in item.points))
        return "\n\n".join([*parts, "---", self.foot]) + "\n"

    @property
    def text(self) -> str:
        """Without any marks, for mail programs that show text only."""
        parts = [self.subject.upper(), self.lead]
        for item in self.items:
            parts.append(
                "\n".join([item.title, "-" * len(item.title), *(f"* {point}" for point in item.points)])
            )
        return "\n\n".join([*parts, "-- ", self.foot]) + "\n"

    @property
    def html(self) -> str:
        """Body of a mail: inline styles, because mail programs know no others; nothing loaded from outside."""
        return environment().get_template("mail.html.j2").render(letter=self)


def newsletter(reader: Reader, printed: date) -> Newsletter:
    """The newsletter of a day."""
    evidence = Evidence(reader)
    info = reader.release.info
    month = indicator_of_month(reader, printed)
    items = [
        Item(
            f"Kennzahl des Monats: {month.label}",
            (themes.indicator_text(reader, evidence, month, reader.root),),
        ),
        Item("Leitkennzahlen", tuple(_headlines(reader, skip=month.id))),
        Item(
            "Auffällige Entwicklungen",
            tuple(f"{label}: {text}" for label, text in evidence.warnings(reader.root)[:_WARNINGS]),
        ),
        Item("Ziele und Maßnahmen", tuple(_measures(reader))),
        Item("Neu geliefert", tuple(_deliveries(reader))),
    ]
    synthetic = (
        " Alle Daten sind synthetisch und sagen nichts über einen wirklichen Kreis."
        if info.is_synthetic
        else ""
    )
    return Newsletter(
        subject=f"Sozialplanung {info.name}: Kurzinformation {MONTHS[printed.month - 1]} {printed.year}"
        + (" (synthetische Daten)" if info.is_synthetic else ""),
        lead=f"Guten Tag, hier sind die wichtigsten Zahlen aus der {info.mark}.",
        items=tuple(item for item in items if item.points),
        foot=f"Quelle: {info.attribution}. {info.mark}.{synthetic}",
    )


def _headlines(reader: Reader, skip: str) -> list[str]:
    said = []
    for indicator in reader.headlines:
        figure = reader.latest(indicator.id, reader.root)
        if figure is None or figure.value is None or indicator.id == skip:
            continue
        one = (
            sentences.level(indicator, figure, reader.root),
            sentences.change(indicator, figure, before(reader.root_series.get(indicator.id, []), figure)),
        )
        said.append(" ".join(sentence for sentence in one if sentence))
    return said


def _measures(reader: Reader) -> list[str]:
    rows = goals.recommendations(reader)
    done = [
        row
        for row in rows
        if row["status"] == "umgesetzt" and row["done_on"] and row["done_on"].year >= reader.year
    ]
    late = [row for row in rows if row["light"] == "rot"]
    said = [f"Umgesetzt: {row['title']} ({row['area_name']})." for row in done]
    if late:
        said.append(
            f"Überfällig {'ist' if len(late) == 1 else 'sind'} "
            f"{grammar.number_of(len(late), 'Handlungsempfehlung', 'Handlungsempfehlungen')}."
        )
    return said


def _deliveries(reader: Reader) -> list[str]:
    """Sources whose last delivery arrived shortly before the release."""
    newest = reader.release.info.released_on
    rows = reader.release.rows(
        """select label, last_period_end, last_received_at from dim_source
           where last_period_end is not null order by label"""
    )
    return [
        f"{row['label']}, Stand {german.day(row['last_period_end'])}"
        for row in rows
        if row["last_received_at"] is not None and newest - row["last_received_at"].date() <= _FRESH
    ]


__all__ = ["Item", "Newsletter", "newsletter"]
