"""A small released file for the reports: the figures of tests/superset/mock_release.py with
statistics, indices, forecasts and recommendations of a few rows. Values are made up; labels agree with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from tests.superset import mock_release

OPTIONAL = (
    "mart_trend",
    "mart_statistic",
    "fct_ranking",
    "mart_attention",
    "mart_index",
    "fct_index_sensitivity",
    "mart_population_forecast",
    "mart_need_forecast",
    "mart_forecast",
    "mart_target",
    "mart_recommendation",
    "mart_budget",
)
"""Tables whose sections are left out where they are empty or absent."""

ROOT = "sozialraum:99901"
FIRST = "sozialraum:99901001S01"


def build(path: Path) -> Path:
    """Writes the file and returns its path."""
    mock_release.build(path)
    with duckdb.connect(str(path)) as db:
        for table in (*OPTIONAL, "dim_index"):
            db.execute(f"delete from {table}")
        _star(db)
        _statistics(db)
        _position(db)
        _outlook(db)
        _goals(db)
    return path


def insert(db: duckdb.DuckDBPyConnection, table: str, *rows: dict[str, Any]) -> None:
    for row in rows:
        places = ", ".join("?" for _ in row)
        db.execute(f"insert into {table} ({', '.join(row)}) values ({places})", list(row.values()))


def _star(db: duckdb.DuckDBPyConnection) -> None:
    insert(
        db,
        "dim_source",
        {"source_id": "p", "label": "Prüfstatistik", "supplier": "Prüfstelle", "last_period_end": "2024-12-31",
         "last_received_at": "2025-03-01 00:00:00"},
    )  # fmt: skip


def _labels(key: str, name: str, level: str, level_label: str, rank: int) -> dict[str, Any]:
    return {
        "area_key": key,
        "area_name": name,
        "area_system": "sozialraum",
        "area_level": level,
        "area_level_label": level_label,
        "level_rank": rank,
    }


_ROOT_LABELS = _labels(ROOT, "Probekreis", "kreis", "Kreis", 0)


def _statistics(db: duckdb.DuckDBPyConnection) -> None:
    insert(
        db,
        "mart_trend",
        {**_ROOT_LABELS, "indicator_id": "sgb2_rate", "indicator_label": "SGB-II-Quote", "year": 2024,
         "direction": "rising", "wording": "steigend und ungünstig", "first_period_label": "31.12.2019",
         "last_period_label": "31.12.2024", "slope_label": "+0,2 Prozentpunkte je Jahr", "is_warning": True,
         "warning_text": "Seit 31.12.2019 anhaltend gestiegen und ungünstig."},
    )  # fmt: skip
    insert(
        db,
        "mart_statistic",
        {**_labels(FIRST, "Altensiel Nord", "sozialraum", "Sozialraum", 2), "indicator_id": "sgb2_rate",
         "year": 2024, "period_end": "2024-12-31", "comparison": "below",
         "interval_label": "4,0 bis 6,9 %", "is_reliable": False},
    )  # fmt: skip
    insert(
        db,
        "fct_ranking",
        {"indicator_id": "sgb2_rate", "area_system": "sozialraum", "area_level": "gemeinde",
         "period_key": "S2024-12-31", "is_rankable": False, "reason": "eine Rangfolge wäre nicht haltbar."},
    )  # fmt: skip


def _position(db: duckdb.DuckDBPyConnection) -> None:
    areas = db.execute(
        "select area_key, area_name, area_code from dim_area where area_level = 'sozialraum' order by 3"
    ).fetchall()
    insert(
        db,
        "dim_index",
        {"index_id": "probe", "label": "Probeindex", "definition": "Fasst zwei Kennzahlen zusammen.",
         "parts_label": "SGB-II-Quote, Kinderarmut", "area_system": "sozialraum", "area_level": "sozialraum"},
    )  # fmt: skip
    for number, (key, name, code) in enumerate(areas):
        labels = {
            **_labels(key, name, "sozialraum", "Sozialraum", 2),
            "area_code": code,
            "is_current_area": True,
        }
        degree = None if number == 1 else number % 4
        insert(
            db,
            "mart_attention",
            {**labels, "year": 2024, "degree": degree, "burdens": None if degree is None else degree,
             "strong_burdens": 0, "degree_label": "nicht beurteilbar" if degree is None else f"Grad {degree}",
             "burdens_text": "SGB-II-Quote über dem Kreiswert" if degree else None,
             "derivation": "Ergibt sich aus der Zahl der Belastungen", "rule_label": "Belastung ab einer Abweichung.",
             "empty_reason": "zu wenige Werte" if degree is None else None},
        )  # fmt: skip
        insert(
            db,
            "mart_index",
            {**labels, "index_id": "probe", "index_label": "Probeindex", "period_key": "S2024-12-31",
             "period_label": "31.12.2024", "period_end": "2024-12-31", "year": 2024, "value": number / 10,
             "value_label": f"0,{number}", "class_number": 1 + number % 2, "class_label": f"Klasse {1 + number % 2}",
             "rank_label": f"{number + 1} von {len(areas)}", "contribution_text": "SGB-II-Quote 0,1"},
        )  # fmt: skip
    insert(
        db,
        "fct_index_sensitivity",
        {"index_id": "probe", "period_key": "S2024-12-31", "variant_label": "ohne Kinderarmut", "spearman": 0.91,
         "largest_rank_shift": 3},
    )  # fmt: skip


def _outlook(db: duckdb.DuckDBPyConnection) -> None:
    for year in range(2020, 2025):
        insert(
            db,
            "mart_population_forecast",
            {**_ROOT_LABELS, "year": year, "kind": "beobachtet", "scenario": "beobachtet",
             "scenario_label": "beobachtet", "is_planner": False, "scenario_position": 0,
             "population": 40000.0 + year - 2020, "base_year": 2024, "base_population": 40004.0},
        )  # fmt: skip
    for place, (scenario, slope) in enumerate({"niedrig": -50, "mittel": 0, "hoch": 60}.items(), start=1):
        for year in range(2024, 2041):
            insert(
                db,
                "mart_population_forecast",
                {**_ROOT_LABELS, "year": year, "kind": "Prognose", "scenario": scenario, "scenario_label": scenario,
                 "is_planner": False, "scenario_position": place, "population": 40004.0 + slope * (year - 2024),
                 "base_year": 2024, "base_population": 40004.0},
            )  # fmt: skip
    insert(
        db,
        "mart_need_forecast",
        {**_ROOT_LABELS, "need_label": "Plätze in Kitas", "theme_id": "lage", "scenario": "mittel", "year": 2040,
         "is_last_year": True, "base_year": 2024, "base_value": 1200.0, "value_label": "1.100 Plätze (1.050 bis 1.150)",
         "change_pct": -8.3, "decimals": 0},
    )  # fmt: skip
    series = [(2023, "beobachtet", 5.5, None, None), (2024, "beobachtet", 5.7, None, None)]
    series += [(2025, "Prognose", 5.9, 5.4, 6.4), (2026, "Prognose", 6.0, 5.3, 6.7)]
    for year, kind, value, low, high in series:
        insert(
            db,
            "mart_forecast",
            {**_ROOT_LABELS, "indicator_id": "sgb2_rate", "indicator_label": "SGB-II-Quote", "unit": "%",
             "decimals": 1, "period_end": f"{year}-12-31", "period_label": str(year), "year": year, "kind": kind,
             "value": value, "value_low": low, "value_high": high, "value_label": f"{value} %".replace(".", ","),
             "naive_value": None if low is None else 5.7},
        )  # fmt: skip


def _goals(db: duckdb.DuckDBPyConnection) -> None:
    insert(
        db,
        "mart_target",
        {**_ROOT_LABELS, "indicator_label": "SGB-II-Quote", "target_year": 2028, "target_value_label": "5,0 %",
         "base_value_label": "5,5 %", "base_period_label": "31.12.2022", "latest_value_label": "5,7 %",
         "latest_period_label": "31.12.2024", "latest_period_end": "2024-12-31",
         "state_label": "hinter Plan", "state_rank": 1},
    )  # fmt: skip
    insert(
        db,
        "mart_recommendation",
        {**_labels(FIRST, "Altensiel Nord", "sozialraum", "Sozialraum", 2), "recommendation_id": "HE-001",
         "title": "Familienzentrum aufbauen", "theme_label": "Soziale Lage", "due_year": 2026,
         "status": "in Umsetzung", "status_rank": 1, "light": "rot", "light_label": "überfällig", "year": 2023,
         "cost_text": "Plan 120.000 Euro", "stated_on": "2025-03-01", "light_rank": 1},
    )  # fmt: skip
    insert(
        db,
        "mart_budget",
        {"year": 2024, "product_name": "Hilfen zur Erziehung", "plan_eur": 1000000.0, "actual_eur": 1100000.0,
         "deviation_pct": 10.0, "per_inhabitant_eur": 27.5, "per_case_eur": 9000.0},
    )  # fmt: skip


__all__ = ["OPTIONAL", "build"]
