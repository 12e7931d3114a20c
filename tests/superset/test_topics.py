"""Topics, Handlungsfelder, Lage and Datenlage: what is rendered, what their queries answer. No Superset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from superset_assets.facts import Facts, IndicatorFacts
from superset_assets.lint import lint
from superset_assets.read import read_facts
from superset_assets.render import Bundle, render
from superset_assets.topics import READERS, fuehrung
from superset_assets.topics.themen import NEWEST, ThemenFacts
from tests.superset import mock_release


@pytest.fixture(scope="module")
def bundle(facts: Facts) -> Bundle:
    return render(facts)


def _without(release: Path, folder: Path, *tables: str) -> Path:
    changed = folder / "changed.duckdb"
    changed.write_bytes(release.read_bytes())
    with duckdb.connect(str(changed)) as db:
        for table in tables:
            db.execute(f"delete from {table}")
    return changed


def _texts(bundle: Bundle, dashboard: str) -> str:
    position = bundle.documents[f"dashboards/{dashboard}.yaml"]["position"].values()
    return "\n".join(
        item["meta"]["code"] for item in position if isinstance(item, dict) and item["type"] == "MARKDOWN"
    )


def _answer(bundle: Bundle, release: Path, dataset: str, metric: str, where: str) -> Any:
    """A metric of a dataset as Superset computes it: over the dataset's own query."""
    document = bundle.documents[f"datasets/{dataset}.yaml"]
    expression = next(item["expression"] for item in document["metrics"] if item["metric_name"] == metric)
    with duckdb.connect(str(release), read_only=True) as db:
        row = db.execute(f"select {expression} from ({document['sql']}) where {where}").fetchone()
    assert row is not None
    return row[0]


def test_a_topic_without_facts_leaves_no_asset_and_no_link(facts: Facts, release: Path) -> None:
    without = render(replace(facts, topics={**facts.topics, "themen": None, "datenlage": None}))
    assert [path for path in without.documents if "themen" in path or "datenlage" in path] == []
    assert "thema-" not in _texts(without, "lage")
    assert lint(without, release) == []


def test_a_release_without_calendar_has_no_datenlage(release: Path, tmp_path: Path) -> None:
    changed = _without(release, tmp_path, "mart_delivery", "mart_attention", "mart_release_change")
    facts = read_facts(mock_release.CONFIG, changed, "")
    bundle = render(facts)
    assert set(facts.topics) == set(READERS)
    assert facts.topics["datenlage"] is None
    assert "datasets/mart_attention.yaml" not in bundle.documents
    assert "Alle Zahlen sind unverändert" in _texts(bundle, "lage")
    assert "Gebiete mit erhöhtem Bedarf" not in _texts(bundle, "lage")
    assert lint(bundle, changed) == []


def test_a_link_to_a_page_that_is_not_there_is_found(facts: Facts, release: Path) -> None:
    bundle = render(facts)
    cell = next(
        item
        for item in bundle.documents["dashboards/datenlage.yaml"]["position"].values()
        if isinstance(item, dict) and item["type"] == "MARKDOWN"
    )
    cell["meta"]["code"] = "[weg](/superset/dashboard/weg-probekreis/)"
    expected = "dashboards/datenlage.yaml: links to 'weg-probekreis', which is no dashboard of the instance"
    assert lint(bundle, release) == [expected]


def test_executive_page_shows_eight_elements_before_scrolling(bundle: Bundle, facts: Facts) -> None:
    page = facts.topics["fuehrung"]
    assert isinstance(page, fuehrung.FuehrungFacts)
    # The third headline number is the last one of the mock; a fourth would make the eighth element.
    first_rows = list(bundle.documents["dashboards/lage.yaml"]["position"]["GRID_ID"]["children"])[:3]
    position = bundle.documents["dashboards/lage.yaml"]["position"]
    assert sum(len(position[row]["children"]) for row in first_rows) == 4 + len(page.first_tiles) <= 8
    text = _texts(bundle, "lage")
    assert "**3 Kennzahlen mit neuen Werten:**" in text
    assert "Altensiel: 5,0 → 5,1 %" in text
    assert "**1 von 2 Quellen** ohne Rückstand, überfällig: Jugendämter" in text
    assert "Kennzahl des Monats März 2025" in text


