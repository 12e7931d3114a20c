"""Time series: several lines in one frame, and small multiples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from reports.charts import style
from reports.document import Chart, Column, Table
from reports.facts import Figure, Indicator
from reports.wording import grammar

_FROM_ZERO = {"%", "je 1.000", "je 100"}


@dataclass(frozen=True)
class Line:
    """One series: its name for the legend and its figures in time order."""

    name: str
    figures: Sequence[Figure]


def place_in_time(figure: Figure) -> float:
    """31 December 2024 is 2024, 30 June 2024 is 2023.5: a year's mark is its end."""
    return round(figure.period_end.year - (12 - figure.period_end.month) / 12, 3)


def small_multiples(
    panels: Sequence[tuple[Indicator, Sequence[Line]]], caption: str, columns: int = 2
) -> Chart | None:
    """One panel per indicator, each with its own scale; the same lines in all."""
    kept = [(i, lines) for i, lines in panels if any(_known(line.figures) > 1 for line in lines)]
    if not kept:
        return None
    names = list(dict.fromkeys(line.name for _, lines in kept for line in lines))
    colours = [style.OWN, style.OTHER, *style.SERIES[2:]][: len(names)]
    across = min(columns, len(kept))
    width = (style.FULL - 34 * across) / across
    single = len(names) == 1
    drawn = [
        _panel(
            f"panel{number}",
            indicator,
            lines,
            names,
            colours,
            (width, 76 if across > 1 else 100),
            legend=not single,
        )
        for number, (indicator, lines) in enumerate(kept)
    ]
    chart = style.side_by_side(drawn, across)
    table = _table([(indicator, line) for indicator, lines in kept for line in lines], caption, single)
    alt_text = " ".join(_says(indicator, lines, single) for indicator, lines in kept)
    rows = {f"panel{number}": _rows(lines) for number, (_, lines) in enumerate(kept)}
    return Chart(style.draw(chart, **rows), caption, alt_text, table)


def _rows(lines: Sequence[Line]) -> list[dict[str, object]]:
    return [
        {"Zeit": place_in_time(item), "Wert": item.value, "Gebiet": line.name}
        for line in lines
        for item in line.figures
    ]


def _panel(
    name: str,
    indicator: Indicator,
    lines: Sequence[Line],
    names: list[str],
    colours: list[str],
    size: tuple[float, float],
    *,
    legend: bool,
) -> alt.LayerChart:
    width, height = size
    items = [item for line in lines for item in line.figures]
    first, last = min(map(place_in_time, items)), max(map(place_in_time, items))
    zero = indicator.unit in _FROM_ZERO and all(item.value >= 0 for item in items if item.value is not None)
    # A title wider than its panel would be cut.
    words = indicator.title if len(indicator.title) * 4.3 < width else indicator.short_label
    title = alt.TitleParams(words, fontSize=9, anchor="start", frame="group", limit=width + 30)
    base = alt.Chart(style.named(name), title=title)
    x = alt.X(
        "Zeit:Q",
        title=None,
        scale=alt.Scale(domain=[first, last], nice=False),
        axis=alt.Axis(format="d", tickMinStep=1, grid=False, tickCount=6),
    )
    y = alt.Y(
        "Wert:Q",
        title=None,
        scale=alt.Scale(zero=zero, nice=True),
        axis=alt.Axis(format=_axis_format(indicator), tickCount=4),
    )
    colour = alt.Color(
        "Gebiet:N",
        scale=alt.Scale(domain=names, range=colours),
        legend=alt.Legend(title=None, orient="top", symbolType="stroke") if legend else None,
    )
    dash = alt.StrokeDash(
        "Gebiet:N", scale=alt.Scale(domain=names, range=[[1, 0], [5, 3], [2, 2], [6, 2]]), legend=None
    )
    line = base.mark_line(invalid="break-paths-show-path-domains").encode(
        x=x, y=y, color=colour, strokeDash=dash
    )
    # A year between two withheld ones is no line: its point shows it.
    points = base.mark_circle(size=9).encode(x=x, y=y, color=colour)
    return alt.LayerChart(layer=[line, points], width=width, height=height)


def _axis_format(indicator: Indicator) -> str:
    return style.number_format(0 if indicator.decimals == 0 else min(indicator.decimals, 1))


def _known(figures: Sequence[Figure]) -> int:
    return sum(item.value is not None for item in figures)


def _table(lines: Sequence[tuple[Indicator, Line]], caption: str, single: bool) -> Table:
    """A row per year with a column per line where there are few, else a row per line and year."""
    rows = tuple(
        (
            item.period_label,
            indicator.label if single else f"{indicator.label}, {line.name}",
            item.value_label,
        )
        for indicator, line in lines
        for item in line.figures
    )
    return Table(
        f"Daten: {caption}", (Column("Zeitraum"), Column("Reihe"), Column("Wert", numeric=True)), rows
    )


def _says(indicator: Indicator, lines: Sequence[Line], single: bool) -> str:
    parts = []
    for line in lines:
        known = [item for item in line.figures if item.value is not None]
        if len(known) < 2:
            continue
        ends = [grammar.measured(item.value or 0.0, indicator) for item in (known[0], known[-1])]
        name = "" if single else f"{line.name} "
        parts.append(f"{name}{known[0].period_label}: {ends[0]}, {known[-1].period_label}: {ends[1]}")
    return f"Zeitreihe {indicator.label}: {'; '.join(parts)}."


__all__ = ["Line", "place_in_time", "small_multiples"]
