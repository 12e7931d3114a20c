"""Audiences in the night run: on top of the public decision, only where there is more to see, and remembered."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from disclosure.solver import protect
from disclosure.table import LinkedTable, Pattern
from lagebild.instance import DisclosureSettings
from orchestration.protection.decide import protect_warehouse
from tests.orchestration.protection_fixture import GEMEINDEN, change, write_warehouse

ALONE = DisclosureSettings(time_limit_s=60, table_limit_s=20, workers=1)


def solve(table: LinkedTable, deadline: float) -> Pattern:
    return protect(table, deadline=deadline)


def never(table: LinkedTable, deadline: float) -> Pattern:
    raise AssertionError(f"{table.name} was solved again")


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """Figures by sex of `plaetze` are of the internal tier; Gemeinden a and b read their own, the Kreis reads all."""
    path = write_warehouse(tmp_path / "warehouse.duckdb")
    reads = ", ".join(f"('kommune', '{area}', '{area}', date '2000-01-01', null)" for area in ("a", "b"))
    everything = ", ".join(
        f"('intern', '', '{area}', date '2000-01-01', null)" for area in ("kreis", *GEMEINDEN)
    )
    change(
        path,
        "update disclosure.int_disclosure__table_cell set tier = 'internal', may_publish = false "
        "where measure_id = 'plaetze' and group_key <> 'total'",
        "insert into staging.stg_catalogue__audience values ('kommune', 'Kommunen', 's', 'gemeinde', 1), "
        "('intern', 'Kreisverwaltung', null, null, 2)",
        f"insert into disclosure.int_disclosure__audience_area values {reads}, {everything}",
    )
    return path


def _rows(proof: Path, table: str, columns: str, where: str = "true") -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(
            f"select {columns} from read_parquet('{proof}/{table}.parquet') where {where} order by all"
        ).fetchall()


def _shown(proof: Path, audience: str, table_id: str = "plaetze|2024") -> set[tuple[object, ...]]:
    where = f"audience = '{audience}' and table_id = '{table_id}' and is_published"
    return set(_rows(proof, "pattern", "area_key, group_key", where))


def test_every_audience_sees_more_and_only_where_there_is_more(warehouse: Path, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    protect_warehouse(warehouse, proof, ALONE, solver=solve)
    audiences = _rows(proof, "verdict", "distinct audience, table_group")
    assert audiences == [
        ("intern", "plaetze"),
        ("kommune", "plaetze"),
        ("public", "faelle"),
        ("public", "plaetze"),
    ]
    public, kommune, intern = (_shown(proof, audience) for audience in ("public", "kommune", "intern"))
    assert public < kommune < intern
    assert {group for _, group in public} == {"total"}
    assert {area for area, _ in kommune - public} <= {"a", "b"}
    # Two women in a are too few for anybody; the men would give them away, since the total is known.
    assert not {("a", "w"), ("a", "m")} & intern
    assert _rows(proof, "base", "count(*), count(distinct (table_id, atom_id))")[0] == (24, 24)


def test_the_next_night_solves_nothing_and_says_the_same(warehouse: Path, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    protect_warehouse(warehouse, proof, ALONE, solver=solve)
    before = _rows(proof, "pattern", "*"), _rows(proof, "witness", "*")
    told = ", ".join(
        f"('kommune', 'plaetze|2024', 'plaetze', '{area}', '{group}', {value}, {value}, 'R1')"
        for area, group, value in _values(warehouse, _shown(proof, "kommune") - _shown(proof, "public"))
    )
    # What was released is in the ledger now.
    change(warehouse, f"insert into disclosure.int_disclosure__known values {told}")
    protect_warehouse(warehouse, proof, ALONE, solver=never)
    assert (_rows(proof, "pattern", "*"), _rows(proof, "witness", "*")) == before
    assert _rows(proof, "verdict", "distinct is_reused") == [(True,)]


def _values(warehouse: Path, cells: set[tuple[object, ...]]) -> list[tuple[object, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute(
            "select area_key, group_key, value_units from disclosure.int_disclosure__table_cell "
            "where table_id = 'plaetze|2024'"
        ).fetchall()
    found = [row for row in rows if (row[0], row[1]) in cells]
    assert found
    return found


def test_what_an_audience_was_told_about_a_primary_is_unsafe_for_it_alone(
    warehouse: Path, tmp_path: Path
) -> None:
    proof = tmp_path / "proof"
    change(
        warehouse,
        "insert into disclosure.int_disclosure__known "
        "values ('kommune', 'plaetze|2024', 'plaetze', 'a', 'w', 2, 2, 'R1')",
    )
    protect_warehouse(warehouse, proof, ALONE, solver=solve)
    unsafe = _rows(proof, "pattern", "distinct audience, area_key, group_key, is_published", "is_unsafe")
    # Whoever stands later knows it too.
    assert unsafe == [("intern", "a", "w", False), ("kommune", "a", "w", False)]


def test_stricter_thresholds_of_kommunen_hold_for_them(warehouse: Path, tmp_path: Path) -> None:
    """Five places are enough for the public rule, not for the Kommunen's (T = 6)."""
    change(
        warehouse,
        "insert into disclosure.int_disclosure__cell_audience values "
        "('kommune', 'plaetze', '2024', 'b', 'w', true, 0, 6), ('kommune', 'plaetze', '2024', 'b', 'm', true, 0, 6)",
    )
    proof = tmp_path / "proof"
    protect_warehouse(warehouse, proof, ALONE, solver=solve)
    assert not {("b", "w"), ("b", "m")} & _shown(proof, "kommune")


def test_a_person_may_let_a_lost_cell_pass(warehouse: Path, tmp_path: Path) -> None:
    """The public read two cases in an earlier release: unsafe, withheld, until somebody decides otherwise."""
    change(
        warehouse,
        "insert into disclosure.int_disclosure__known values ('public', 'faelle|2024', 'faelle', 'a', 'w', 1, 1, 'R1')",
    )
    cell = "audience = 'public' and table_id = 'faelle|2024' and area_key = 'a' and group_key = 'w'"
    proof = tmp_path / "proof"
    protect_warehouse(warehouse, proof, ALONE, solver=solve)
    assert _rows(proof, "pattern", "is_published, is_unsafe", cell) == [(False, True)]
    change(
        warehouse,
        "insert into disclosure.int_disclosure__allowed values ('faelle|2024', 'faelle', '2024', 'a', 'w')",
    )
    protect_warehouse(warehouse, proof, ALONE, solver=solve)
    assert _rows(proof, "pattern", "is_published, is_unsafe", cell) == [(True, True)]
