"""What one planner's scenario changes: tables of a projection in, a German table and a short German text out.

Belongs here: the comparison with the middle scenario and its words. Not here: the projection (`population`), files.
"""

from __future__ import annotations

import pandas as pd

from analysis.frames.population import MIDDLE

COLUMNS = {
    "area_level_label": "Ebene",
    "area_name": "Gebiet",
    "area_code": "Gebietsschlüssel",
    "year": "Jahr",
    "scenario_label": "Szenario",
    "population": "Einwohner",
    "births": "Geburten",
    "deaths": "Sterbefälle",
    "net_migration": "Wanderungssaldo",
    "planned": "davon Planung",
    "children_share": "Anteil unter 18 Jahren in %",
    "seniors_share": "Anteil ab 60 Jahren in %",
}
NEED_COLUMNS = {
    "need_label": "Bedarf",
    "unit": "Einheit",
    "area_level_label": "Ebene",
    "area_name": "Gebiet",
    "area_code": "Gebietsschlüssel",
    "year": "Jahr",
    "scenario_label": "Szenario",
    "value": "Bedarf (Wert)",
}


def balance(population: pd.DataFrame) -> pd.DataFrame:
    """area_key x scenario x year with the terms of the balance and the shares, from the long table of `population`."""
    key = ["area_key", "scenario", "year"]
    terms = ["population", "births", "deaths", "arrivals", "departures", "reconciliation", "planned"]
    found = population.groupby(key)[terms].sum(min_count=1)
    found["net_migration"] = (
        found["arrivals"] - found["departures"] + found["reconciliation"] + found["planned"]
    )
    young = population[population["age_from"] < 18].groupby(key)["population"].sum()
    old = population[population["age_from"] >= 60].groupby(key)["population"].sum()
    persons = found["population"].where(found["population"] > 0)
    found["children_share"], found["seniors_share"] = 100 * young / persons, 100 * old / persons
    return found.reset_index()


def labelled(
    table: pd.DataFrame, areas: pd.DataFrame, labels: dict[str, str], columns: dict[str, str]
) -> pd.DataFrame:
    """German columns, areas by level and code. `areas`: area_key, area_level_label, level_rank, area_code,
    area_name."""
    rows = table.merge(areas, on="area_key").assign(scenario_label=lambda it: it["scenario"].map(labels))
    order = ["level_rank", "area_code", *(["need_label"] if "need_label" in rows else []), "scenario", "year"]
    return rows.sort_values(order)[list(columns)].rename(columns=columns).reset_index(drop=True)


def text(
    name: str,
    label: str,
    balance_rows: pd.DataFrame,
    needs: pd.DataFrame,
    areas: pd.DataFrame,
    changed: list[str],
) -> str:
    """Short German text: the Kreis at the end of the horizon against the middle scenario, then the areas of the
    planner's
    changes, then the needs. `changed`: area keys; `needs`: need_label, unit, area_key, scenario, year, value."""
    last = int(balance_rows["year"].max())
    names = dict(zip(areas["area_key"], areas["area_name"], strict=True))
    root = str(areas.sort_values("level_rank")["area_key"].iloc[0])
    ended = balance_rows[balance_rows["year"] == last]
    persons = dict(
        zip(zip(ended["area_key"], ended["scenario"], strict=True), ended["population"], strict=True)
    )
    sentences = [f"Szenario „{label}“ im Vergleich zum Szenario „{MIDDLE}“."]
    for key in [root, *dict.fromkeys(key for key in changed if key != root)]:
        own, middle = persons[key, name], persons[key, MIDDLE]
        sentences.append(
            f"{names[key]}: Ende {last} rechnerisch {_count(own)} Einwohnerinnen und Einwohner, "
            f"{_difference(own - middle)}."
        )
    of_kreis = needs[(needs["year"] == last) & (needs["area_key"] == root)]
    for need in dict.fromkeys(of_kreis["need_label"]):
        rows = of_kreis[of_kreis["need_label"] == need]
        values = dict(zip(rows["scenario"], rows["value"], strict=True))
        if {name, MIDDLE} <= set(values):
            sentences.append(
                f"{need}, {names[root]} {last}: {_count(values[name])} {rows['unit'].iloc[0]}, "
                f"{_difference(values[name] - values[MIDDLE])}."
            )
    sentences.append(
        "Die Rechnung setzt veröffentlichte Zahlen und die genannten Annahmen fort; sie ist keine Vorhersage."
    )
    return "\n".join(sentences)


def _count(value: float) -> str:
    return f"{value:,.0f}".replace(",", ".")


def _difference(value: float) -> str:
    if round(value) == 0:
        return "ebenso viele wie ohne diese Annahmen"
    return f"{_count(abs(value))} {'mehr' if value > 0 else 'weniger'} als ohne diese Annahmen"


__all__ = ["COLUMNS", "NEED_COLUMNS", "balance", "labelled", "text"]
