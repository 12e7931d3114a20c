"""Areas side by side: bars with the whole territory as a mark."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from reports.charts import style
from reports.document import Chart, Column, Table
from reports.facts import Area, Figure, Indicator
from reports.wording import grammar


def bars(
    indicator: Indicator,
    figures: Sequence[tuple[Area, Figure | None]],
    benchmark: float | None,
    benchmark_name: str,
    caption: str,
    *,
    by_value: bool,
    width: int = style.FULL,
    highlight: str = "",
) -> Chart | None:
    """One bar per area. `by_value` False orders by name: where noise could turn a ranking none is drawn."""
    known = [(area, f) for area, f in figures if f is not None and f.value is not None]
    if len(known) < 2:
        return None
    if by_value:
        order = sorted(figures, key=lambda pair: (_value(pair[1]) is None, -(_value(pair[1]) or 0.0)))
    else:
        order = sorted(figures, key=lambda pair: pair[0].name)
    rows = [
        {
            "Gebiet": area.name,
            "Wert": _value(figure),
            "Text": _text(indicator, figure),
            "Art": "gewählt" if area.key == highlight else "übrige",
        }
        for area, figure in order
    ]
    top = max([*(f.value or 0.0 for _, f in known), benchmark or 0.0])
    low = min([0.0, *(f.value or 0.0 for _, f in known)])
    scale = alt.Scale(domain=[low, top * 1.2], nice=False)
    axis = alt.Axis(
        format=style.number_format(0 if indicator.decimals == 0 else min(indicator.decimals, 1)), tickCount=5
    )
    base = alt.Chart(style.named()).encode(
        y=alt.Y("Gebiet:N", sort=[area.name for area, _ in order], title=None)
    )
    fill = alt.Color(
        "Art:N",
        scale=alt.Scale(
            domain=["gewählt", "übrige"], range=[style.OWN, "#6f9db3" if highlight else style.OWN]
        ),
        legend=None,
    )
    drawn = base.mark_bar(height={"band": 0.72}).encode(
        x=alt.X("Wert:Q", title=None, scale=scale, axis=axis), color=fill
    )
    # All numbers in one column at the edge: none is crossed by the mark of the whole territory.
    labels = base.mark_text(align="right").encode(x=alt.value(width - 105), text="Text:N")
    layers: list[alt.Chart] = [drawn, labels]
    if benchmark is not None:
        rule = alt.Chart(style.named("mark")).mark_rule(color=style.OTHER, strokeWidth=1.6, strokeDash=[5, 3])
        layers.append(rule.encode(x="Wert:Q"))
    chart = alt.layer(*layers).properties(width=width - 105, height={"step": 11.5})
    table = Table(
        f"Daten: {caption}",
        (Column("Gebiet"), Column("Wert", numeric=True)),
        tuple((area.name, figure.value_label if figure else "keine Angabe") for area, figure in order),
    )
    high = max(known, key=lambda pair: _value(pair[1]) or 0.0)
    least = min(known, key=lambda pair: _value(pair[1]) or 0.0)
    ends = [grammar.measured(_value(pair[1]) or 0.0, indicator) for pair in (least, high)]
    alt_text = f"Balkendiagramm {indicator.label}: {len(known)} Gebiete mit Wert, von {ends[0]} bis {ends[1]}"
    if benchmark is not None:
        alt_text += f"; gestrichelte Linie: {benchmark_name} {grammar.measured(benchmark, indicator)}"
    return Chart(style.draw(chart, data=rows, mark=[{"Wert": benchmark}]), caption, f"{alt_text}.", table)


def _value(figure: Figure | None) -> float | None:
    return None if figure is None else figure.value


def _text(indicator: Indicator, figure: Figure | None) -> str:
    value = _value(figure)
    if value is not None:
        return grammar.plain(value, indicator.decimals)
    return (figure.empty_reason if figure else "") or "keine Angabe"


__all__ = ["bars"]
