"""Blocks about indicators: tiles, tables, maps, series. Used by all reports."""

from __future__ import annotations

from collections.abc import Sequence

from reports.charts import maps
from reports.charts.lines import Line, small_multiples
from reports.document import Chart, Column, Table, Tile, Tiles
from reports.evidence import Evidence
from reports.facts import Area, Figure, Indicator
from reports.reader import Reader, before
from reports.wording import grammar

_MARKS = {"günstig": "good", "ungünstig": "bad"}
UNKNOWN = "keine Angabe"


def headline_tiles(reader: Reader, area: Area, indicators: Sequence[Indicator]) -> Tiles | None:
    """The leading indicators of an area: value, and the change or what it is compared with in words."""
    tiles = []
    for indicator in indicators:
        figure = reader.latest(indicator.id, area)
        if figure is None:
            continue
        tiles.append(
            Tile(
                label=f"{indicator.short_label}, {figure.period_label}",
                value=_spaced(figure.value_label),
                note=_tile_note(reader, indicator, figure, area),
                mark=_MARKS.get(figure.tendency, "plain") if area.rank == 0 else "plain",
            )
        )
    return Tiles(tuple(tiles)) if tiles else None


def _tile_note(reader: Reader, indicator: Indicator, figure: Figure, area: Area) -> str:
    if figure.value is None:
        return ""
    if area.rank > 0 and not indicator.is_absolute and figure.kreis_value is not None:
        return f"{reader.root.name}: {grammar.measured(figure.kreis_value, indicator)}"
    if figure.change is None:
        return ""
    judged = f", {figure.tendency}" if figure.tendency in _MARKS else ""
    points = " Pp." if indicator.unit == "%" else ""
    series = reader.root_series if area.rank == 0 else reader.series(area)
    earlier = before(series.get(indicator.id, []), figure)
    since = f" seit {earlier.period_label}" if earlier else ""
    return f"{grammar.signed(figure.change, indicator.decimals)}{points}{since}{judged}"


def _spaced(value_label: str) -> str:
    """A value of the release with its unit kept on one line."""
    return (
        value_label.replace(" EUR", " €").replace(" ", grammar.NBSP) if len(value_label) < 18 else value_label
    )


def value_text(figure: Figure | None) -> str:
    """The figure as the release writes it, or why there is none."""
    return UNKNOWN if figure is None else figure.value_label.replace("EUR", "Euro").replace("-", "−", 1)


def bare_value(figure: Figure | None, indicator: Indicator) -> str:
    """The number without its unit, for tables that name the unit beside the indicator."""
    if figure is None or figure.value is None:
        return value_text(figure)
    return grammar.plain(figure.value, indicator.decimals)


def change_text(figure: Figure | None, indicator: Indicator) -> str:
    return (
        "–" if figure is None or figure.change is None else grammar.signed(figure.change, indicator.decimals)
    )


def theme_table(reader: Reader, evidence: Evidence, indicators: Sequence[Indicator], area: Area) -> Table:
    """All indicators of a theme for the whole territory: period, value, change, finding."""
    trends = evidence.has_trends
    rows = []
    for indicator in indicators:
        figure = reader.latest(indicator.id, area)
        row = [
            indicator.label,
            figure.period_label if figure else "–",
            value_text(figure),
            change_text(figure, indicator),
        ]
        judged = figure.tendency if figure and figure.tendency in _MARKS else ""
        row.append((evidence.trend(indicator, area) or "–") if trends else (judged or "–"))
        rows.append(tuple(row))
    last = "Mehrjährige Entwicklung" if trends else "Bewertung"
    return Table(
        f"Alle Kennzahlen, {area.name}; Veränderung gegenüber dem Wert davor in der Einheit der Kennzahl",
        (
            Column("Kennzahl"),
            Column("Stand"),
            Column("Wert", True),
            Column("Veränderung", True),
            Column(last),
        ),
        tuple(rows),
    )


def area_map(reader: Reader, indicator: Indicator, *, width: int, height: int) -> Chart | None:
    """The indicator on the finest level where enough areas have a value."""
    level = reader.map_level(indicator.id)
    if level is None:
        return None
    classes = reader.classes(indicator, level)
    figures = reader.spread(indicator.id, level)
    patches = [
        maps.Patch(
            name=area.name,
            rings=reader.rings.get(area.key, []),
            category=maps.class_of(
                figure.value if figure else None, figure.empty_reason if figure else "", classes, indicator
            ),
            value_label=value_text(figure),
        )
        for area, figure in figures
    ]
    period = next((f.period_label for _, f in figures if f), "")
    return maps.choropleth(
        patches,
        maps.categories(classes, indicator),
        _in_unit(indicator),
        f"{indicator.label} nach {grammar.dative_plural(reader.plural(level))}, {period}",
        width=width,
        height=height,
    )


def _in_unit(indicator: Indicator) -> str:
    unit = indicator.unit_label
    return unit if not unit or unit.startswith("je ") else f"in {unit}"


def where_map(reader: Reader, area: Area, *, width: int, height: int) -> Chart | None:
    """Where an area lies: all areas of its level, one outlined."""
    patches = [
        maps.Patch(
            name=item.key,
            rings=reader.rings.get(item.key, []),
            category="hier" if item.key == area.key else "andere",
            value_label="",
        )
        for item in reader.at_level(area.level)
    ]
    if not reader.rings.get(area.key):
        return None
    return maps.locator(
        patches, area.key, f"Lage {grammar.where(reader.root)}", area.name, width=width, height=height
    )


def series_of(
    reader: Reader, indicators: Sequence[Indicator], areas: Sequence[Area], caption: str, columns: int = 2
) -> Chart | None:
    """Small multiples: one panel per indicator, one line per area."""
    series = [(area, reader.root_series if area.rank == 0 else reader.series(area)) for area in areas]
    panels = [
        (
            indicator,
            # A count of one area beside that of the whole territory would lie flat on the axis.
            [
                Line(area.name, found.get(indicator.id, []))
                for area, found in (series[:1] if indicator.is_absolute else series)
            ],
        )
        for indicator in indicators
    ]
    return small_multiples(panels, caption, columns)


__all__ = [
    "UNKNOWN",
    "area_map",
    "bare_value",
    "change_text",
    "headline_tiles",
    "series_of",
    "theme_table",
    "value_text",
    "where_map",
]
