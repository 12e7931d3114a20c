"""Publishing copies exactly the contract, or nothing."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import duckdb
import pytest

from orchestration.database_files import file_sha256
from orchestration.publish import (
    ReleaseRejected,
    current_release,
    new_release_id,
    publish,
    read_ledger,
    warehouse_release_id,
)
from orchestration.release_contract import RELEASE_TABLES
from tests.orchestration.release_fixture import RELEASE_ID, change, write_warehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return write_warehouse(tmp_path / "warehouse.duckdb")


@pytest.fixture
def published(tmp_path: Path) -> Path:
    return tmp_path / "published"


def _tables(path: Path) -> set[str]:
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.execute("select table_schema, table_name from information_schema.tables").fetchall()
    assert {schema for schema, _ in rows} == {"main"}
    return {name for _, name in rows}


def test_a_release_holds_the_contract_and_nothing_else(warehouse: Path, published: Path) -> None:
    change(
        warehouse,
        "create schema core",
        "create table core.person as select 'secret' as person_key",
        "create table published.left_behind as select 'secret' as person_key",
    )
    release = publish(warehouse, published, RELEASE_ID)
    file = published / f"release-{RELEASE_ID}.duckdb"
    assert _tables(file) == set(RELEASE_TABLES)
    assert release.rows == dict.fromkeys(RELEASE_TABLES, 1)
    assert stat.S_IMODE(file.stat().st_mode) == 0o444
    assert os.path.samefile(file, published / "current.duckdb")
    assert not list(published.glob("*.tmp*")) and not list(published.glob("*.wal"))
    assert b"secret" not in file.read_bytes()


def test_the_ledger_names_every_release_with_its_hash(warehouse: Path, published: Path) -> None:
    publish(warehouse, published, RELEASE_ID)
    second = "20260102T020000Z"
    change(warehouse, f"update published.dim_release set release_id = '{second}', input_fingerprint = 'f2'")
    publish(warehouse, published, second)
    ledger = read_ledger(published)
    assert [(row.release_id, row.fingerprint) for row in ledger] == [(RELEASE_ID, "f1"), (second, "f2")]
    assert ledger[1].sha256 == file_sha256(published / "current.duckdb")
    assert all("1.5" not in json.dumps(dict(row.rows)) for row in ledger)
    live = current_release(published)
    assert live is not None
    assert live["release_id"] == second


BREACHES = {
    "missing table": ["drop table published.fct_measure"],
    "column beyond": ["alter table published.fct_measure add column person_key varchar"],
    "column missing": ["alter table published.mart_map drop column ring_json"],
    "hidden cell with value": ["update published.fct_measure set conf_status = 'C'"],
    "hidden indicator with value": ["update published.mart_indicator set conf_status = 'C'"],
    "double key": ["insert into published.dim_area select * from published.dim_area"],
    "other release id": ["update published.dim_release set release_id = '20250101T000000Z'"],
    "no release row": ["delete from published.dim_release"],
}


@pytest.mark.parametrize("statements", BREACHES.values(), ids=BREACHES.keys())
def test_a_breach_of_the_contract_leaves_the_live_release_alone(
    warehouse: Path, published: Path, statements: list[str]
) -> None:
    publish(warehouse, published, RELEASE_ID)
    before = file_sha256(published / "current.duckdb")
    second = "20260102T020000Z"
    change(warehouse, f"update published.dim_release set release_id = '{second}'", *statements)
    with pytest.raises(ReleaseRejected) as rejection:
        publish(warehouse, published, second)
    assert rejection.value.problems
    assert file_sha256(published / "current.duckdb") == before
    assert sorted(path.name for path in published.iterdir()) == [
        "current.duckdb",
        "ledger",
        "ledger.jsonl",
        f"release-{RELEASE_ID}.duckdb",
    ]


def test_rows_lie_in_the_order_of_their_key(warehouse: Path, published: Path) -> None:
    """A measure's groups side by side, whatever order the build left them in: few row groups to read, equal content
    in equal order."""
    keys = [("b", "g2", "x"), ("a", "g2", "y"), ("b", "g1", "y"), ("a", "g1", "z"), ("a", "g1", "y")]
    change(
        warehouse,
        *(
            "insert into published.fct_measure by name "
            f"select '{m}' as measure_id, '{g}' as group_key, '{a}' as area_key, 'p' as period_key, 1.0 as value"
            for m, g, a in keys
        ),
        "delete from published.fct_measure where period_key <> 'p'",
    )
    publish(warehouse, published, RELEASE_ID)
    with duckdb.connect(str(published / "current.duckdb"), read_only=True) as connection:
        found = connection.execute("select measure_id, group_key, area_key from fct_measure").fetchall()
    assert found == sorted(keys)


def test_a_hidden_cell_without_value_may_pass(warehouse: Path, published: Path) -> None:
    change(warehouse, "update published.fct_measure set conf_status = 'C', value = null")
    publish(warehouse, published, RELEASE_ID)
    with duckdb.connect(str(published / "current.duckdb"), read_only=True) as connection:
        assert connection.execute("select conf_status, value from fct_measure").fetchall() == [("C", None)]


def test_a_release_is_never_overwritten(warehouse: Path, published: Path) -> None:
    publish(warehouse, published, RELEASE_ID)
    with pytest.raises(FileExistsError):
        publish(warehouse, published, RELEASE_ID)


def test_only_the_newest_files_are_kept_and_the_ledger_remembers_all(
    warehouse: Path, published: Path
) -> None:
    ids = [f"2026010{day}T020000Z" for day in range(1, 6)]
    for release_id in ids:
        change(warehouse, f"update published.dim_release set release_id = '{release_id}'")
        publish(warehouse, published, release_id, keep=2)
    assert sorted(path.name for path in published.glob("release-*.duckdb")) == [
        f"release-{release_id}.duckdb" for release_id in ids[-2:]
    ]
    assert [row.release_id for row in read_ledger(published)] == ids


def test_a_reader_of_the_old_release_is_not_disturbed(warehouse: Path, published: Path) -> None:
    publish(warehouse, published, RELEASE_ID)
    current = str(published / "current.duckdb")
    with duckdb.connect(current, read_only=True) as reader:
        second = "20260102T020000Z"
        change(warehouse, f"update published.dim_release set release_id = '{second}'")
        publish(warehouse, published, second)
        assert reader.execute("select release_id from dim_release").fetchall() == [(RELEASE_ID,)]
    with duckdb.connect(current, read_only=True) as reader:
        assert reader.execute("select release_id from dim_release").fetchall() == [(second,)]


def test_without_a_finished_build_there_is_nothing_to_publish(tmp_path: Path, published: Path) -> None:
    with pytest.raises(ReleaseRejected):
        publish(tmp_path / "absent.duckdb", published, RELEASE_ID)
    empty = tmp_path / "empty.duckdb"
    duckdb.connect(str(empty)).close()
    with pytest.raises(ReleaseRejected):
        warehouse_release_id(empty)
    assert current_release(published) is None


@pytest.mark.parametrize("release_id", ["", "x", "20260101T020000Z/../x", "2026-01-01"])
def test_a_release_id_is_a_time(warehouse: Path, published: Path, release_id: str) -> None:
    with pytest.raises(ValueError, match="release id"):
        publish(warehouse, published, release_id)


def test_new_release_ids_sort_by_time() -> None:
    assert new_release_id() <= new_release_id()
    assert len(new_release_id()) == len(RELEASE_ID)