def test_lights_follow_target_before_tendency(release: Path, tmp_path: Path) -> None:
    changed = _without(release, tmp_path, "mart_target")
    with duckdb.connect(str(changed)) as db:
        db.execute(
            """insert into mart_target (indicator_id, area_key, target_year, target_value_label, state, state_label)
               values ('sgb2_rate', 'sozialraum:99901', 2027, '7,5 %', 'on_track', 'auf Kurs')"""
        )
    page = read_facts(mock_release.CONFIG, changed, "").topics["fuehrung"]
    lights = {tile.key: tile.light for tile in page.tiles}
    assert lights == {
        "population_total": fuehrung.NONE,
        "sgb2_rate": fuehrung.GOOD,
        "child_poverty": fuehrung.BAD,
    }
    (sgb2,) = [tile for tile in page.tiles if tile.key == "sgb2_rate"]
    assert sgb2.subtitle.endswith("Ziel 7,5 % (2027): auf Kurs")


def test_style_sheet_lights_the_tile_of_that_title(bundle: Bundle) -> None:
    css = bundle.documents["dashboards/lage.yaml"]["css"]
    assert f'[data-test-chart-name="SGB-II-Quote in %"] {{ border-left: 6px solid {fuehrung.BAD}' in css


def test_named_indicators_open_the_page_of_a_theme(release: Path) -> None:
    board = mock_release.CONFIG.dashboard.model_copy(update={"theme_indicators": {"lage": ("sgb2_rate",)}})
    config = mock_release.CONFIG.model_copy(update={"dashboard": board})
    themen = read_facts(config, release, "").topics["themen"]
    assert isinstance(themen, ThemenFacts)
    (theme,) = themen.themes
    assert theme.lead == "SGB-II-Quote"
    assert theme.map_keys[0] == "themen_karte_lage_sgb2_rate"


def test_theme_figures_are_those_of_the_release(bundle: Bundle, release: Path) -> None:
    with duckdb.connect(str(release), read_only=True) as db:
        rows = db.execute(
            "select area_name, year, value from mart_indicator where indicator_id = 'sgb2_rate'"
        ).fetchall()
    expected = {(name, year): value for name, year, value in rows}
    base = "indicator_id = 'sgb2_rate' and art = 'Gebiete'"

    def value(metric: str, where: str) -> Any:
        return _answer(bundle, release, "themenwerte", metric, f"{base} and {where}")

    assert value("wert", f"area_name = 'Altensiel' and zeitraum = '{NEWEST}'") == expected["Altensiel", 2024]
    assert value("wert", "area_name = 'Altensiel' and zeitraum = '2021'") == expected["Altensiel", 2021]
    # Two areas have no common value; a mean of rates would be one.
    assert value("wert", "rolle = 'mittel' and zeitraum = '2021'") is None
    line = "rolle in ('insgesamt', 'mittel') and zeitraum = '2022'"
    assert value("auswahl", line) is None
    assert value("auswahl", f"{line} and zweig = 'Craneburg'") == expected["Craneburg", 2022]
    assert value("insgesamt", f"{line} and zweig = 'Craneburg'") == expected["Probekreis", 2022]


