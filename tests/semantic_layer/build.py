"""A hand-made catalogue and instance, small enough to check by eye. Belongs here: builders, no expectations."""

from __future__ import annotations

from typing import Any

from lagebild.instance import InstanceConfig, InstanceMeasure
from semantic_layer.catalogue.model import Catalogue
from semantic_layer.catalogue.resolve import Supply

SYSTEM = {
    "code": "raum",
    "label": "Räume",
    "levels": [
        {"code": "kreis", "label": "Kreis", "plural": "Kreise"},
        {"code": "gemeinde", "label": "Gemeinde", "plural": "Gemeinden"},
        {"code": "sozialraum", "label": "Sozialraum", "plural": "Sozialräume"},
    ],
}


def indicator(**changes: Any) -> dict[str, Any]:
    """An indicator without contradiction, changed where a test needs it."""
    return {
        "id": "share_old",
        "label": "Anteil 65+",
        "short_label": "65+",
        "definition": "Anteil der Personen ab 65 Jahren.",
        "theme": "demografie",
        "kind": "share",
        "numerator": [{"measure": "population", "group": {"age": [65, None]}}],
        "denominator": [{"measure": "population"}],
        "factor": 100,
        "unit": "%",
        "polarity": "neutral",
        "source_label": "Register",
        "cycle": "jährlich",
        "reference_day": "31.12.",
        "owner": "Sozialplanung",
        **changes,
    }


MEASURES: list[dict[str, Any]] = [
    {
        "id": "population",
        "label": "Personen",
        "definition": "x",
        "unit": "Personen",
        "semi_additive_time": True,
    },
    {
        "id": "children",
        "label": "Kinder",
        "definition": "x",
        "unit": "Personen",
        "restricts": "population",
        "covers": [0, 14],
    },
    {
        "id": "unemployed",
        "label": "Arbeitslose",
        "definition": "x",
        "unit": "Personen",
        "part_of": ["population"],
        "covers": [15, None],
    },
    {"id": "cost", "label": "Ausgaben", "definition": "x", "unit": "EUR", "value_kind": "money"},
]


def catalogue(*indicators: dict[str, Any], measures: list[dict[str, Any]] | None = None) -> Catalogue:
    return Catalogue.model_validate(
        {
            "themes": [{"id": "demografie", "label": "Demografie", "description": "x", "sort_key": 1}],
            "dimensions": [
                {
                    "id": "sex",
                    "label": "Geschlecht",
                    "column": "sex",
                    "members": {"m": "männlich", "f": "weiblich"},
                },
                {"id": "grund", "label": "Grund", "members": {"alter": "Alter", "krank": "Krankheit"}},
            ],
            "measures": measures or MEASURES,
            "indicators": list(indicators),
        }
    )


def config(**changes: Any) -> InstanceConfig:
    return InstanceConfig.model_validate(
        {
            "name": "probe",
            "title": "Probe",
            "attribution": "Probe",
            "area_systems": [SYSTEM, {**SYSTEM, "code": "bezirk", "label": "Bezirke"}],
            "main_area_system": "raum",
            "dimensions": {"age": [0, 15, 65, 80], "age_ba": [15, 25, 55], "age_coarse": [0, 65]},
            "dashboard": {
                "headline_indicators": ["share_old"] * 4,
                "map_indicator": "share_old",
                "map_level": "sozialraum",
                "series_indicators": ["share_old"],
                "ranking_indicator": "share_old",
                "ranking_level": "gemeinde",
            },
            **changes,
        }
    )


def measure(**changes: Any) -> InstanceMeasure:
    return InstanceMeasure.model_validate(
        {
            "measure": "population",
            "source": "register",
            "input": "person",
            "breakdowns": [["age", "sex"], ["age"], ["sex"]],
            "period_type": "stichtag",
            "area_system": "raum",
            "lowest_level": "sozialraum",
            "rule": "count_3",
            **changes,
        }
    )


def supply(book: Catalogue, *measures: InstanceMeasure, **changes: Any) -> Supply:
    return Supply(book, config(**changes), measures or (measure(),))
