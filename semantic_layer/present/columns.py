"""What the columns of an answer are called in German, and which of them a reader wants to see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

TITLES: Final[Mapping[str, str]] = {
    "metric": "Kennzahl (Schlüssel)",
    "metric_label": "Kennzahl",
    "area_key": "Gebiet (Schlüssel)",
    "area_code": "Gebietsschlüssel",
    "area_name": "Gebiet",
    "area_level": "Ebene (Schlüssel)",
    "area_level_label": "Ebene",
    "parent_area_name": "Übergeordnetes Gebiet",
    "period_key": "Zeitraum (Schlüssel)",
    "period_label": "Zeitraum",
    "period_end": "Stand",
    "year": "Jahr",
    "is_total": "Summenzeile",
    "numerator": "Zähler",
    "denominator": "Nenner",
    "value": "Wert",
    "unit": "Einheit",
    "value_low": "Untergrenze",
    "value_high": "Obergrenze",
    "obs_status": "Beobachtungsstatus",
    "conf_status": "Vertraulichkeitsstatus",
    "empty_reason": "Grund, wenn leer",
    "previous_value": "Vorperiode",
    "change": "Veränderung",
    "kreis_value": "Gesamtgebiet",
    "parent_value": "Wert des übergeordneten Gebiets",
    "index_value": "Index",
    "age": "Alter (Schlüssel)",
    "age_label": "Alter",
    "sex": "Geschlecht (Schlüssel)",
    "sex_label": "Geschlecht",
    "nationality": "Staatsangehörigkeit (Schlüssel)",
    "nationality_label": "Staatsangehörigkeit",
    "migration": "Migrationshintergrund (Schlüssel)",
    "migration_label": "Migrationshintergrund",
}

_BENCHMARKS: Final[Mapping[str, str]] = {
    "gemeinde": "Gemeinde",
    "kreis": "Kreis",
    "land": "Land",
    "bund": "Bund",
    "mean_unweighted": "Ungewichteter Mittelwert der Gebiete",
    "peers": "Ähnliche Gebiete",
}

_KEYS: Final = frozenset(
    {"metric", "area_key", "period_key", "obs_status", "conf_status", "is_total", "year"}
)
"""Columns for programs; people read the labels beside them."""

VALUE_COLUMNS: Final = frozenset(
    {
        "value",
        "value_low",
        "value_high",
        "previous_value",
        "change",
        "kreis_value",
        "parent_value",
        "numerator",
        "denominator",
        "index_value",
    }
)


def title(column: str) -> str:
    """German title of a column; one the caller named in SQL keeps its name."""
    if column in TITLES:
        return TITLES[column]
    if column.startswith("benchmark_"):
        name = column.removeprefix("benchmark_")
        return f"Vergleich: {_BENCHMARKS.get(name, name)}"
    for ending, meaning in (("_code", " (Schlüssel)"), ("_name", ""), ("_label", "")):
        if column.endswith(ending):
            return column.removesuffix(ending).replace("_", " ").capitalize() + meaning
    return column


def readable(columns: Iterable[str]) -> list[str]:
    """Columns for people, in the order given. The year stays when it is the only time there is."""
    names = list(columns)
    labelled = {name.removesuffix("_label") for name in names if name.endswith("_label")}
    coded = {f"{name.removesuffix('_name')}_code" for name in names if name.endswith("_name")} - {"area_code"}
    hidden = _KEYS | labelled | coded
    if "period_label" not in names:
        hidden -= {"year"}
    return [name for name in names if name not in hidden]


def is_value(column: str) -> bool:
    """True for columns that hold figures in the unit of the metric."""
    return column in VALUE_COLUMNS or column.startswith("benchmark_")


__all__ = ["TITLES", "is_value", "readable", "title"]
