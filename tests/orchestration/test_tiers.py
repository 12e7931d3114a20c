"""Files of the internal tiers: a reader's own figures, nothing of anybody else, nothing of them in the public file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import duckdb
import pytest

from orchestration import publication_ledger as ledger
from orchestration.database_files import file_sha256
from orchestration.publish import ReleaseRejected, publish
from orchestration.release_contract import TIER_TABLES
from tests.orchestration.release_fixture import RELEASE_ID, change, write_warehouse

SECOND = "20260102T020000Z"
READERS = {"kommune-A1": ("kommune", "A1"), "kommune-A2": ("kommune", "A2"), "intern": ("intern", "")}
FIGURES = {"A1": {"r1": 11.0, "r2": 12.0}, "A2": {"r3": 13.0}}
"""Kommune -> Sozialraum -> figure of the internal tier; the Kreisverwaltung has them all."""
HIDDEN = "r2"
"""An internal figure that nobody is shown."""


def _literal(column: str) -> str:
    if column in ("value", "age_from", "age_to", "level_rank", "sort_key", "year"):
        return "0.0::double" if column == "value" else "0"
    return "'F'" if column == "conf_status" else f"'{column}'"


def _table(connection: duckdb.DuckDBPyConnection, name: str, rows: list[dict[str, str]]) -> None:
    columns = TIER_TABLES[name].columns
    selects = [
        "select " + ", ".join(f"{row.get(column, _literal(column))} as {column}" for column in columns)
        for row in rows
    ]
    connection.execute(f"create table tiers.{name} as {' union all '.join(selects)}")


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = write_warehouse(tmp_path / "warehouse.duckdb")
    facts = []
    for reader, (audience, code) in READERS.items():
        assert reader
        for kommune, areas in FIGURES.items():
            for area, value in areas.items():
                if code in ("", kommune):
                    hidden = area == HIDDEN
                    facts.append(
                        {
                            "audience": f"'{audience}'",
                            "reader_code": f"'{code}'",
                            "measure_id": "'m'",
                            "area_key": f"'{area}'",
                            "period_key": "'p'",
                            "group_key": "'total'",
                            "value": "null::double" if hidden else f"{value}::double",
                            "conf_status": "'C'" if hidden else "'F'",
                        }
                    )
    everywhere = [area for found in FIGURES.values() for area in found]
    with duckdb.connect(str(path)) as connection:
        for schema in ("tiers", "core", "staging", "disclosure"):
            connection.execute(f"create schema {schema}")
        _table(connection, "mart_measure_intern", facts)
        _table(connection, "dim_measure", [{"measure_id": "'m'"}, {"measure_id": "'unused'"}])
        _table(connection, "dim_area", [{"area_key": f"'{area}'"} for area in everywhere])
        _table(connection, "dim_period", [{"period_key": "'p'"}])
        _table(connection, "dim_group", [{"group_key": "'total'"}])
        _table(
            connection,
            "dim_reader",
            [
                {"audience": f"'{a}'", "reader_code": f"'{code}'", "release_id": f"'{RELEASE_ID}'"}
                for a, code in READERS.values()
            ],
        )
        connection.execute(
            "create table staging.stg_catalogue__audience as "
            "select 'kommune' as audience, 's' as area_system, 'amt' as level union all select 'intern', null, null"
        )
        connection.execute(
            "create table core.dim_area (area_key varchar, area_system varchar, area_level varchar, area_code varchar)"
        )
        connection.execute(
            "create table core.bridge_area (ancestor_area_key varchar, descendant_area_key varchar)"
        )
        for kommune, found in FIGURES.items():
            connection.execute(
                "insert into core.dim_area values (?, 's', 'amt', ?)", [f"k{kommune}", kommune]
            )
            for area in found:
                connection.execute("insert into core.bridge_area values (?, ?)", [f"k{kommune}", area])
        connection.execute(
            "create table disclosure.int_disclosure__cell as select 'm' as measure_id, area_key, 'p' as period_key, "
            "'total' as group_key, 'internal' as tier from tiers.dim_area"
        )
    return path


@pytest.fixture
def published(tmp_path: Path) -> Path:
    return tmp_path / "published"


def _query(path: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def _next_release(warehouse: Path, release_id: str) -> None:
    change(
        warehouse,
        f"update published.dim_release set release_id = '{release_id}'",
        f"update tiers.dim_reader set release_id = '{release_id}'",
    )


def _texts(path: Path) -> set[str]:
    """Every text and number in every column of every table."""
    found: set[str] = set()
    tables = _query(path, "select table_name from information_schema.tables where table_schema = 'main'")
    for (table,) in tables:
        for row in _query(path, f"select * from {table}"):
            found.update(str(value) for value in row)
    return found


def test_a_kommune_has_its_own_figures_and_nothing_of_another(warehouse: Path, published: Path) -> None:
    publish(warehouse, published, RELEASE_ID)
    for reader, (_, code) in READERS.items():
        current = published / "intern" / reader / "current.duckdb"
        rows = _query(current, "select area_key, value from mart_measure_intern")
        found = {str(area): value for area, value in rows}
        wanted = {
            area: None if area == HIDDEN else value
            for kommune, areas in FIGURES.items()
            for area, value in areas.items()
            if code in ("", kommune)
        }
        assert found == wanted
        assert {row[0] for row in _query(current, "select area_key from dim_area")} == set(wanted)
        assert _query(current, "select measure_id from dim_measure") == [("m",)]
        for kommune, areas in FIGURES.items():
            if code not in ("", kommune):
                foreign = {kommune, *areas, *(str(value) for value in areas.values())}
                assert not foreign & _texts(current)
        assert "12.0" not in _texts(current)


def test_the_public_file_holds_nothing_of_them(warehouse: Path, published: Path) -> None:
    publish(warehouse, published, RELEASE_ID)
    texts = _texts(published / "current.duckdb")
    assert not texts & {"r1", "r2", "r3", "11.0", "12.0", "13.0", "A1", "A2"}


@pytest.mark.parametrize("value", ["14.0", "null"])
def test_an_internal_cell_in_the_public_file_stops_the_release(
    warehouse: Path, published: Path, value: str
) -> None:
    change(
        warehouse,
        "insert into published.fct_measure by name select 'm' as measure_id, 'r1' as area_key, 'p' as period_key, "
        f"'total' as group_key, {value} as value, 'F' as conf_status",
    )
    with pytest.raises(ReleaseRejected, match="internen Stufe"):
        publish(warehouse, published, RELEASE_ID)
    assert not (published / "current.duckdb").exists()


def test_files_are_the_owners_only_and_the_public_one_is_not(warehouse: Path, published: Path) -> None:
    publish(warehouse, published, RELEASE_ID)
    for path in (published / "intern").rglob("*"):
        others = stat.S_IMODE(path.stat().st_mode) & 0o077
        assert others == 0, path
    assert stat.S_IMODE((published / "intern").stat().st_mode) == 0o700
    assert stat.S_IMODE((published / "current.duckdb").stat().st_mode) == 0o444


BREACHES = {
    "value in a hidden cell": "update tiers.mart_measure_intern set value = 12 where area_key = 'r2'",
    "area of a neighbour": "update tiers.mart_measure_intern set area_key = 'r3' "
    "where reader_code = 'A1' and area_key = 'r1'",
    "column beyond": "alter table tiers.mart_measure_intern add column person_key varchar",
    "double row": "insert into tiers.mart_measure_intern select * from tiers.mart_measure_intern",
    "other release": "update tiers.dim_reader set release_id = '20250101T000000Z'",
    "public figure repeated": "insert into published.fct_measure by name select 'm' as measure_id, "
    "'r1' as area_key, 'p' as period_key, 'total' as group_key, 1.0 as value, 'F' as conf_status",
}


@pytest.mark.parametrize("statement", BREACHES.values(), ids=BREACHES.keys())
def test_a_breach_in_one_file_stops_all_of_them(warehouse: Path, published: Path, statement: str) -> None:
    publish(warehouse, published, RELEASE_ID)
    before = {path: file_sha256(path) for path in published.rglob("current.duckdb")}
    _next_release(warehouse, SECOND)
    change(warehouse, "delete from disclosure.int_disclosure__cell", statement)
    with pytest.raises(ReleaseRejected):
        publish(warehouse, published, SECOND)
    assert {path: file_sha256(path) for path in published.rglob("current.duckdb")} == before
    assert not list(published.rglob(f"*{SECOND}*")) and not list(published.rglob("*.tmp*"))


def test_all_files_change_together_and_old_ones_go(warehouse: Path, published: Path) -> None:
    publish(warehouse, published, RELEASE_ID, keep=1)
    _next_release(warehouse, SECOND)
    change(
        warehouse,
        "delete from tiers.dim_reader where reader_code = 'A2'",
        "update tiers.mart_measure_intern set value = 21 where area_key = 'r1'",
    )
    publish(warehouse, published, SECOND, keep=1)
    folders = sorted(path.name for path in (published / "intern").iterdir())
    # A Kommune that is gone keeps nothing.
    assert folders == ["intern", "kommune-A1", "ledger"]
    for reader in ("intern", "kommune-A1"):
        folder = published / "intern" / reader
        assert sorted(path.name for path in folder.iterdir()) == [
            "current.duckdb",
            f"release-{SECOND}.duckdb",
        ]
        assert os.path.samefile(folder / "current.duckdb", folder / f"release-{SECOND}.duckdb")
        assert _query(folder / "current.duckdb", "select release_id from dim_reader") == [(SECOND,)]


def test_internal_values_are_kept_too_and_apart(warehouse: Path, published: Path) -> None:
    publish(warehouse, published, RELEASE_ID)
    _next_release(warehouse, SECOND)
    change(warehouse, "update tiers.mart_measure_intern set value = 21 where area_key = 'r1'")
    publish(warehouse, published, SECOND)
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select audience, release_id, area_key, value "
            f"from read_parquet('{published}/intern/ledger/*.parquet') order by all"
        ).fetchall()
        public = connection.execute(
            f"select distinct audience from read_parquet('{published}/ledger/*.parquet')"
        ).fetchall()
    assert public == [("public",)]
    assert rows == [
        (audience, release, area, value)
        for audience in ("intern", "kommune")
        for release, area, value in (
            (RELEASE_ID, "r1", 11.0),
            (RELEASE_ID, "r3", 13.0),
            (SECOND, "r1", 21.0),
        )
    ]
    assert ledger.damages(published) == []
    (published / "intern" / "ledger" / f"release-{RELEASE_ID}-kommune.parquet").unlink()
    assert ledger.damages(published) == [
        f"Die Datei intern/ledger/release-{RELEASE_ID}-kommune.parquet fehlt."
    ]


def test_values_of_an_interrupted_run_are_registered_by_the_next(warehouse: Path, published: Path) -> None:
    publish(warehouse, published, RELEASE_ID)
    register = published / "ledger.jsonl"
    lines = register.read_text().splitlines()
    # The machine stopped after the public values: no line and no file for the tiers yet.
    register.write_text("\n".join(lines[:2]) + "\n")
    for path in (published / "intern" / "ledger").iterdir():
        path.unlink()
    ledger.settle(published)
    assert register.read_text().splitlines() == lines
    assert ledger.damages(published) == []


def test_a_warehouse_without_audiences_has_no_such_files(tmp_path: Path, published: Path) -> None:
    publish(write_warehouse(tmp_path / "plain.duckdb"), published, RELEASE_ID)
    assert not (published / "intern").exists()
