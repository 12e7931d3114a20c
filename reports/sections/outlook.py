"""Outlook: population by scenario, needs, and indicators that can be forecast. Always with interval and naive line.

Belongs here: blocks from the forecast tables. Empty where a release has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from lagebild import german
from reports.charts import style
from reports.charts.fan import Point, fan
from reports.document import Block, Chart, Column, Note, Section, Table, Text, arranged, section
from reports.facts import Area
from reports.reader import Reader
from reports.release import Row as Record
from reports.wording import grammar

_INDICATORS = 4
_YEARS = 5
"""Years between the rows of the table of scenarios."""


def outlook(reader: Reader, area: Area | None = None) -> Section:
    """All forecasts of an area (default: the whole territory)."""
    chosen = area or reader.root
    blocks = [*population(reader, chosen), *_needs(reader, chosen), *_indicators(reader, chosen)]
    if blocks:
        blocks.append(
            Note(
                "Prognosen schreiben fort, was die Zahlen bisher zeigen; sie sagen nicht, was geschehen "
                "wird. Die "
                "gezeigten Spannen sind auf 80 % angelegt: In etwa einem von fünf Fällen liegt der spätere "
                "Wert außerhalb."
            )
        )
    return section("Ausblick", blocks, new_page=area is None)


def population(reader: Reader, area: Area) -> list[Block]:
    """Observed population and its scenarios, as text, drawing and table."""
    if not reader.release.has("mart_population_forecast"):
        return []
    rows = reader.release.rows(
        """select * from mart_population_forecast where area_key = ? and area_system = ?
           order by kind = 'Prognose', scenario_position, year""",
        [area.key, reader.system],
    )
    forecast = [row for row in rows if row["kind"] == "Prognose" and not row["is_planner"]]
    # A forecast that begins after the year of the report says nothing in it.
    if not forecast or min(row["base_year"] for row in forecast) > reader.year:
        return []
    last = max(row["year"] for row in forecast)
    ends = [row for row in forecast if row["year"] == last]
    said = [_population_sentence(area, row, last) for row in ends if row["scenario"] == "mittel"]
    others = [row for row in ends if row["scenario"] != "mittel"]
    if others:
        spread = grammar.listed(
            [
                f"im Szenario „{row['scenario_label']}“ {german.number(round(row['population']))}"
                for row in others
            ]
        )
        said.append(f"{grammar.capital(spread)}.")
    points = [_point(row) for row in rows if not row["is_planner"]]
    years = sorted({row["year"] for row in forecast})
    kept = [year for year in years if (year - years[0]) % _YEARS == 0 or year == last]
    names = list(dict.fromkeys(row["scenario_label"] for row in forecast))
    values = {(row["year"], row["scenario_label"]): row["population"] for row in forecast}
    caption = f"Bevölkerung {grammar.where(area)}: beobachtet und Szenarien bis {last}"
    table = Table(
        f"Daten: {caption}",
        (Column("Jahresende"), *(Column(f"Szenario „{name}“", True) for name in names)),
        tuple((str(year), *(_whole(values.get((year, name))) for name in names)) for year in kept),
    )
    alt_text = f"Zeitreihe der Bevölkerung mit {len(names)} Szenarien. {' '.join(said)}"
    return [
        Text(" ".join(said)),
        fan(points, decimals=0, caption=caption, alt_text=alt_text, table=table),
    ]


def _population_sentence(area: Area, row: Record, last: int) -> str:
    people = german.number(round(row["population"]))
    base = german.number(round(row["base_population"]))
    change = row["population"] - row["base_population"]
    percent = 100 * change / row["base_population"] if row["base_population"] else 0.0
    begin = f"Im mittleren Szenario leben {grammar.where(area)} im Jahr {last} {people} Menschen"
    if round(percent, 1) == 0:
        return f"{begin}, etwa so viele wie {row['base_year']} ({base})."
    amount = f"{german.number(abs(percent), 1)}{grammar.NBSP}%"
    return (
        f"{begin}; das sind {amount} {'mehr' if change > 0 else 'weniger'} als {row['base_year']} ({base})."
    )


def _point(row: Record) -> Point:
    name = "beobachtet" if row["kind"] == "beobachtet" else f"Szenario „{row['scenario_label']}“"
    return Point(name, row["year"], row["population"])


def _whole(value: float | None) -> str:
    return "–" if value is None else german.number(round(value))


def _needs(reader: Reader, area: Area) -> list[Block]:
    if not reader.release.has("mart_need_forecast"):
        return []
    rows = reader.release.rows(
        """select * from mart_need_forecast
           where area_key = ? and scenario = 'mittel' and is_last_year and base_year <= ?
           order by theme_id, need_label""",
        [area.key, reader.year],
    )
    if not rows:
        return []
    return [
        Table(
            f"Bedarf im mittleren Szenario, {area.name}",
            (
                Column("Bedarf"),
                Column("Heute", True),
                Column("Jahr", True),
                Column("Prognose mit Spanne", True),
                Column("Veränderung", True),
            ),
            tuple(
                (
                    row["need_label"],
                    f"{german.number(row['base_value'], row['decimals'])} ({row['base_year']})"
                    if row["base_value"] is not None
                    else "–",
                    str(row["year"]),
                    row["value_label"] or "–",
                    f"{grammar.signed(row['change_pct'], 1)}{grammar.NBSP}%"
                    if row["change_pct"] is not None
                    else "–",
                )
                for row in rows
            ),
        )
    ]


def _indicators(reader: Reader, area: Area) -> list[Block]:
    """Forecasts of the leading indicators that allow one."""
    if not reader.release.has("mart_forecast"):
        return []
    charts: list[Chart] = []
    for indicator in reader.headlines:
        if len(charts) == _INDICATORS:
            break
        rows = reader.release.rows(
            "select * from mart_forecast where indicator_id = ? and area_key = ? and area_system = ? order "
            "by period_end",
            [indicator.id, area.key, reader.system],
        )
        seen = [row for row in rows if row["kind"] == "beobachtet" and row["value"] is not None]
        ahead = [row for row in rows if row["kind"] == "Prognose" and row["value"] is not None]
        if not ahead or not seen or seen[-1]["year"] > reader.year:
            continue
        charts.append(_indicator_fan(seen, ahead))
    return arranged(charts)


def _indicator_fan(seen: Sequence[Record], ahead: Sequence[Record]) -> Chart:
    first, last = seen[-1], ahead[-1]
    unit = (first["unit"] or "").replace("EUR", "Euro")
    at = _x(first)
    points = [
        *(Point("beobachtet", _x(row), row["value"]) for row in seen),
        # The band opens at the last observed value.
        Point("Prognose", at, first["value"], first["value"], first["value"]),
        *(Point("Prognose", _x(row), row["value"], row["value_low"], row["value_high"]) for row in ahead),
    ]
    if ahead[0]["naive_value"] is not None:
        points += [Point("letzter Wert", at, first["value"])]
        points += [Point("letzter Wert", _x(row), row["naive_value"]) for row in ahead]
    caption = f"{first['short_label'] or first['indicator_label']}{f' ({unit})' if unit else ''}"
    table = Table(
        f"Daten: {caption}",
        (Column("Zeitraum"), Column("Art"), Column("Wert", True)),
        tuple((row["period_label"], row["kind"], row["value_label"] or "–") for row in (*seen, *ahead)),
    )
    alt_text = (
        f"Zeitreihe {first['indicator_label']}: {first['period_label']} {first['value_label']}, Prognose "
        f"{last['period_label']} {last['value_label']}. {last['quality_text'] or ''}"
    )
    return fan(
        points,
        decimals=first["decimals"] or 0,
        caption=caption,
        alt_text=alt_text.strip(),
        table=table,
        width=style.HALF,
        from_zero=False,
    )


def _x(row: Record) -> float:
    end: date = row["period_end"]
    return round(end.year - (12 - end.month) / 12, 3)


__all__ = ["outlook", "population"]
