"""`lagebild kreuztabelle` on a small warehouse built by dbt: what it refuses, what it writes, what it never tells."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from typer.testing import CliRunner

from lagebild.disclosure_rules import Combination, DisclosureRule
from lagebild.instance import Instance, InstanceMeasure
from orchestration.cli import app
from orchestration.cross_table.journal import JOURNAL
from orchestration.cross_table.records import record_keys, record_secret
from orchestration.cross_table.request import CrossTableRequest, Refused, dimension_names, request
from orchestration.cross_table.tabulate import CrossTable, cross_table, stored_p_table
from semantic_layer.catalogue.loader import load_catalogue
from tests.dbt_project.mini import STICHTAG, Mini

MUSTERKREIS = Instance("musterkreis")
CATALOGUE = load_catalogue()


def _asked(measure: str, by: list[str], level: str = "gemeinde") -> CrossTableRequest:
    config = MUSTERKREIS.config
    return request(config, CATALOGUE, MUSTERKREIS.measures, MUSTERKREIS.rules, measure, by, level)


@pytest.mark.parametrize(
    ("measure", "by", "level", "reason"),
    [
        ("population", ["alter", "geschlecht"], "sozialraum", "ohne Überlagerung in der Veröffentlichung"),
        ("population", ["Geschlecht", "Alter"], "gemeinde", "ohne Überlagerung in der Veröffentlichung"),
        ("population", ["alter", "geschlecht", "migration", "haushaltstyp"], "kreis", "Höchstens 3 Merkmale"),
        ("population", ["alter", "alter"], "kreis", "doppelt"),
        ("population", [], "kreis", "mindestens ein Merkmal"),
        ("population", ["augenfarbe"], "kreis", "gibt es hier nicht"),
        ("population", ["geschlecht", "migration"], "block", "nicht auf der Ebene"),
        ("wohngeld_eur", ["geschlecht"], "kreis", "keine Fallzahl"),
        ("population_age_years", ["geschlecht"], "kreis", "keine Fallzahl"),
        ("unemployed", ["geschlecht", "rechtskreis"], "kreis", "Einzeldaten"),
        ("households", ["geschlecht"], "kreis", "keine einzelnen Datensätze"),
        ("sgb12_grusi", ["geschlecht"], "kreis", "Haushalte oder Einrichtungen"),
        ("disability_merkzeichen", ["geschlecht"], "kreis", "Für »Menschen mit Schwerbehinderung"),
        ("nonsense", ["geschlecht"], "kreis", "gibt es hier nicht"),
    ],
)
def test_refusals(measure: str, by: list[str], level: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        _asked(measure, by, level)


@pytest.mark.parametrize(
    "changed",
    [
        {"policy": "withhold"},
        {"policy": "source_released"},
        {"combinations": (Combination(of=("sex",), not_below="kreis"),)},
        {"protect_zero": True, "min_count": 3},
        {"group_disclosure": True},
        {"min_providers": 3},
        {"min_denominator": 500},
        {"levels": {"gemeinde": {"min_count": 3, "protect_zero": True}}},
        {"min_contributors": 3, "contributor": "household"},
    ],
)
def test_rules_the_noise_does_not_meet_are_refused(changed: dict[str, Any]) -> None:
    config = MUSTERKREIS.config
    rule = DisclosureRule(id="count_3", basis="Grundlage", **changed)
    with pytest.raises(Refused, match="Grundlage"):
        request(
            config,
            CATALOGUE,
            MUSTERKREIS.measures,
            {"count_3": rule},
            "population",
            ["sex", "migration"],
            "kreis",
        )


def test_levels_of_the_internal_tier_are_refused() -> None:
    """A free table leaves the house: it stops where the public does."""
    measures = tuple(
        item.model_copy(update={"public_level": "gemeinde"}) if item.measure == "population" else item
        for item in MUSTERKREIS.measures
    )
    arguments = (MUSTERKREIS.rules, "population", ["sex", "migration"])
    with pytest.raises(Refused, match="nicht auf der Ebene »sozialraum«, nur auf: kreis, amt, gemeinde"):
        request(MUSTERKREIS.config, CATALOGUE, measures, *arguments, "sozialraum")
    assert request(MUSTERKREIS.config, CATALOGUE, measures, *arguments, "gemeinde").level_rank == 2


def test_no_decision_no_table() -> None:
    config = MUSTERKREIS.config.model_copy(update={"cell_key": None})
    with pytest.raises(Refused, match="nicht entschieden"):
        request(config, CATALOGUE, MUSTERKREIS.measures, MUSTERKREIS.rules, "population", ["sex"], "kreis")


def test_one_age_scale_per_measure() -> None:
    hze = next(item for item in MUSTERKREIS.measures if item.measure == "hze_cases")
    names = dimension_names(hze, CATALOGUE, MUSTERKREIS.config)
    assert names["alter"] == "age_hze"
    assert "age_care" not in names
    assert names["hilfeart"] == "hilfeart"


# --- on a warehouse


def _persons() -> list[dict[str, object]]:
    chance = random.Random(11)
    return [
        {
            "reference_date": STICHTAG,
            "source_id": "einwohnerregister",
            "source_row": 260 * position + i,
            "person_key": f"key{block}{i}",
            "gemeinde_code": block[0],
            "block_code": block if i else None,
            "sex": chance.choice(["m", "f"]),
            "age": chance.randrange(95),
            "nationality": chance.choice(["de", "de", "de", "foreign"]),
            "migration": chance.choice(["yes", "no"]),
        }
        for position, block in enumerate(("A1b", "A2b", "B1b", "B2b"))
        for i in range(260)
    ]


def _cases() -> list[dict[str, object]]:
    chance = random.Random(12)
    return [
        {
            "source_id": "bewegungen",
            "case_type": "birth",
            "period_type": "jahr",
            "period_start": date(2024, 1, 1),
            "period_end": date(2024, 12, 31),
            "gemeinde_code": block[0],
            "block_code": block,
            "sex": chance.choice(["m", "f"]),
            "nationality": chance.choice(["de", "foreign"]),
            "source_row": row,
        }
        for row, block in enumerate(["A1b", "A2b", "B1b", "B2b"] * 40)
    ]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    mini = Mini(Path(tmp_path_factory.mktemp("cross")))
    mini.area("kreis", "K", None)
    for gemeinde in ("A", "B"):
        mini.area("gemeinde", gemeinde, "K")
        for number in "12":
            mini.area("sozialraum", f"{gemeinde}{number}", gemeinde)
            mini.area("block", f"{gemeinde}{number}b", f"{gemeinde}{number}")
    mini.rule("count_3", min_count=3)
    mini.measure("population", "count_3", source_id="einwohnerregister", input="person", value_sql="count(*)")
    mini.measure(
        "births", "count_3", source_id="bewegungen", input="case", period_type="jahr", value_sql="count(*)"
    )
    common = {
        "area_system": "sozialraum",
        "lowest_level": "sozialraum",
        "level_rank": 2,
        "category_dimension": "",
        "value": "count(*)",
        "breakdowns": [],
    }
    mini.microdata_measures = [
        common
        | {
            "measure": "population",
            "source": "einwohnerregister",
            "input": "person",
            "where": "true",
            "period_type": "stichtag",
        },
        common
        | {
            "measure": "births",
            "source": "bewegungen",
            "input": "case",
            "where": "case_type = 'birth'",
            "period_type": "jahr",
        },
    ]
    mini.persons, mini.cases = _persons(), _cases()
    mini.build("run", "--select", "+core.fct_measure", "core.bridge_area", "core.dim_period", "core.int_age")
    return mini.warehouse


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warehouse: Path) -> Iterator[Instance]:
    monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path / "var"))
    chosen = Instance("musterkreis")
    chosen.paths.protected.mkdir(parents=True)
    chosen.paths.warehouse.symlink_to(warehouse)
    yield chosen


def _rank(asked: CrossTableRequest, rank: int) -> CrossTableRequest:
    """The mini Kreis has no Ämter: its Gemeinden are of rank 1, its Sozialräume of rank 2."""
    from dataclasses import replace

    return replace(asked, level_rank=rank)


def _table(instance: Instance, by: list[str], rank: int = 1) -> CrossTable:
    return cross_table(instance, CATALOGUE, _rank(_asked("population", by), rank), STICHTAG)


def _true_counts(by: list[str]) -> dict[tuple[str, ...], int]:
    counts: dict[tuple[str, ...], int] = {}
    for person in _persons():
        for area in ("K", str(person["gemeinde_code"])):
            for bits in range(2 ** len(by)):
                chosen = [
                    str(person[name]) if bits >> position & 1 else "total" for position, name in enumerate(by)
                ]
                key = (area, *chosen)
                counts[key] = counts.get(key, 0) + 1
    return counts


def test_every_cell_is_within_the_deviation_and_none_is_blocked(instance: Instance) -> None:
    by = ["sex", "nationality"]
    table = _table(instance, by)
    codes = {area.area_key: area.code for area in table.areas}
    shown = {(codes[key[0]], *key[1:]): value for key, value in table.shown.items()}
    truth = _true_counts(by)
    assert shown.keys() == truth.keys()
    assert all(abs(shown[key] - truth[key]) <= 5 for key in truth)
    assert not {1, 2} & set(shown.values())
    assert any(shown[key] != truth[key] for key in truth if "total" in key), "totals are overlaid as well"


def test_the_same_cell_is_the_same_in_every_table(instance: Instance) -> None:
    one, other = _table(instance, ["sex", "nationality"]), _table(instance, ["sex", "migration"])
    again = _table(instance, ["nationality", "sex"])
    for area in one.areas:
        for sex in ("m", "f", "total"):
            assert one.shown[area.area_key, sex, "total"] == other.shown[area.area_key, sex, "total"]
            for nationality in ("de", "foreign"):
                assert (
                    one.shown[area.area_key, sex, nationality] == again.shown[area.area_key, nationality, sex]
                )
    finer = _table(instance, ["sex", "nationality"], rank=2)
    kreis = one.areas[0].area_key
    assert {key: value for key, value in finer.shown.items() if key[0] == kreis} == {
        key: value for key, value in one.shown.items() if key[0] == kreis
    }


def test_another_installation_has_another_noise(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warehouse: Path
) -> None:
    here = _table(instance, ["sex", "nationality"])
    monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path / "elsewhere"))
    instance.paths.protected.mkdir(parents=True)
    instance.paths.warehouse.symlink_to(warehouse)
    there = _table(instance, ["sex", "nationality"])
    assert here.shown.keys() == there.shown.keys()
    assert here.shown != there.shown


def test_sparse_tables_and_empty_dimensions_are_refused(instance: Instance) -> None:
    with pytest.raises(Refused, match="im Mittel weniger als 5"):
        _table(instance, ["age", "sex", "nationality"], rank=2)
    with pytest.raises(Refused, match="nicht enthalten"):
        _table(instance, ["sex", "household_type"])
    asked = _rank(_asked("population", ["sex", "migration"]), 1)
    with pytest.raises(Refused, match=r"Die letzten Stichtage oder Zeitraumenden: 31\.12\.2024"):
        cross_table(instance, CATALOGUE, asked, date(2023, 12, 31))


def test_keys_belong_to_the_record_not_to_its_place(instance: Instance, warehouse: Path) -> None:
    """A new delivery of the same records, in another order, gives every record its key again."""
    secret = record_secret(instance)
    births = _births()
    with duckdb.connect() as connection:
        connection.execute("create schema staging")
        with duckdb.connect(str(warehouse), read_only=True) as source:
            before = source.execute("select * from staging.stg_landing__case").fetch_arrow_table()
            keys = record_keys(source, births, date(2024, 12, 31), secret).to_pandas()
        connection.register("delivered", before)
        connection.execute(
            "create table staging.stg_landing__case as "
            "select * replace ('later' as delivery_id, 1000 - source_row as source_row) from delivered"
        )
        moved = record_keys(connection, births, date(2024, 12, 31), secret).to_pandas()
    assert sorted(keys["record_key"]) == sorted(moved["record_key"])
    assert keys["record_key"].nunique() == len(keys), "equal records still have keys of their own"
    assert ((keys["record_key"] >= 0) & (keys["record_key"] < 2**32)).all()
    assert keys["record_key"].mean() / 2**32 == pytest.approx(0.5, abs=0.12)


def _births() -> InstanceMeasure:
    return next(item for item in MUSTERKREIS.measures if item.measure == "births")


def test_p_table_is_written_once_and_read_ever_after(instance: Instance) -> None:
    settings = MUSTERKREIS.config.cell_key
    assert settings is not None
    name, made = stored_p_table(instance.paths.cell_key, settings)
    path = instance.paths.cell_key / f"{name}.parquet"
    stamp = path.stat().st_mtime_ns
    assert stored_p_table(instance.paths.cell_key, settings)[1].equals(made)
    assert path.stat().st_mtime_ns == stamp
    assert instance.paths.cell_key.stat().st_mode & 0o077 == 0


def _run(output: Path, *more: str) -> Any:
    arguments = ["kreuztabelle", "musterkreis", "--messgroesse", "population", "--stichtag", "31.12.2024"]
    return CliRunner().invoke(app, [*arguments, "--ausgabe", str(output), *more])


def test_command_writes_a_labelled_workbook_and_notes_it(instance: Instance, tmp_path: Path) -> None:
    output = tmp_path / "tabelle.xlsx"
    done = _run(output, "--nach", "geschlecht;nationalität", "--ebene", "amt")
    assert done.exit_code == 0, done.output
    book = openpyxl.load_workbook(output)
    lines = list(book["Werte"].iter_rows(values_only=True))
    assert (
        lines[1][0]
        == "Werte mit der Cell-Key-Methode überlagert; Summen weichen ab; Maximalabweichung 5 je Wert."
    )
    assert lines[3][:4] == ("Gebietsschlüssel", "Gebiet", "Geschlecht", "deutsche Staatsangehörigkeit")
    assert len(lines) == 4 + 3 * 3
    notes = "\n".join(str(row[0]) for row in book["Hinweise"].iter_rows(values_only=True))
    assert "Werte von 1 bis 2 kommen nicht vor" in notes
    assert "insgesamt" in notes
    journal = instance.paths.cell_key / JOURNAL
    entry = json.loads(journal.read_text(encoding="utf-8"))
    assert entry["measure_id"] == "population"
    assert entry["dimensions"] == ["sex", "nationality"]
    assert entry["cells"] == 27
    assert journal.stat().st_mode & 0o077 == 0
    again = _run(output, "--nach", "geschlecht;migration", "--ebene", "amt")
    assert again.exit_code == 1
    assert "nicht überschrieben" in again.output
    _run(tmp_path / "zweite.xlsx", "--nach", "geschlecht;migration", "--ebene", "amt")
    assert len(journal.read_text(encoding="utf-8").splitlines()) == 2, "appended, never rewritten"


def test_nothing_that_takes_the_noise_off_leaves_the_zone(instance: Instance, tmp_path: Path) -> None:
    output = tmp_path / "out" / "tabelle.xlsx"
    output.parent.mkdir()
    assert _run(output, "--nach", "geschlecht;migration", "--ebene", "amt").exit_code == 0
    secret = record_secret(instance).hex()
    with duckdb.connect(str(instance.paths.warehouse), read_only=True) as connection:
        population = next(item for item in MUSTERKREIS.measures if item.measure == "population")
        keys = (
            record_keys(connection, population, STICHTAG, record_secret(instance))
            .column("record_key")
            .to_pylist()
        )
    book = openpyxl.load_workbook(output)
    written = {str(value) for sheet in book for row in sheet.iter_rows(values_only=True) for value in row}
    told = (instance.paths.cell_key / JOURNAL).read_text(encoding="utf-8")
    assert not written & {str(key) for key in keys}
    assert secret not in told
    assert not any(str(key) in told for key in keys if key > 10_000)
    assert [path.name for path in output.parent.iterdir()] == ["tabelle.xlsx"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--nach", "geschlecht;migration", "--ebene", "amt", "--stichtag", "gestern"), "ist kein Tag"),
        (("--nach", "geschlecht;alter", "--ebene", "amt"), "lagebild abfrage"),
    ],
)
def test_command_fails_in_german(
    instance: Instance, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = _run(tmp_path / "x.xlsx", *arguments)
    assert done.exit_code == 1
    assert message in done.output
    assert not (tmp_path / "x.xlsx").exists()
    assert not (instance.paths.cell_key / JOURNAL).exists()


def test_command_without_a_warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path / "var"))
    done = _run(tmp_path / "x.xlsx", "--nach", "geschlecht;migration", "--ebene", "amt")
    assert done.exit_code == 1
    assert "noch nichts gerechnet" in done.output
