"""Open Semantic Interchange: the released star and the indicators as an OSI semantic model (core specification 1.0).

Pure. Metrics are SQL expressions over `fct_measure`; they are right for rows of one area level, as the instructions in
`ai_context` say, and empty when one part is hidden.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import yaml

from lagebild.instance import Instance
from semantic_layer.catalogue.loader import load_catalogue
from semantic_layer.catalogue.model import Catalogue
from semantic_layer.catalogue.resolve import ResolvedIndicator, ResolvedPart, Supply, resolve

_INSTRUCTIONS: Final = (
    "Werte stehen auf jeder Gebietsebene fertig bereit: immer auf genau ein Gebietssystem und eine Ebene "
    "(dim_area.area_system, dim_area.area_level) und auf einen Zeitraum je Zeile beschränken. Bestände nicht über die "
    "Zeit summieren. Leere Werte sind gesperrt oder fehlen und dürfen nicht als null gelesen werden."
)

_DATASETS: Final[dict[str, tuple[list[str], dict[str, str]]]] = {
    "fct_measure": (
        ["measure_id", "area_key", "period_key", "group_key"],
        {
            "measure_id": "Messgröße",
            "area_key": "Gebiet",
            "period_key": "Zeitraum oder Stichtag",
            "group_key": "Gruppe der Aufgliederung",
            "value": "Wert; leer, wenn gesperrt oder nicht geliefert",
            "obs_status": "Beobachtungsstatus nach SDMX",
            "conf_status": "Vertraulichkeitsstatus nach SDMX",
        },
    ),
    "dim_area": (
        ["area_key"],
        {
            "area_key": "Schlüssel des Gebiets in seinem Gebietsstand",
            "area_system": "Gebietssystem",
            "area_level": "Ebene",
            "area_code": "Gebietsschlüssel",
            "area_name": "Name",
            "parent_area_name": "Name des übergeordneten Gebiets",
            "valid_from": "gültig ab",
        },
    ),
    "dim_period": (
        ["period_key"],
        {
            "period_key": "Schlüssel des Zeitraums",
            "period_type": "Stichtag, Jahr, Schuljahr oder Monat",
            "period_label": "Bezeichnung",
            "period_end": "Ende",
            "year": "Kalenderjahr des Endes",
        },
    ),
    "dim_group": (
        ["group_key"],
        {
            "group_key": "Schlüssel der Gruppe",
            "group_label": "Bezeichnung",
            "age_from": "Alter ab",
            "age_to": "Alter bis",
            "sex": "Geschlecht",
        },
    ),
}
_TIME_FIELDS: Final = {"period_end", "valid_from"}


def osi_model(instance: Instance, catalogue: Catalogue | None = None) -> dict[str, Any]:
    """The semantic model of an instance; deterministic, plain values."""
    supply = Supply(catalogue or load_catalogue(), instance.config, instance.measures)
    shown = [item for item in resolve(supply) if item.status == "active" and item.tier == "public"]
    return {
        "semantic_model": [
            {
                "name": f"lagebild_{instance.name}",
                "description": f"Kennzahlen der Sozialplanung, {instance.config.title}",
                "ai_context": {"instructions": _INSTRUCTIONS},
                "datasets": [
                    {
                        "name": name,
                        "source": f"main.{name}",
                        "primary_key": key,
                        "fields": [_field(column, text) for column, text in fields.items()],
                    }
                    for name, (key, fields) in _DATASETS.items()
                ],
                "relationships": [
                    {
                        "name": f"fct_measure_to_{name}",
                        "from": "fct_measure",
                        "to": name,
                        "from_columns": key,
                        "to_columns": key,
                    }
                    for name, (key, _) in _DATASETS.items()
                    if name != "fct_measure"
                ],
                "metrics": [_metric(item) for item in shown],
            }
        ]
    }


def osi_yaml(instance: Instance) -> str:
    """`osi_model` as YAML."""
    return yaml.safe_dump(osi_model(instance), allow_unicode=True, sort_keys=False, width=120)


def _field(column: str, description: str) -> dict[str, Any]:
    return {
        "name": column,
        "expression": _expression(column),
        "dimension": {"is_time": column in _TIME_FIELDS},
        "description": description,
    }


def _metric(item: ResolvedIndicator) -> dict[str, Any]:
    indicator = item.indicator
    expression = f"{indicator.factor!r} * ({_sum(item.numerator)})"
    if item.denominator:
        expression += f" / NULLIF({_sum(item.denominator)}, 0)"
    details = {
        "version": indicator.version,
        "unit": indicator.unit,
        "decimals": indicator.decimals,
        "polarity": indicator.polarity or "neutral",
        "theme": indicator.theme,
    }
    return {
        "name": indicator.id,
        "expression": _expression(expression),
        "description": f"{indicator.label}: {indicator.definition}",
        "ai_context": {"synonyms": list(dict.fromkeys((indicator.short_label, *indicator.keywords)))},
        "custom_extensions": [{"vendor_name": "COMMON", "data": json.dumps(details, ensure_ascii=False)}],
    }


def _sum(parts: Sequence[ResolvedPart]) -> str:
    terms = " ".join(f"{'+' if part.sign > 0 else '-'} {_term(part)}" for part in parts)
    return terms.removeprefix("+ ")


def _term(part: ResolvedPart) -> str:
    row = f"fct_measure.measure_id = '{part.measure_id}' AND fct_measure.group_key = '{part.group_id}'"
    gaps = f"SUM(CASE WHEN {row} AND fct_measure.value IS NULL THEN 1 ELSE 0 END)"
    return f"CASE WHEN {gaps} = 0 THEN SUM(CASE WHEN {row} THEN fct_measure.value END) END"


def _expression(text: str) -> dict[str, Any]:
    return {"dialects": [{"dialect": "ANSI_SQL", "expression": text}]}


__all__ = ["osi_model", "osi_yaml"]
