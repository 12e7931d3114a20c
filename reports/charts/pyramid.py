"""Population pyramid: bars per year of age, so that age bands of different width compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from lagebild import german
from reports.charts import style
from reports.document import Chart, Column, Table

OPEN_BAND_ENDS = 100
"""Age at which the open band (80 and over) is drawn to end."""


@dataclass(frozen=True)
class Band:
    """Persons of one sex and age band; value None where withheld."""

    label: str
    sex: str
    age_from: int
    age_to: int | None
    value: float | None


def pyramid(
    bands: Sequence[Band], other: Sequence[Band], name: str, other_name: str, caption: str
) -> Chart | None:
    """Bars of the area, outline of what it is compared with; both in percent of their persons per year of age."""
    own = _shares(bands)
    if own is None:
        return None
    reference = _shares(other)
    limit = max(abs(row["Anteil"]) for rows in (own, reference or []) for row in rows)
    scale = alt.Scale(domain=[-limit * 1.08, limit * 1.08], nice=False)
    axis = alt.Axis(
        labelExpr="format(abs(datum.value), ',.1f')",
        tickCount=5,
        title="% je Altersjahr, links Männer, rechts Frauen",
    )
    y = alt.Y(
        "von:Q",
        scale=alt.Scale(domain=[0, OPEN_BAND_ENDS], nice=False),
        title="Alter",
        axis=alt.Axis(tickCount=10),
    )
    names = [name, *([other_name] if reference is not None else [])]
    colour = alt.Color(
        "Gebiet:N",
        scale=alt.Scale(domain=names, range=[style.OWN, style.OTHER][: len(names)]),
        legend=alt.Legend(title=None, orient="top"),
    )
    bars = (
        alt.Chart(style.named("own"))
        .mark_rect(stroke="white", strokeWidth=0.7)
        .encode(x=alt.X("Anteil:Q", scale=scale, axis=axis), x2="null:Q", y=y, y2="bis:Q", color=colour)
    )
    layers: list[alt.Chart] = [bars]
    if reference is not None:
        layers.append(
            alt.Chart(style.named("reference"))
            .mark_line(strokeWidth=1.4, order=True)
            .encode(
                x=alt.X("Anteil:Q", scale=scale), y="Alter:Q", detail="Seite:N", order="Folge:Q", color=colour
            )
        )
    chart = alt.layer(*layers).properties(width=style.HALF - 28, height=145)
    sexes = {"m": "männlich", "f": "weiblich"}
    table = Table(
        f"Daten: {caption}",
        (Column("Altersgruppe"), Column("Geschlecht"), Column("Personen", numeric=True)),
        tuple(
            (
                _age(band),
                sexes[band.sex],
                german.number(band.value, 0) if band.value is not None else "gesperrt",
            )
            for band in bands
        ),
    )
    largest = max(bands, key=lambda band: (band.value or 0.0) / _years(band))
    alt_text = (
        f"Bevölkerungspyramide {name} nach Alter und Geschlecht, Vergleich {other_name}. Am stärksten besetzt je "
        f"Altersjahr ist die Altersgruppe {_age(largest)}, {sexes[largest.sex]}."
    )
    return Chart(
        style.draw(
            chart,
            own=[{**row, "Gebiet": name} for row in own],
            reference=[{**row, "Gebiet": other_name} for row in _steps(reference or [])],
        ),
        caption,
        alt_text,
        table,
        width=0.72,
    )


def _age(band: Band) -> str:
    return band.label.split(",")[0]


def _years(band: Band) -> int:
    return (OPEN_BAND_ENDS if band.age_to is None else band.age_to + 1) - band.age_from


def _shares(bands: Sequence[Band]) -> list[dict[str, Any]] | None:
    total = sum(band.value or 0.0 for band in bands)
    if not total:
        return None
    return [
        {
            "Seite": band.sex,
            "von": band.age_from,
            "bis": band.age_from + _years(band),
            "null": 0,
            "Anteil": (-1 if band.sex == "m" else 1) * 100 * (band.value or 0.0) / total / _years(band),
        }
        for band in sorted(bands, key=lambda band: (band.sex, band.age_from))
    ]


def _steps(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Corners of the outline: every band begins and ends at its share."""
    return [
        {"Seite": row["Seite"], "Anteil": row["Anteil"], "Alter": age, "Folge": 2 * number + end}
        for number, row in enumerate(rows)
        for end, age in enumerate((row["von"], row["bis"]))
    ]


__all__ = ["Band", "pyramid"]
