"""The tables for dbt say exactly what the YAML says, both ways, and SQL of the instance fits the landing contract."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.landing.contracts import TABLES
from lagebild.instance import Audience, Instance, InstanceConfig, InstanceMeasure, list_instances
from semantic_layer.catalogue.check import check, run
from semantic_layer.catalogue.groups import is_age_dimension
from semantic_layer.catalogue.loader import CatalogueError, load_catalogue
from semantic_layer.export.dbt import (
    SCHEMAS,
    catalogue_tables,
    catalogue_version,
    dbt_vars,
    supply_of,
    write_catalogue_tables,
)

INSTANCES = list_instances()


@lru_cache
def _tables(name: str) -> dict[str, pa.Table]:
    return catalogue_tables(Instance(name))


def _rows(name: str, table: str) -> list[dict[str, object]]:
    return _tables(name)[table].to_pylist()


def test_catalogue_and_all_instances_are_free_of_contradictions(capsys: pytest.CaptureFixture[str]) -> None:
    assert check() == []
    assert run() == 0
    assert "Der Katalog ist in Ordnung." in capsys.readouterr().out


@pytest.mark.parametrize("name", INSTANCES)
def test_every_entry_is_in_the_table_and_every_row_is_an_entry(name: str) -> None:
    book = load_catalogue()
    meant = {item.key: item for item in book.indicators_for(name)}
    rows = {str(row["indicator_key"]): row for row in _rows(name, "indicator")}
    assert set(rows) == set(meant)
    for key, item in meant.items():
        shown = (rows[key]["label"], rows[key]["definition"], rows[key]["theme_id"], rows[key]["factor"])
        assert shown == (item.label, item.definition, item.theme, item.factor)
    assert {row["theme_id"] for row in _rows(name, "theme")} == set(book.theme_by_id)
    declared = {item.measure for item in Instance(name).measures}
    assert {row["measure_id"] for row in _rows(name, "measure")} == declared


@pytest.mark.parametrize("name", INSTANCES)
def test_active_means_computable_and_the_rest_says_why_not(name: str) -> None:
    parts: dict[object, set[object]] = {}
    for row in _rows(name, "indicator_part"):
        parts.setdefault(row["indicator_key"], set()).add(row["part"])
    by_key = {item.key: item for item in load_catalogue().indicators}
    for row in _rows(name, "indicator"):
        if row["status"] == "active":
            wanted = (
                {"numerator", "denominator"}
                if by_key[str(row["indicator_key"])].denominator
                else {"numerator"}
            )
            assert parts[row["indicator_key"]] == wanted
        else:
            assert row["indicator_key"] not in parts
            assert row["unavailable_reason"] or row["status"] == "retired"


@pytest.mark.parametrize("name", INSTANCES)
def test_every_group_of_a_formula_is_a_known_group_of_a_released_breakdown(name: str) -> None:
    groups = {row["group_id"]: row["group_label"] for row in _rows(name, "group_member")}
    released = {(row["measure_id"], row["breakdown"]) for row in _rows(name, "measure_breakdown")}
    for row in _rows(name, "indicator_part"):
        group_id = str(row["group_id"])
        names = [] if group_id == "total" else [pair.split("=")[0] for pair in group_id.split(";")]
        assert group_id in groups
        assert (row["measure_id"], ";".join(names) or "total") in released
        assert names == sorted(names)


@pytest.mark.parametrize("name", INSTANCES)
def test_groups_are_unique_labelled_and_cover_every_age(name: str) -> None:
    rows = _rows(name, "group_member")
    keys = [(row["breakdown"], row["group_id"]) for row in rows]
    assert len(keys) == len(set(keys))
    assert all(row["group_label"] for row in rows)
    assert all("ohne Angabe" in str(row["group_label"]) for row in rows if "=unknown" in str(row["group_id"]))
    config = Instance(name).config
    for dimension in {str(row["breakdown"]) for row in rows}:
        if is_age_dimension(dimension, config):
            # dbt asks for the bands of a breakdown by its name: a foreign scale there would invent zero rows.
            found = [
                row["age_from"]
                for row in rows
                if row["breakdown"] == dimension and row["age_from"] is not None
            ]
            assert found == list(config.dimensions[dimension])


def test_the_musterkreis_shows_what_the_field_names() -> None:
    rows = _rows("musterkreis", "indicator")
    active = {str(row["label"]) for row in rows if row["status"] == "active"}
    assert len(active) >= 120
    named = """Altenquotient, Jugendquotient, Kinderarmut, Jugendarmut, Altersarmut, SGB-II-Quote, Arbeitslosenrelation,
        Langzeitarbeitslose, Alleinerziehende, Mindestsicherungsquote, Beschäftigungsquote, Hilfen zur Erziehung,
        Ausgaben für Hilfen zur Erziehung, Kinder mit Übergewicht, Kinder mit motorischen Auffälligkeiten,
        Kinder mit Sprachförderbedarf, Rückstellungsquote, Gymnasialquote, Pflegequote, Haushalte mit Wohngeld,
        Wohnfläche je Kopf, Wanderungssaldo, Fluktuation, Menschen mit Schwerbehinderung"""
    assert {name.strip() for name in named.split(",")} <= active
    waiting = {str(row["label"]) for row in rows if row["unavailable_reason"]}
    assert "Medianeinkommen" in waiting
    assert {"Sozialausgaben je Einwohner", "Durchschnittsalter", "Bevölkerungsdichte"} <= active
    # Every Handlungsfeld a Kreis reports on has a figure or says what is missing.
    assert {row["theme_id"] for row in rows} == {row["theme_id"] for row in _rows("musterkreis", "theme")} - {
        "soziale_lage"
    }


def test_known_formulas_resolve_to_the_bands_of_the_musterkreis() -> None:
    parts = [
        (row["part"], row["measure_id"], row["group_id"], row["sign"])
        for row in _rows("musterkreis", "indicator_part")
        if row["indicator_key"] == "net_migration_u18_rate@1"
    ]
    assert parts == [
        ("numerator", "moves_in", "age_moves=0-17", 1.0),
        ("numerator", "moves_out", "age_moves=0-17", -1.0),
        ("denominator", "population", "age=0-2", 1.0),
        ("denominator", "population", "age=3-5", 1.0),
        ("denominator", "population", "age=6-9", 1.0),
        ("denominator", "population", "age=10-14", 1.0),
        ("denominator", "population", "age=15-17", 1.0),
    ]


@pytest.mark.parametrize("name", INSTANCES)
def test_sql_of_the_microdata_measures_fits_the_landing_contract(name: str) -> None:
    instance = Instance(name)
    with duckdb.connect() as connection:
        for table in ("person", "case", "budget"):
            connection.register(f"empty_{table}", TABLES[table].empty_table())
        for item in instance.measures:
            if item.input in ("observation", "area"):
                continue
            columns = {
                "category" if dimension == item.category_dimension else dimension
                for breakdown in item.breakdowns
                for dimension in breakdown
                if not is_age_dimension(dimension, instance.config)
                and dimension not in instance.config.coarser
            } | ({"year"} if item.input == "budget" else {"age"})
            selected = ", ".join(sorted(columns))
            connection.execute(
                f"select {selected}, cast({item.value} as double) from empty_{item.input} "
                f"where {item.where} group by {selected}"
            )


def test_written_files_are_deterministic_and_keep_unchanged_files(var: Path) -> None:
    instance = Instance("musterkreis")
    first = write_catalogue_tables(instance)
    assert set(first) == set(SCHEMAS)
    before = {name: (path.stat().st_mtime_ns, path.read_bytes()) for name, path in first.items()}
    first["theme"].write_bytes(b"torn")
    second = write_catalogue_tables(instance)
    for name, path in second.items():
        assert path.is_relative_to(var)
        assert path.read_bytes() == before[name][1]
        assert name == "theme" or path.stat().st_mtime_ns == before[name][0]
        # Read the file alone: inside a partitioned path pyarrow would add columns of its own.
        assert pq.ParquetFile(path).schema_arrow.names == SCHEMAS[name].names


def test_the_version_follows_the_content() -> None:
    tables = dict(_tables("musterkreis"))
    version = catalogue_version(tables)
    assert version == catalogue_version(catalogue_tables(Instance("musterkreis")))
    tables["rule"] = tables["rule"].slice(1)
    assert catalogue_version(tables) != version


def test_dbt_vars_are_plain_json_with_the_rank_of_the_lowest_level() -> None:
    found = dbt_vars(Instance("musterkreis"), release_id="r1", input_fingerprint="f1")
    assert json.loads(json.dumps(found)) == found
    assert (found["release_id"], found["input_fingerprint"], found["is_synthetic"]) == ("r1", "f1", True)
    by_id = {item["measure"]: item for item in found["measures"]}
    assert by_id["population"]["level_rank"] == 3
    assert by_id["population"]["breakdowns"] == [
        ["age"],
        ["sex"],
        ["nationality"],
        ["migration"],
        ["age", "sex"],
    ]
    assert by_id["disability_merkzeichen"]["level_rank"] == 1
    assert "unemployed" not in by_id


def test_who_delivers_is_said_by_the_instance() -> None:
    rows = {row["indicator_id"]: row for row in _rows("musterkreis", "indicator")}
    sources = Instance("musterkreis").sources
    child_poverty = rows["child_poverty"]
    assert child_poverty["source_label"] == f"{sources['ba_akg'].label}; {sources['einwohnerregister'].label}"
    assert child_poverty["reference_day"] == sources["ba_akg"].reference_day
    assert rows["turnout"]["cycle"] == "je Wahl"
    assert rows["care_rate"]["cycle"] == "alle zwei Jahre"
    # Not available: the entry itself says where the figure would come from.
    assert rows["noise_exposure_share"]["source_label"] == "noch keine Quelle"


def test_merkzeichen_are_never_released_below_the_amt() -> None:
    for item in Instance("musterkreis").measures:
        if any("merkzeichen" in breakdown for breakdown in item.breakdowns):
            assert (item.lowest_level, item.rule) == ("amt", "disability_combination")


def test_an_unreadable_entry_names_its_file(tmp_path: Path) -> None:
    source = Path(str(load_catalogue.__globals__["CATALOGUE_DIR"]))
    for name in ("themes.yml", "dimensions.yml", "measures.yml"):
        (tmp_path / name).write_text((source / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "probe.yml").write_text("theme: demografie\nindicators: [{id: a}]\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"probe\.yml"):
        load_catalogue(tmp_path)


def test_supply_of_joins_instance_and_catalogue() -> None:
    given = supply_of(Instance("musterkreis"))
    assert given.measure("population") is not None
    assert given.measure("fehlt") is None


def test_the_internal_tier_is_marked_and_counted_with_the_rest() -> None:
    """What is for the own Kommune only: marked in the catalogue, counted by dbt, unknown to indicators."""
    measures = {row["measure_id"]: row for row in _rows("musterkreis", "measure")}
    assert (measures["hze_eur"]["lowest_level"], measures["hze_eur"]["public_level"]) == (
        "sozialraum",
        "gemeinde",
    )
    assert measures["population"]["public_level"] == measures["population"]["lowest_level"]
    tiers = {(r["measure_id"], r["breakdown"]): r["tier"] for r in _rows("musterkreis", "measure_breakdown")}
    assert tiers["care_recipients", "pflegeart;sex"] == "internal"
    assert tiers["care_recipients", "pflegeart"] == tiers["care_recipients", "total"] == "public"
    counted = {item["measure"]: item for item in dbt_vars(Instance("musterkreis"))["measures"]}
    assert ["pflegeart", "sex"] in counted["care_recipients"]["breakdowns"]
    indicators = {row["indicator_id"]: row for row in _rows("musterkreis", "indicator")}
    spending = [row for row in indicators.values() if "hze_eur" in _parts(str(row["indicator_key"]))]
    assert spending and {row["lowest_level"] for row in spending} <= {"gemeinde", "amt", "kreis"}
    assert [row["audience"] for row in _rows("musterkreis", "audience")] == ["kommune", "intern"]


def _parts(indicator_key: str) -> set[str]:
    return {
        str(row["measure_id"])
        for row in _rows("musterkreis", "indicator_part")
        if row["indicator_key"] == indicator_key
    }


def test_audiences_and_tiers_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(ValueError, match="belong together"):
        Audience(id="kommune", label="K", level="amt")
    with pytest.raises(ValueError, match="everybody"):
        Audience(id="public", label="alle")
    measure = Instance("musterkreis").measures[0].model_dump()
    with pytest.raises(ValueError, match="public already"):
        InstanceMeasure.model_validate(measure | {"internal_breakdowns": [["sex"]]})
    config = Instance("musterkreis").config.model_dump()
    with pytest.raises(ValueError, match="no level"):
        InstanceConfig.model_validate(
            config | {"audiences": [{"id": "x", "label": "X", "area_system": "sozialraum", "level": "fehlt"}]}
        )
