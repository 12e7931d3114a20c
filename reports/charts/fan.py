"""Forecasts: what was observed, what is expected, and the band it may fall into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from reports.charts import style
from reports.document import Chart, Table


@dataclass(frozen=True)
class Point:
    """One year of a line; low and high only where there is an interval."""

    line: str
    x: float
    value: float
    low: float | None = None
    high: float | None = None


def fan(
    points: Sequence[Point],
    *,
    decimals: int,
    caption: str,
    alt_text: str,
    table: Table,
    width: int = style.FULL,
    from_zero: bool = False,
) -> Chart:
    """Lines in their order of appearance (the observed one first), with a band where a line has low and high."""
    rows = [{"Reihe": p.line, "Jahr": p.x, "Wert": p.value, "unten": p.low, "oben": p.high} for p in points]
    names = list(dict.fromkeys(p.line for p in points))
    x = alt.X(
        "Jahr:Q",
        title=None,
        scale=alt.Scale(domain=[min(p.x for p in points), max(p.x for p in points)], nice=False),
        axis=alt.Axis(format="d", tickMinStep=1, grid=False, tickCount=8),
    )
    y = alt.Y(
        "Wert:Q",
        title=None,
        scale=alt.Scale(zero=from_zero, nice=True),
        axis=alt.Axis(format=style.number_format(min(decimals, 1)), tickCount=5),
    )
    colour = alt.Color(
        "Reihe:N",
        scale=alt.Scale(domain=names, range=list(style.SERIES[: len(names)])),
        legend=alt.Legend(title=None, orient="top", symbolType="stroke"),
    )
    dash = alt.StrokeDash(
        "Reihe:N",
        scale=alt.Scale(domain=names, range=[[1, 0], [5, 3], [2, 2], [7, 2, 1, 2]][: len(names)]),
        legend=None,
    )
    layers: list[alt.Chart] = []
    if any(p.low is not None for p in points):
        layers.append(
            alt.Chart(style.named("bands"))
            .mark_area(opacity=0.18)
            .encode(x=x, y=alt.Y("unten:Q", title=None), y2="oben:Q", color=colour)
        )
    layers.append(alt.Chart(style.named()).mark_line().encode(x=x, y=y, color=colour, strokeDash=dash))
    chart = alt.layer(*layers).properties(width=width - 45, height=125 if width > style.HALF else 85)
    return Chart(
        style.draw(chart, data=rows, bands=[row for row in rows if row["unten"] is not None]),
        caption,
        alt_text,
        table,
    )


__all__ = ["Point", "fan"]
