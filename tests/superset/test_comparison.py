"""The queries behind Sozialraumprofil, Vergleich, Indizes and Ausblick, run on the mock release."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from superset_assets.facts import Facts
from superset_assets.lint import lint
from superset_assets.render import Bundle, render
from superset_assets.topics import profil, vergleich
from tests.superset import mock_release


@pytest.fixture(scope="module")
def bundle(facts: Facts) -> Bundle:
    return render(facts)


@pytest.fixture(scope="module")
def db(release: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(release), read_only=True) as connection:
        yield connection


def _rows(db: duckdb.DuckDBPyConnection, bundle: Bundle, dataset: str, what: str) -> list[tuple[Any, ...]]:
    sql = bundle.documents[f"datasets/{dataset}.yaml"]["sql"]
    return db.execute(f"with dataset as ({sql}) select {what}").fetchall()


def _metric(bundle: Bundle, dataset: str, name: str) -> str:
    metrics = bundle.documents[f"datasets/{dataset}.yaml"]["metrics"]
    return str(next(item["expression"] for item in metrics if item["metric_name"] == name))


def test_the_profile_opens_with_an_area_of_the_map_level_and_the_whole_radar(facts: Facts) -> None:
    found = facts.topics["profil"]
    assert found.level_label == "Sozialraum"
    assert [item.indicator_id for item in found.radar] == ["population_total", "sgb2_rate", "child_poverty"]
    assert [part.mirrored for part in found.pyramid_parts] == [True, False]


def test_the_instance_may_name_the_opening_area(release: Path, facts: Facts) -> None:
    board = mock_release.CONFIG.dashboard.model_copy(update={"profile_area": "99901002"})
    config = mock_release.CONFIG.model_copy(update={"dashboard": board})
    with duckdb.connect(str(release), read_only=True) as db:
        found = profil.read(db, config, facts)
    assert found is not None
    assert (found.area_label, found.level_label) == ("Brookmühlen (Gemeinde)", "Gemeinde")


def test_lines_of_the_profile_are_the_values_of_their_own_level(
    db: duckdb.DuckDBPyConnection, bundle: Bundle
) -> None:
    rows = _rows(
        db,
        bundle,
        "profil_entwicklung",
        "reihe, wert from dataset where area_label = 'Altensiel Nord (Sozialraum)' and indicator_id = 'child_poverty' "
        "and berichtsjahr = '2024' order by reihe",
    )
    own, whole, above = (
        db.execute(
            "select value from mart_indicator where indicator_id = 'child_poverty' and year = 2024 and area_code = ?",
            [code],
        ).fetchone()
        for code in ("99901001S01", "99901", "99901001")
    )
    assert own is not None
    assert whole is not None
    assert above is not None
    expected = [("Gewähltes Gebiet", own[0]), ("Insgesamt", whole[0]), ("Übergeordnetes Gebiet", above[0])]
    assert [(name, pytest.approx(value)) for name, value in expected] == rows


def test_a_hidden_band_of_the_pyramid_says_so_and_bands_compare_by_width(
    db: duckdb.DuckDBPyConnection, bundle: Bundle
) -> None:
    where = "from dataset where area_label = 'Altensiel Nord (Sozialraum)' and breakdown = 'age;sex'"
    rows = _rows(
        db,
        bundle,
        "profil_altersaufbau",
        f"altersgruppe, geschlecht, angabe, je_altersjahr {where} order by 1, 2",
    )
    assert [(name, sex) for name, sex, _, _ in rows] == [
        ("80 und älter (z. T. gesperrt)", "männlich"),
        ("80 und älter (z. T. gesperrt)", "weiblich"),
        ("unter 80", "männlich"),
        ("unter 80", "weiblich"),
    ]
    assert rows[0][2:] == ("gesperrt", None)
    # A quarter of the people each: 80 years of age here, an open band counted as 15 there.
    assert rows[1][3] == pytest.approx(1000 / 4 / 15)
    assert rows[2][3] == pytest.approx(1000 / 4 / 80)


def test_no_rank_where_chance_could_turn_the_order(db: duckdb.DuckDBPyConnection, bundle: Bundle) -> None:
    what = "area_name, rang from dataset where area_level_label = 'Gemeinde' and kennzahl_y = '{}' order by reihenfolge"
    refused = _rows(db, bundle, "vergleich_rang", what.format("Kinder in Bedarfsgemeinschaften"))
    assert refused == [(name, "–") for name in mock_release.GEMEINDEN]
    allowed = _rows(db, bundle, "vergleich_rang", what.format("SGB-II-Quote"))
    assert {rank for _, rank in allowed} != {"–"}
    reasons = _rows(
        db, bundle, "vergleich_rang", "distinct rang_hinweis from dataset where is_rankable is false"
    )
    assert reasons == [("keine Rangfolge: zu kleine Fallzahlen",)]


def test_a_pair_shows_both_values_and_nothing_when_areas_would_mix(
    db: duckdb.DuckDBPyConnection, bundle: Bundle
) -> None:
    x, y = (_metric(bundle, "vergleich_paar", name) for name in ("waagerecht", "senkrecht"))
    pair = (
        "from dataset where kennzahl_x = 'SGB-II-Quote' and kennzahl_y = 'Kinder in Bedarfsgemeinschaften' "
        "and area_level_label = 'Gemeinde'"
    )
    each = _rows(db, bundle, "vergleich_paar", f"area_name, {x}, {y} {pair} group by 1 order by 1")
    assert [row[0] for row in each] == list(mock_release.GEMEINDEN)
    assert all(row[1] is not None and row[2] is not None for row in each)
    assert _rows(db, bundle, "vergleich_paar", f"{x}, {y} {pair}") == [(None, None)]


def test_a_pair_without_correlation_says_why(db: duckdb.DuckDBPyConnection, bundle: Bundle) -> None:
    what = (
        "befund, vorbehalt from dataset where kennzahl_x = '{}' and kennzahl_y = 'SGB-II-Quote' "
        "and area_level_label = 'Sozialraum' and art like 'über die Gebiete%'"
    )
    known = _rows(db, bundle, "vergleich_zusammenhang", what.format("Kinder in Bedarfsgemeinschaften"))
    assert known == [("deutlich, gleichgerichtet", "Kein Beleg für eine Ursache.")]
    unknown = _rows(db, bundle, "vergleich_zusammenhang", what.format("Einwohnerinnen und Einwohner"))
    assert unknown[0][0] == "nicht berechnet"
    assert "gemeinsame Teile" in unknown[0][1]


def test_the_forecast_starts_where_the_observation_ends(
    db: duckdb.DuckDBPyConnection, bundle: Bundle
) -> None:
    rows = _rows(db, bundle, "vergleich_prognose", "jahr, reihe, wert from dataset where wert is not null")
    last = {name: value for year, name, value in rows if year == "2024"}
    assert set(last.values()) == {last["beobachtet"]}
    following = {name: value for year, name, value in rows if year == "2025"}
    assert "beobachtet" not in following
    assert following["untere Grenze (80 %)"] < following["Vorausschätzung"] < following["obere Grenze (80 %)"]


def test_map_and_legend_of_an_index_have_the_same_colours(facts: Facts, bundle: Bundle) -> None:
    index = facts.topics["vergleich"].indices[0]
    colours = bundle.documents["dashboards/vergleich_indizes.yaml"]["metadata"]["label_colors"]
    breakpoints = bundle.documents["charts/vergleich_indexkarte_probeindex.yaml"]["params"][
        "color_breakpoints"
    ]
    assert [item.label for item in index.classes] == ["1 von 3: niedrig", "2 von 3: mittel", "3 von 3: hoch"]
    for item, entry in zip(index.classes, breakpoints, strict=True):
        shown = "#" + "".join(f"{entry['color'][part]:02x}" for part in "rgb")
        assert shown == colours[item.label]
        assert entry["minValue"] == entry["maxValue"] == item.number


def test_pages_leave_out_what_the_release_does_not_hold(release: Path, facts: Facts) -> None:
    """An older release has no index, no forecast, no correlation: the pages stand without them."""
    bare = facts.filled - {
        *(
            "mart_index",
            "mart_index_map",
            "mart_correlation",
            "mart_trend",
            "mart_forecast",
            "mart_attention",
        ),
        *("mart_population_forecast", "mart_need_forecast", "mart_statistic", "fct_ranking"),
    }
    older = replace(facts, filled=bare, topics={})
    with duckdb.connect(str(release), read_only=True) as db:
        topics = {
            name: topic.read(db, mock_release.CONFIG, older)
            for name, topic in (("profil", profil), ("vergleich", vergleich))
        }
        assert profil.read(db, mock_release.CONFIG, replace(older, filled=frozenset())) is None
        assert vergleich.read(db, mock_release.CONFIG, replace(older, filled=frozenset())) is None
    bundle = render(replace(older, topics={**facts.topics, **topics}))
    assert lint(bundle, release) == []
    dashboards = set(bundle.of_kind("dashboards"))
    assert "dashboards/vergleich.yaml" in dashboards
    assert not dashboards & {"dashboards/vergleich_indizes.yaml", "dashboards/vergleich_ausblick.yaml"}
    assert "charts/vergleich_zusammenhang.yaml" not in bundle.documents


def test_templates_are_marked_and_stand_beside_their_instructions(bundle: Bundle) -> None:
    templates = [
        doc for doc in bundle.of_kind("charts").values() if doc["slice_name"].startswith("Vorlage: ")
    ]
    names = " ".join(doc["slice_name"] for doc in templates)
    for kind in ("Zeitreihe je Gebiet", "Kreuztabelle", "Pyramide", "Karte", "Kennzahlen kombinieren"):
        assert kind in names
    assert {doc["certification_details"] for doc in templates} == {"Vorlage für eigene Auswertungen"}
    # Superset cannot tell a hidden cell from none in totals it adds up itself.
    cross = next(doc for doc in templates if "Kreuztabelle" in doc["slice_name"])
    assert not cross["params"]["rowTotals"]
    assert not cross["params"]["colTotals"]
    exported = json.loads(
        next(doc for doc in templates if "kombinieren" in doc["slice_name"])["query_context"]
    )
    assert {"Hinweis", "Quellen"} <= set(exported["queries"][0]["metrics"])
