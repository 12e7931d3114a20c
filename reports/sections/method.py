"""The end of every report: definitions, how figures are read, what is withheld and why, sources with their state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lagebild import german
from reports.document import Block, Column, Section, Table, Term, Terms, Text, section
from reports.evidence import Evidence
from reports.facts import Indicator
from reports.reader import Reader
from reports.wording import grammar

_NAMED: Final = 6


def definitions(indicators: Sequence[Indicator], title: str = "Begriffe und Definitionen") -> Section:
    """What the indicators mean, in alphabetical order."""
    terms = tuple(
        Term(item.label, " ".join(part for part in (item.definition, _reading(item)) if part))
        for item in sorted(indicators, key=lambda item: item.label.casefold())
    )
    return section(title, [Terms(terms) if terms else None], new_page=True)


def _reading(indicator: Indicator) -> str:
    polarity = {
        "higher_better": "Ein höherer Wert gilt als günstig.",
        "lower_better": "Ein niedrigerer Wert gilt als günstig.",
    }.get(indicator.polarity, "")
    breaks = f"{indicator.breaks.rstrip('.')}." if indicator.breaks else ""
    return " ".join(part for part in (polarity, indicator.caveats, breaks) if part)


def method(reader: Reader, evidence: Evidence) -> Section:
    """How the figures were made and how to read them; what concerns disclosure has a heading of its own."""
    said = [
        "Quoten und Anteile sind auf jeder Gebietsebene aus Zähler und Nenner gerechnet und nicht aus Quoten "
        "kleinerer "
        "Gebiete gemittelt. Veränderungen vergleichen mit demselben Stichtag oder Zeitraum des Vorjahres (wo "
        "seltener gezählt wird: mit dem Wert "
        "davor); über einen Bruch in der Reihe hinweg wird nicht verglichen.",
        "Die Texte sind nach festen Regeln aus den veröffentlichten Zahlen gebildet. Sie nennen Höhe, "
        "Veränderung und "
        "Unterschiede; über Ursachen sagen sie nichts. „Günstig“ und „ungünstig“ folgen der "
        "Bewertungsrichtung, die der "
        "Kennzahlenkatalog festlegt.",
    ]
    if evidence.has_trends:
        said.append(
            "Von einer steigenden oder fallenden Entwicklung ist nur die Rede, wenn sie über zufällige "
            "Schwankungen "
            "hinausgeht (Mann-Kendall-Test mit mindestens fünf Zeitpunkten ohne Bruch)."
        )
    if evidence.has_statistics:
        said.append(
            "Unterschiede heißen „statistisch gesichert“, wenn sie sich auch nach Berücksichtigung der Zahl "
            "der "
            "Vergleiche nicht durch Zufall erklären lassen. Der Vertrauensbereich (95 %) zeigt, wie weit ein "
            "Wert in "
            "kleinen Gebieten zufällig schwanken kann. Wo der Zufall die Reihenfolge umkehren könnte, wird "
            "keine "
            "Rangfolge gebildet."
        )
    if reader.rings:
        said.append(
            "Die Klassen der Karten sind nach der Verteilung aller veröffentlichten Jahre gebildet; Karten "
            "verschiedener "
            "Jahre lassen sich daher vergleichen. Graue Flächen haben keinen veröffentlichten Wert."
        )
    return section("Methodische Hinweise", [Text(text) for text in said], new_page=True)


def disclosure(reader: Reader) -> Section:
    """How much is withheld, and the rules the figures obey."""
    blocks: list[Block | None] = [
        Text(
            "Kleine Fallzahlen werden zum Schutz der Betroffenen nicht veröffentlicht. Gesperrt werden auch "
            "so viele "
            "weitere Zahlen, dass sich keine geschützte errechnen lässt. Ob eine Zahl wegen ihrer eigenen "
            "Größe oder zum "
            "Schutz einer anderen gesperrt ist, wird nicht gesagt. „gesperrt“ heißt deshalb nicht „klein“, "
            "und eine "
            "gesperrte Zahl ist nicht null."
        )
    ]
    rows = reader.release.rows(
        """select coalesce(rule_basis, '') as basis, coalesce(rule_thresholds, '') as thresholds,
                  list(distinct label order by label) as measures
           from dim_measure where rule_basis is not null group by all order by basis"""
    )
    if rows:
        blocks.append(
            Table(
                "Regeln der Geheimhaltung",
                (Column("Grundlage"), Column("Regel"), Column("Gilt für")),
                tuple((row["basis"], row["thresholds"], _some(row["measures"])) for row in rows),
            )
        )
    counted = reader.release.rows(
        """select area_level_label, count(*) filter (where conf_status = 'C') as withheld, count(*) as figures
           from mart_indicator where area_system = ? and year = ? and is_current_area
           group by area_level_label, level_rank order by level_rank""",
        [reader.system, reader.year],
    )
    shown = [row for row in counted if row["figures"]]
    if shown:
        blocks.append(
            Table(
                f"Gesperrte Werte der Kennzahlen {reader.year} nach Gebietsebene",
                (
                    Column("Gebietsebene"),
                    Column("Werte", True),
                    Column("davon gesperrt", True),
                    Column("Anteil", True),
                ),
                tuple(
                    (
                        row["area_level_label"],
                        german.number(row["figures"]),
                        german.number(row["withheld"]),
                        f"{german.number(100 * row['withheld'] / row['figures'], 1)}{grammar.NBSP}%",
                    )
                    for row in shown
                ),
            )
        )
    return section("Geheimhaltung", blocks)


def _some(labels: Sequence[str]) -> str:
    """The first labels, and how many more there are."""
    if len(labels) <= _NAMED:
        return ", ".join(labels)
    return f"{', '.join(labels[:_NAMED])} und {german.number(len(labels) - _NAMED)} weitere Zahlen"


def sources(reader: Reader) -> Section:
    """Where the figures come from, how current they are, under which licence."""
    rows = reader.release.rows("select * from dim_source order by label")
    table = Table(
        "Quellen und letzter gelieferter Stand",
        (Column("Quelle"), Column("Geliefert von"), Column("Stand"), Column("Rechtsgrundlage oder Lizenz")),
        tuple(
            (
                row["label"],
                row["supplier"] or "–",
                german.day(row["last_period_end"]) if row["last_period_end"] else "–",
                row["legal_basis"] or row["licence"] or "–",
            )
            for row in rows
        ),
    )
    return section("Quellen", [table if rows else None])


__all__ = ["definitions", "disclosure", "method", "sources"]
