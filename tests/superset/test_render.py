"""Rendering and lint: pure, no Superset."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from superset_assets.facts import Facts
from superset_assets.identifiers import asset_uuid
from superset_assets.lint import lint
from superset_assets.maps import class_breaks
from superset_assets.render import render


def test_same_facts_give_the_same_bundle(facts: Facts) -> None:
    assert render(facts).as_files() == render(facts).as_files()


def test_rendered_assets_have_no_findings(facts: Facts, release: Path) -> None:
    assert lint(render(facts), release) == []


def test_indicator_without_values_gets_no_tile_and_is_named(facts: Facts) -> None:
    assert "charts/kennzahl_not_in_release.yaml" not in render(facts).documents
    assert facts.missing == ("not_in_release (Leitkennzahl)",)


def test_quotes_in_definitions_survive(facts: Facts) -> None:
    chart = render(facts).documents["charts/kennzahl_sgb2_rate.yaml"]
    assert chart["description"].startswith('Definition von "SGB-II-Quote".')


def test_database_is_read_only_and_locked(facts: Facts) -> None:
    database = render(facts).documents["databases/release.yaml"]
    assert database["sqlalchemy_uri"].endswith("current.duckdb?access_mode=read_only")
    arguments = database["extra"]["engine_params"]["connect_args"]
    assert arguments["read_only"] is True
    assert arguments["config"]["enable_external_access"] == "false"
    assert arguments["config"]["lock_configuration"] == "true"
    assert not database["allow_dml"]
    assert not database["allow_ctas"]


def test_lint_finds_a_column_that_left_the_release(facts: Facts, release: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.duckdb"
    changed.write_bytes(release.read_bytes())
    with duckdb.connect(str(changed)) as db:
        db.execute("alter table mart_indicator drop column tendency")
    assert "datasets/mart_indicator.yaml: column 'tendency' is not in the release" in lint(
        render(facts), changed
    )


def test_lint_finds_a_new_column_without_label(facts: Facts, release: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.duckdb"
    changed.write_bytes(release.read_bytes())
    with duckdb.connect(str(changed)) as db:
        db.execute("alter table mart_withheld add column extra varchar")
    assert lint(render(facts), changed) == [
        "datasets/mart_withheld.yaml: released column 'extra' has no label"
    ]


def test_lint_follows_charts_and_positions(facts: Facts, release: Path) -> None:
    bundle = render(facts)
    chart = bundle.documents["charts/karte_sgb2_rate.yaml"]
    query = json.loads(chart["query_context"])
    query["queries"][0]["columns"].append("no_such_column")
    chart["query_context"] = json.dumps(query)
    bundle.documents["dashboards/lage.yaml"]["position"]["CHART-veraenderung"]["meta"]["uuid"] = "gone"
    findings = lint(bundle, release)
    assert "charts/karte_sgb2_rate.yaml: column 'no_such_column' is not in mart_map" in findings
    assert any("'CHART-veraenderung' refers to no chart" in finding for finding in findings)
    assert any("'Veränderung und Bewertung' is on no dashboard" in finding for finding in findings)


def test_certified_metrics_are_right_and_empty_when_a_part_is_hidden(facts: Facts, release: Path) -> None:
    metrics = {
        item["metric_name"]: item["expression"]
        for item in render(facts).documents["datasets/mart_indicator.yaml"]["metrics"]
    }
    base = "from mart_indicator where indicator_id = 'sgb2_rate' and year = 2024"
    with duckdb.connect(str(release), read_only=True) as db:

        def value(metric: str, condition: str) -> float | None:
            row = db.execute(f"select {metrics[metric]} {base} and {condition}").fetchone()
            assert row is not None
            number: float | None = row[0]
            return number

        free = "area_level = 'sozialraum' and area_code like '99901001%'"
        expected = db.execute(f"select 100 * sum(numerator) / sum(denominator) {base} and {free}").fetchone()
        assert expected is not None
        assert value("wert", free) == pytest.approx(expected[0])
        # One hidden part: nothing, not the rate of the others.
        assert value("wert", "area_level = 'sozialraum' and area_code like '99901003%'") is None
        assert value("zaehler", "area_level = 'sozialraum' and area_code like '99901003%'") is None
        # Levels mixed: nothing, not a double count.
        assert value("wert", "area_code like '99901001%'") is None


def test_map_classes_cover_all_values_and_merge_equal_breaks() -> None:
    classes = class_breaks([1.04, 2.0, 2.0, 3.0, 4.0, 5.56], decimals=1)
    assert [(item["minValue"], item["maxValue"]) for item in classes] == [(1, 2), (2, 3), (3, 4), (4, 5.6)]
    assert class_breaks([], 1) == ()
    assert len(class_breaks([3.0] * 6, 0)) == 1


def test_identifiers_depend_on_instance_and_key() -> None:
    assert asset_uuid("a", "charts", "x") == asset_uuid("a", "charts", "x")
    assert len({asset_uuid(i, k, "x") for i in ("a", "b") for k in ("charts", "datasets")}) == 4