def test_the_way_down_reaches_the_sozialraeume_of_a_gemeinde(bundle: Bundle, release: Path) -> None:
    where = f"indicator_id = 'sgb2_rate' and zeitraum = '{NEWEST}' and zweig = 'Craneburg'"
    documents = bundle.documents
    with duckdb.connect(str(release), read_only=True) as db:

        def areas(dataset: str, condition: str) -> list[tuple[str, str]]:
            sql = documents[f"datasets/{dataset}.yaml"]["sql"]
            return db.execute(
                f"select area_name, value_label from ({sql}) where {where} and {condition} order by 1"
            ).fetchall()

        for found in (
            areas("themenwerte", "rolle = 'fein'"),
            areas("themenkarte", "area_level = 'sozialraum'"),
        ):
            assert [name for name, _ in found] == ["Craneburg Mitte", "Craneburg Nord", "Craneburg Süd"]
            assert dict(found)["Craneburg Mitte"] == "gesperrt"


def test_comparison_holds_the_whole_and_the_unweighted_mean(bundle: Bundle, release: Path) -> None:
    where = f"indicator_id = 'sgb2_rate' and zeitraum = '{NEWEST}' and rolle = 'mittel' and art <> 'Gebiete'"
    with duckdb.connect(str(release), read_only=True) as db:
        sql = bundle.documents["datasets/themenwerte.yaml"]["sql"]
        found = db.execute(f"select zweig, value from ({sql}) where {where} order by 1").fetchall()
        mean = db.execute(
            """select avg(value) from mart_indicator
               where indicator_id = 'sgb2_rate' and area_level = 'gemeinde' and is_latest"""
        ).fetchone()
    assert [name for name, _ in found] == ["Mittelwert", "Probekreis insgesamt"]
    assert mean is not None
    # With the decimals of the indicator, as the areas beside it.
    assert found[0][1] == round(mean[0], 1)


def test_classes_of_a_map_do_not_depend_on_the_year_shown(bundle: Bundle, release: Path) -> None:
    chart = bundle.documents["charts/themen_karte_lage_sgb2_rate.yaml"]
    with duckdb.connect(str(release), read_only=True) as db:
        ends = db.execute(
            """select min(value), max(value) from mart_indicator
               where indicator_id = 'sgb2_rate' and area_level = 'sozialraum'"""
        ).fetchone()
    breaks = chart["params"]["color_breakpoints"]
    assert ends is not None
    assert breaks[0]["minValue"] <= ends[0] < ends[1] <= breaks[-1]["maxValue"]
    assert "is_latest" not in {item["subject"] for item in chart["params"]["adhoc_filters"]}


def test_datenlage_counts_what_is_there(bundle: Bundle) -> None:
    text = _texts(bundle, "datenlage")
    assert "**14 von 15 Lieferungen** aus 2 Quellen sind eingegangen" in text
    assert "**1 ist überfällig**" in text
    assert "Einem Zeitraum fehlt mindestens eine Kommune" in text
    assert "16,7 % der Werte" in text


@pytest.mark.parametrize(
    ("unit", "suffix"),
    [
        ("%", " in %"),
        ("Punkte", " in Punkten"),
        ("je 1.000", " je 1.000"),
        ("Haushalte", ""),
        ("EUR je m²", " in € je m²"),
    ],
)
def test_units_in_titles_are_german(facts: Facts, unit: str, suffix: str) -> None:
    item: IndicatorFacts = replace(facts.headlines[0], unit=unit)
    assert item.unit_suffix == suffix


def test_a_filter_narrows_another_and_leaves_other_charts_alone(bundle: Bundle) -> None:
    document = bundle.documents["dashboards/themen_thema_lage.yaml"]
    filters = {item["name"]: item for item in document["metadata"]["native_filter_configuration"]}
    table_level = filters["Gebietsebene (Tabelle)"]
    assert table_level["cascadeParentIds"] == [filters["Kennzahl"]["id"]]
    placed = {
        item["meta"]["chartId"]: item["id"]
        for item in document["position"].values()
        if isinstance(item, dict) and item["type"] == "CHART"
    }
    reached = {name for number, name in placed.items() if number not in table_level["scope"]["excluded"]}
    assert reached == {"CHART-themen_tabelle_lage"}
    assert document["metadata"]["cross_filters_enabled"] is True
