"""What the dbt project promises about itself: descriptions, unit tests, exposures. Reads YAML and SQL, runs nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from lagebild.paths import DBT_PROJECT_DIR, PROJECT_ROOT
from orchestration.release_contract import PUBLISHED_MODELS

MODELS: Final = DBT_PROJECT_DIR / "models"

# Models without a dbt unit test, each with the reason. A new model either gets a test or a line here.
COVERED_OTHERWISE: Final = {
    "dim_indicator": "join of two catalogue tables",
    "int_series_break": "one filter",
    "int_unassigned": "one filter",
    "int_area_polygon": "Python model: dbt has no unit tests for it; tests/dbt_project/test_python_models.py",
    "int_area_size": "Python model: dbt has no unit tests for it; tests/dbt_project/test_python_models.py",
    "int_analysis__before_after": "Python model: tests/analysis/test_before_after.py",
    "int_area_validity": "tests/dbt_project/test_area_validity.py",
    "int_analysis__attention": "Python model: frames in tests/analysis/test_attention.py",
    "int_analysis__index": "Python model: frames in tests/analysis/test_index_frames.py",
    "int_analysis__index_part": "Python model: frames in tests/analysis/test_index_frames.py",
    "int_analysis__index_sensitivity": "Python model: frames in tests/analysis/test_index_frames.py",
    "int_measure__microdata": "macro over configured SQL; counted again with pandas in tests/dbt_project/test_star.py",
    "published_mart_delivery": "named copy of the calendar computed in ingestion.landing.calendar and tested there",
    "int_disclosure__overlap": "macro over configured SQL; counted again in tests/dbt_project/test_overlap.py",
    "int_analysis__basis": "Python model; tests/analysis/test_frames_statistic.py",
    "int_analysis__correlation": "Python model; tests/analysis/test_frames_correlation.py",
    "int_analysis__forecast": "Python model; tests/analysis/test_frames_forecast.py",
    "int_analysis__need": "Python model; tests/analysis/test_frames_population.py",
    "int_analysis__population": "Python model; tests/analysis/test_frames_population.py",
    "int_analysis__population_record": "Python model; tests/analysis/test_frames_population.py",
    "int_analysis__ranking": "Python model; tests/analysis/test_frames_statistic.py",
    "int_analysis__statistic": "Python model; tests/analysis/test_frames_statistic.py",
    "int_analysis__trend": "Python model; tests/analysis/test_frames_trend.py",
    "int_disclosure__decision_margin": "attacked by integer programming in tests/dbt_project/test_disclosure_attack.py",
}
# Copies of a model that is tested, cut to what is published.
COPIES: Final = {
    "published_bridge_area",
    "published_bridge_area_reform",
    "published_dim_area_polygon",
    "published_dim_group",
    "published_dim_indicator",
    "published_dim_indicator_change",
    "published_dim_indicator_part",
    "published_dim_measure",
    "published_dim_period",
    "published_dim_release",
    "published_dim_theme",
    "published_dim_need",
    "published_dim_scenario",
    "published_fct_forecast",
    "published_fct_forecast_quality",
    "published_fct_population_quality",
    "published_fct_indicator_statistic",
    "published_fct_ranking",
    "published_fct_attention_part",
    "published_mart_index_map",
    "published_mart_map",
    "tier_dim_area",
    "tier_dim_group",
    "tier_dim_measure",
    "tier_dim_period",
    "tier_dim_reader",
}


def _documents(key: str) -> list[dict[str, Any]]:
    files = sorted(MODELS.rglob("*.yml"))
    return [item for path in files for item in (yaml.safe_load(path.read_text("utf-8")) or {}).get(key, [])]


def _model_names() -> set[str]:
    return {path.stem for path in (*MODELS.rglob("*.sql"), *MODELS.rglob("*.py"))}


def test_every_model_is_described_by_its_grain() -> None:
    described = {item["name"] for item in _documents("models") if len(item.get("description", "")) > 15}
    assert _model_names() - described == set()
    assert {item["name"] for item in _documents("models")} - _model_names() == set()


def test_every_published_column_is_described() -> None:
    contract = PUBLISHED_MODELS
    assert len(contract) > 20
    blank = [
        f"{item['name']}.{column['name']}"
        for item in contract
        for column in item["columns"]
        if not column.get("description", "").strip()
    ]
    assert blank == []


def test_every_model_that_computes_has_a_unit_test() -> None:
    tested = {item["model"] for item in _documents("unit_tests")}
    staging = {path.stem for path in MODELS.rglob("stg_*.sql")}
    assert _model_names() - tested - staging - set(COVERED_OTHERWISE) - COPIES == set()
    # Exemptions that are no longer needed must not hide the next untested model of the same name.
    assert (set(COVERED_OTHERWISE) | COPIES) & tested == set()
    assert (set(COVERED_OTHERWISE) | COPIES) - _model_names() == set()


@pytest.mark.parametrize("kind", ["fct_", "mart_", "bridge_", "dim_"])
def test_every_fact_and_dimension_tests_its_grain(kind: str) -> None:
    found = [item for item in _documents("models") if item["name"].startswith(f"published_{kind}")]
    assert found
    for item in found:
        tests = [test if isinstance(test, str) else next(iter(test)) for test in item["data_tests"]]
        assert "unique_grain" in tests, item["name"]
        columns = {column["name"] for column in item["columns"]}
        if kind == "fct_" and {"value", "conf_status", "obs_status"} <= columns:
            assert "value_matches_status" in tests, item["name"]


def _tables_of_dataset(template: Path) -> list[str]:
    """Released tables of a dataset: those its query selects from, the one it names, or the one it is named after."""
    text = template.read_text("utf-8")
    named = re.findall(r"\b(?:from|join)\s+(?:main\.)?((?:mart|dim|fct|bridge)_\w+)", text)
    return named or re.findall(r"^table: (\w+)", text, re.MULTILINE) or [template.stem]


def test_exposures_name_every_dataset_of_the_dashboards() -> None:
    exposed = {reference for item in _documents("exposures") for reference in item["depends_on"]}
    # `intern/` shows the files of the internal tiers, which have models of their own.
    tables = {
        f"{'tier' if 'intern' in path.parts else 'published'}_{name}"
        for path in (PROJECT_ROOT / "superset_assets" / "assets").rglob("datasets/*.yaml")
        for name in _tables_of_dataset(path)
    }
    assert tables
    assert {f"ref('{name}')" for name in tables} - exposed == set()
    known = {f"ref('{name}')" for name in _model_names()}
    assert exposed - known == set()


def test_analysis_reads_what_is_published_and_nothing_else() -> None:
    """What is computed from released figures cannot betray a withheld one."""
    references = re.compile(r"""ref\(\s*["'](\w+)["']""")
    allowed = re.compile(r"published_|stg_catalogue__|int_analysis__")
    models = [path for path in (MODELS / "analysis").rglob("*") if path.suffix in {".py", ".sql"}]
    foreign = {
        (path.stem, name)
        for path in models
        for name in references.findall(path.read_text("utf-8"))
        if not allowed.match(name)
    }
    assert foreign == set()
    assert all(path.stem.startswith("int_analysis__") for path in models)
