"""Rows of goals, measures and money for the mock release: one of each kind a reader meets."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb

_AREA = {
    "area_system": "sozialraum",
    "area_level": "gemeinde",
    "area_level_label": "Gemeinde",
    "level_rank": 1,
    "area_key": "sozialraum:99901001",
    "area_code": "99901001",
    "area_name": "Altensiel",
    "parent_area_name": "Probekreis",
}
_THEME = {"theme_id": "lage", "theme_label": "Soziale Lage"}
_INDICATOR = {"indicator_id": "sgb2_rate", "indicator_label": "SGB-II-Quote", "short_label": "SGB-II-Quote"}
_UNITS = {"unit": "%", "decimals": 1, "polarity": "lower_better"}

RECOMMENDATIONS: list[dict[str, Any]] = [
    _AREA
    | _THEME
    | {
        "recommendation_id": f"HE-00{number}",
        "title": title,
        "goal": "Hilfen kommen an",
        "operative_goal": "SGB-II-Quote höchstens 5,0 % im Jahr 2026",
        "indicator_id": "sgb2_rate",
        "indicator_label": "SGB-II-Quote",
        "target_state_label": "hinter Plan",
        "decided_on": date(2022, 3, 1),
        "year": 2022,
        "responsible": "Fachdienst Soziales",
        "due_year": 2024,
        "status": status,
        "status_rank": 1,
        "status_since": date(2023, 1, 15),
        "light": light,
        "light_label": label,
        "light_rank": rank,
        "light_reason": "Frist 2024",
        "cost_plan_eur": 1000.0,
        "cost_actual_eur": spent,
        "cost_share": spent / 1000.0 if spent else None,
        "cost_text": "geplant 1.000 EUR",
        "history_text": "01.03.2022 geplant",
        "status_changes": 2,
        "stated_on": date(2025, 1, 20),
    }
    for number, title, status, light, label, rank, spent in (
        (1, "Stadtteilbüro", "in Umsetzung", "rot", "überfällig", 1, 400.0),
        (2, "Offener Treff", "umgesetzt", "blau", "umgesetzt", 4, 1100.0),
        (3, "Rufbus", "zurückgestellt", "grau", "zurückgestellt", 5, None),
    )
]
STATUS: list[dict[str, Any]] = [
    {"recommendation_id": name, "since": since, "status": status, "note": note, "is_current": is_current}
    for name, since, status, note, is_current in (
        ("HE-001", date(2022, 3, 1), "geplant", None, False),
        ("HE-001", date(2023, 1, 15), "in Umsetzung", None, True),
        ("HE-002", date(2022, 3, 1), "in Umsetzung", None, False),
        ("HE-002", date(2024, 6, 1), "umgesetzt", "eröffnet", True),
    )
]
TARGETS: list[dict[str, Any]] = [
    _AREA
    | _THEME
    | _INDICATOR
    | _UNITS
    | {
        "target_year": 2026,
        "target_value": 5.0,
        "target_value_label": "5,0 %",
        "base_period_label": "31.12.2021",
        "base_value": 6.0,
        "base_value_label": "6,0 %",
        "latest_period_label": "31.12.2024",
        "latest_period_end": date(2024, 12, 31),
        "latest_value": 5.9,
        "latest_value_label": "5,9 %",
        "expected_value": 5.4,
        "expected_value_label": "5,4 %",
        "progress": 0.1,
        "expected_progress": 0.6,
        "kind_label": "verändern",
        "state": "behind",
        "state_label": "hinter Plan",
        "state_rank": 2,
        "derivation": "Ausgangswert 6,0 % (31.12.2021), Ziel 5,0 % bis 2026.",
        "decision": "Kreistag, 01.03.2022",
        "decided_on": date(2022, 3, 1),
        "recommendation_id": "HE-001",
        "is_open": True,
    }
]
BUDGET: list[dict[str, Any]] = [
    _THEME
    | {
        "year": year,
        "is_latest": year == 2023,
        "product_code": "3.1",
        "product_name": "Hilfen",
        "product": "3.1 Hilfen",
        "plan_eur": 1000.0,
        "actual_eur": actual,
        "deviation_pct": 20.0 if actual else None,
        "per_inhabitant_eur": 3.5 if actual else None,
        "per_case_empty_reason": "keine Fallzahl zugeordnet",
        "recommendations": 1,
    }
    for year, actual in ((2023, 1200.0), (2024, None))
]
SPENDING: list[dict[str, Any]] = [
    _AREA
    | _THEME
    | {
        "year": 2024,
        "is_latest": True,
        "product_code": "3.1",
        "product_name": "Hilfen",
        "spending_label": "Ausgaben",
        "amount_eur": 500.0,
        "amount_label": "500 EUR",
    }
]
COMPARISONS: list[dict[str, Any]] = [
    _AREA
    | _THEME
    | {
        "recommendation_id": "HE-002",
        "title": "Offener Treff",
        "status": "umgesetzt",
        "indicator_id": "sgb2_rate",
        "indicator_label": "SGB-II-Quote",
        "unit": "%",
        "decimals": 1,
        "before_value": 6.0,
        "before_label_periods": "2019 bis 2021",
        "after_label_periods": "2022 bis 2024",
        "before_value_label": "6,0 %",
        "after_value": 5.5,
        "after_value_label": "5,5 %",
        "change": -0.5,
        "change_label": "-0,5",
        "neighbours_change": 0.1,
        "neighbours_change_label": "+0,1",
        "difference": -0.6,
        "difference_label": "-0,6",
        "neighbours": 3,
        "neighbours_label": "3 ähnliche Gebiete",
        "verdict_label": "günstiger als alle Vergleichsgebiete",
        "wording": "Altensiel: von 6,0 % auf 5,5 %.",
        "caution": "Kein Nachweis einer Wirkung.",
    }
]
TABLES = {
    "mart_recommendation": RECOMMENDATIONS,
    "fct_recommendation_status": STATUS,
    "mart_target": TARGETS,
    "mart_budget": BUDGET,
    "mart_budget_area": SPENDING,
    "mart_before_after": COMPARISONS,
}


def fill(db: duckdb.DuckDBPyConnection) -> None:
    """Rows into the empty tables of the contract."""
    for table, rows in TABLES.items():
        for row in rows:
            places = ", ".join("?" * len(row))
            db.execute(f"insert into {table} ({', '.join(row)}) values ({places})", list(row.values()))
