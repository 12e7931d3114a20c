"""The Kurzimpuls: one page about one indicator, the Kennzahl des Monats.

Belongs here: which indicator it is and the order of the page. Does not belong here: queries, statistics.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from lagebild import german
from reports.charts import style
from reports.document import Block, Document, Note, Text, Tile, Tiles, arranged
from reports.evidence import Evidence
from reports.facts import Indicator
from reports.reader import Reader, before
from reports.release import NothingReleased
from reports.sections import figures, themes
from reports.wording import grammar

MONTHS: Final = (
    "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
    "Dezember",
)  # fmt: skip


def indicator_of_month(reader: Reader, month: date) -> Indicator:
    """One of the leading indicators, each in its turn. The same month gives the same indicator.

    Raises NothingReleased where the release has none of them.
    """
    candidates = candidates_of(reader)
    if not candidates:
        raise NothingReleased("Keine der Leitkennzahlen ist veröffentlicht.")
    return candidates[(12 * month.year + month.month - 1) % len(candidates)]


def candidates_of(reader: Reader) -> Sequence[Indicator]:
    """Leading indicators that can be compared between areas; the head count only where there is nothing else."""
    return [item for item in reader.headlines if not item.is_absolute] or list(reader.headlines)


def impulse(reader: Reader, printed: date, indicator_id: str = "") -> Document:
    """One page about an indicator (default: that of the month). Raises NothingReleased for one without value."""
    evidence = Evidence(reader)
    chosen = reader.indicators.get(indicator_id) if indicator_id else indicator_of_month(reader, printed)
    figure = reader.latest(chosen.id, reader.root) if chosen else None
    if chosen is None or figure is None or figure.value is None:
        raise NothingReleased(
            f"Zur Kennzahl »{indicator_id}« ist für das ganze Gebiet nichts veröffentlicht."
        )
    info = reader.release.info
    root = reader.root
    tiles = [Tile(f"{root.name}, {figure.period_label}", figures.value_text(figure), "aktueller Wert")]
    if figure.previous_value is not None and figure.change is not None:
        mark = {"günstig": "good", "ungünstig": "bad"}.get(figure.tendency, "plain")
        note = figure.tendency if mark != "plain" else "ohne Bewertung"
        earlier = before(reader.root_series.get(chosen.id, []), figure)
        points = f"{grammar.NBSP}Prozentpunkte" if chosen.unit == "%" else ""
        change = grammar.signed(figure.change, chosen.decimals) + points
        value = grammar.measured(figure.previous_value, chosen)
        tiles.append(Tile(earlier.period_label if earlier else "Wert davor", value, "zum Vergleich"))
        tiles.append(Tile("Veränderung", change, note, mark))
    blocks: list[Block | None] = [
        Tiles(tuple(tiles)) if len(tiles) == 3 else None,
        Text(themes.indicator_text(reader, evidence, chosen, root)),
        figures.series_of(reader, [chosen], [root], f"Entwicklung {grammar.where(root)}", columns=1),
    ]
    side_by_side = tuple(
        chart
        for chart in (
            themes.bar_chart(reader, evidence, [chosen]),
            figures.area_map(reader, chosen, width=style.HALF, height=150),
        )
        if chart
    )
    blocks.extend(arranged(side_by_side))
    blocks.append(
        Note(
            " ".join(
                part
                for part in (f"{chosen.label}: {chosen.definition}", f"Quelle: {chosen.source_label}.")
                if part
            )
        )
    )
    return Document(
        title=chosen.label,
        subtitle=f"Kennzahl des Monats {MONTHS[printed.month - 1]} {printed.year}",
        kicker="Kurzimpuls",
        instance=info.name,
        mark=info.mark,
        is_synthetic=info.is_synthetic,
        attribution=info.attribution,
        made=german.day(printed),
        sections=(),
        form="impulse",
        cover=tuple(block for block in blocks if block is not None),
    )


__all__ = ["MONTHS", "candidates_of", "impulse", "indicator_of_month"]
