"""The protection between the two halves of dbt, on a warehouse made by hand."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from lagebild.instance import DisclosureSettings
from lagebild.paths import PROJECT_ROOT
from orchestration.protection import decide, load, store
from orchestration.protection.check import attack
from orchestration.protection.decide import Protection, protect_warehouse
from orchestration.protection.draft import completed
from orchestration.protection.work import Solver
from orchestration.protection.workers import ProtectionFailed
from tests.orchestration import protection_fixture as fixture
from tests.orchestration.protection_fixture import change, write_warehouse

QUICK = DisclosureSettings(time_limit_s=60, table_limit_s=20, workers=0)
PROCESSES = QUICK.model_copy(update={"workers": 2})


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return write_warehouse(tmp_path / "warehouse.duckdb")


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    return tmp_path / "proof"


def _run(warehouse: Path, proof: Path, solver: Solver = fixture.hide_everything) -> Protection:
    return protect_warehouse(warehouse, proof, QUICK, solver=solver)


def _rows(proof: Path, name: str, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute(f"create view {name} as from '{proof / name}.parquet'")
        return connection.execute(sql).fetchall()


def _drafts(warehouse: Path, proof: Path) -> dict[str, Any]:
    store.write_empty(proof)
    with load.opened(warehouse) as connection:
        load.prepare(connection, store.proof_file(proof, "pattern"))
        infos = load.list_tables(connection)
        return {
            draft.table_id: draft for batch in load.batches(infos) for draft in load.load(connection, batch)
        }


def test_a_loaded_table_adds_up(warehouse: Path, proof: Path) -> None:
    drafts = _drafts(warehouse, proof)
    assert list(drafts) == ["faelle|2024", "faelle|2025", "plaetze|2024", "plaetze|2025"]
    for draft in drafts.values():
        table = completed(draft).table
        table.check()
        assert (table.atoms, table.cells) == (6, 12)
        np.testing.assert_array_equal(table.value, draft.value)
    primary = drafts["faelle|2024"]
    assert primary.value[primary.is_primary].tolist() == [1]
    # The Kreis is made of all atoms, a Gemeinde of its own two.
    assert primary.membership.sum(axis=1).A1.tolist() == [6, 3, 3, 2, 1, 1, 2, 1, 1, 2, 1, 1]


def test_links_and_the_ledger_become_knowledge(warehouse: Path, proof: Path) -> None:
    change(
        warehouse,
        "insert into disclosure.int_disclosure__link values ('faelle|2024', 0, 0, 1), ('faelle|2024', 0, 5, -1)",
        "insert into disclosure.int_disclosure__known values "
        "('public', 'faelle|2024', 'faelle', 'kreis', 'total', 75, 75, 'r1'), "
        "('public', 'faelle|2024', 'faelle', 'kreis', 'w', 27, 29, 'r1'), "
        "('intern', 'faelle|2024', 'faelle', 'kreis', 'm', 47, 47, 'r1')",
    )
    draft = _drafts(warehouse, proof)["faelle|2024"]
    assert np.flatnonzero(~draft.may_hide).tolist() == [0]
    assert draft.knowledge.rows.toarray().tolist() == [[1, 0, 0, 0, 0, -1], [1, 0, 1, 0, 1, 0]]
    assert draft.knowledge.lower.tolist() == [0, 27]
    assert draft.knowledge.upper.tolist() == [0, 29]


def test_an_area_that_has_ended_covers_nothing(warehouse: Path, proof: Path) -> None:
    change(
        warehouse,
        "update disclosure.int_disclosure__area_cover set valid_to = date '2024-12-31' "
        "where atom_area = 'c' and area_key = 'kreis'",
    )
    drafts = _drafts(warehouse, proof)
    assert drafts["faelle|2024"].membership[0].nnz == 6
    assert drafts["faelle|2025"].membership[0].nnz == 4


def test_the_proof_names_every_cell_and_holds_in_sums(warehouse: Path, proof: Path) -> None:
    report = _run(warehouse, proof)
    assert (report.tables, report.solved, report.reused) == (4, 4, 0)
    assert (report.cells, report.primaries) == (48, 3)
    decided = _rows(
        proof,
        "pattern",
        "select table_id, area_key, group_key, is_published from pattern where table_id = 'faelle|2024'",
    )
    assert len(decided) == 12
    assert not any(row[3] for row in decided)
    worlds = _rows(proof, "witness", "select distinct audience, table_id from witness order by table_id")
    assert worlds == [("public", "faelle|2024"), ("public", "faelle|2025"), ("public", "plaetze|2024")]
    assert _rows(proof, "base", "select base from base where table_id = 'faelle|2024' order by atom_id") == [
        (1,),
        (9,),
        (7,),
        (8,),
        (20,),
        (30,),
    ]
    assert _rows(proof, "verdict", "select method, sum(primaries), count(*) from verdict group by all") == [
        ("solver", 3, 4)
    ]


def test_the_second_night_solves_nothing(warehouse: Path, proof: Path) -> None:
    _run(warehouse, proof)
    before = {name: store.proof_file(proof, name).read_bytes() for name in ("pattern", "witness", "base")}
    report = _run(warehouse, proof, fixture.never_called)
    assert (report.solved, report.reused) == (0, 4)
    assert {name: store.proof_file(proof, name).read_bytes() for name in before} == before
    assert _rows(proof, "verdict", "select distinct is_reused from verdict") == [(True,)]


def test_a_changed_rule_solves_its_group_only(warehouse: Path, proof: Path) -> None:
    _run(warehouse, proof)
    change(
        warehouse,
        "update disclosure.int_disclosure__table_cell set upper_goal = 5 where measure_id = 'plaetze'",
    )
    report = _run(warehouse, proof)
    assert (report.solved, report.reused) == (2, 2)
    fresh = _rows(proof, "verdict", "select table_id from verdict where not is_reused order by all")
    assert fresh == [("plaetze|2024",), ("plaetze|2025",)]
    # What no table needs any more is forgotten.
    assert len(list((proof / "solved").glob("*.npz"))) == 4


def test_a_changed_figure_solves_its_table_only(warehouse: Path, proof: Path) -> None:
    _run(warehouse, proof)
    change(
        warehouse,
        "update disclosure.int_disclosure__atom set base = base + 1 where table_id = 'faelle|2024' and atom_id = 5",
        "update disclosure.int_disclosure__table_cell set value_units = value_units + 1 "
        "where table_id = 'faelle|2024' and area_key in ('c', 'kreis') and group_key in ('m', 'total')",
    )
    assert _run(warehouse, proof).solved == 1


def test_what_was_hidden_before_is_cheaper_to_hide(warehouse: Path, proof: Path) -> None:
    first = _drafts(warehouse, proof)["faelle|2024"]
    assert not first.was_hidden.any()
    _run(warehouse, proof)
    second = _drafts(warehouse, proof)["faelle|2024"]
    assert second.was_hidden.all()
    np.testing.assert_allclose(completed(second).table.weight, 0.7 * completed(first).table.weight)


def test_the_ledger_of_the_last_release_changes_nothing(warehouse: Path, proof: Path) -> None:
    """Everything published is known the next night. The proof was made against just that."""
    _run(warehouse, proof, fixture.hide_little)
    _remember_release(warehouse, proof)
    report = _run(warehouse, proof, fixture.never_called)
    assert (report.solved, report.reused) == (0, 4)


def test_a_ledger_that_knows_more_solves_again(warehouse: Path, proof: Path) -> None:
    _run(warehouse, proof, fixture.hide_little)
    _remember_release(warehouse, proof)
    change(
        warehouse,
        "insert into disclosure.int_disclosure__known values "
        "('public', 'faelle|2024', 'faelle', 'b', 'w', 7, 7, 'r0')",
    )
    report = _run(warehouse, proof)
    assert (report.solved, report.reused) == (1, 3)
    # The figure is out: hiding it again would only pretend.
    assert _rows(
        proof,
        "pattern",
        "select is_published from pattern where table_id = 'faelle|2024' and area_key = 'b' and group_key = 'w'",
    ) == [(True,)]


def _remember_release(warehouse: Path, proof: Path) -> None:
    change(
        warehouse,
        "insert into disclosure.int_disclosure__known select 'public', cell.table_id, cell.measure_id, "
        "cell.area_key, cell.group_key, value_units, value_units, 'r1' "
        f"from '{proof / 'pattern.parquet'}' as pattern inner join disclosure.int_disclosure__table_cell as cell "
        "using (table_id, measure_id, area_key, group_key) where pattern.is_published",
    )


def test_a_damaged_memory_is_solved_again(warehouse: Path, proof: Path) -> None:
    _run(warehouse, proof)
    for path in sorted((proof / "solved").glob("*.npz"))[:2]:
        path.write_bytes(path.read_bytes()[:100])
    assert _run(warehouse, proof).solved == 2


def test_an_interrupted_run_goes_on_where_it_was(
    warehouse: Path, proof: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[str] = []
    save = store.save

    def stop_after_two(folder: Path, input_hash: str, solved: store.Solved) -> None:
        if len(saved) == 2:
            raise KeyboardInterrupt
        saved.append(input_hash)
        save(folder, input_hash, solved)

    monkeypatch.setattr(decide.store, "save", stop_after_two)
    with pytest.raises(KeyboardInterrupt):
        _run(warehouse, proof)
    assert _rows(proof, "verdict", "select count(*) from verdict") == [(0,)]
    monkeypatch.undo()
    report = _run(warehouse, proof)
    assert (report.solved, report.reused) == (2, 2)


def test_a_killed_worker_costs_a_second_try(
    warehouse: Path, proof: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PROTECTION_TEST_FOLDER", str(tmp_path))
    report = protect_warehouse(warehouse, proof, PROCESSES, solver=fixture.die_at_first)
    assert (tmp_path / "died").exists()
    assert (report.tables, report.solved) == (4, 4)


def test_a_table_that_kills_every_worker_ends_the_night_by_name(warehouse: Path, proof: Path) -> None:
    with pytest.raises(ProtectionFailed, match=r"faelle\|2025.* zweimal beendet"):
        protect_warehouse(warehouse, proof, PROCESSES, solver=fixture.always_die)


def test_workers_end_with_the_night_that_started_them(warehouse: Path, proof: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from lagebild.instance import DisclosureSettings\n"
        "from orchestration.protection.decide import protect_warehouse\n"
        "from tests.orchestration.protection_fixture import tell_and_sleep\n"
        "protect_warehouse(Path(sys.argv[1]), Path(sys.argv[2]), DisclosureSettings(workers=1), solver=tell_and_sleep)"
    )
    night = subprocess.Popen(
        [sys.executable, "-c", code, str(warehouse), str(proof)],
        cwd=PROJECT_ROOT,
        env={**os.environ, "PROTECTION_TEST_FOLDER": str(tmp_path)},
    )
    try:
        assert _within(30, lambda: (tmp_path / "worker").exists() and (tmp_path / "worker").read_text())
        worker = Path("/proc") / (tmp_path / "worker").read_text()
        assert worker.exists()
    finally:
        night.kill()
        night.wait()
    assert _within(10, lambda: not worker.exists())


def _within(seconds: float, condition: Callable[[], object]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_a_solver_that_fails_is_named_without_figures(warehouse: Path, proof: Path) -> None:
    with pytest.raises(ProtectionFailed, match=r"faelle\|2024.*nicht entscheiden \(ValueError\)") as caught:
        _run(warehouse, proof, fixture.stumble)
    assert "17" not in str(caught.value)


def test_a_result_cut_short_is_tried_again_when_there_is_time(warehouse: Path, proof: Path) -> None:
    hasty = QUICK.model_copy(update={"time_limit_s": 1e-6})
    first = protect_warehouse(warehouse, proof, hasty, solver=fixture.fall_back_when_late)
    assert first.methods == {"fallback": 4}
    second = protect_warehouse(warehouse, proof, QUICK, solver=fixture.fall_back_when_late)
    assert (second.solved, second.methods) == (4, {"solver": 4})


def test_figures_that_contradict_each_other_are_withheld_and_the_night_goes_on(
    warehouse: Path, proof: Path
) -> None:
    change(
        warehouse,
        # The supplier hid two figures of a sum that then cannot be right: 9 + at least nothing is more than 8.
        "update disclosure.int_disclosure__atom set base = null, ceiling = 2 "
        "where table_id = 'faelle|2024' and atom_area = 'a' and atom_group = 'w'",
        "update disclosure.int_disclosure__table_cell set value_units = null "
        "where table_id = 'faelle|2024' and area_key = 'a' and group_key = 'w'",
        "update disclosure.int_disclosure__table_cell set value_units = 8 "
        "where table_id = 'faelle|2024' and area_key = 'a' and group_key = 'total'",
    )
    report = _run(warehouse, proof, fixture.hide_little)
    assert (report.tables, report.inconsistent) == (4, 1)
    assert _rows(proof, "verdict", "select table_id from verdict where method = 'inconsistent'") == [
        ("faelle|2024",)
    ]
    published = _rows(
        proof,
        "pattern",
        "select area_key, group_key from pattern where table_id = 'faelle|2024' and is_published order by all",
    )
    assert ("a", "total") not in published
    assert ("kreis", "total") in published


def test_what_a_supplier_has_hidden_gets_a_world_that_fits(warehouse: Path, proof: Path) -> None:
    change(
        warehouse,
        "update disclosure.int_disclosure__atom set base = null, ceiling = 9 where table_id = 'faelle|2024' "
        "and atom_area in ('a', 'b') and atom_group = 'w'",
        "update disclosure.int_disclosure__table_cell set value_units = null where table_id = 'faelle|2024' "
        "and area_key in ('a', 'b') and group_key in ('w', 'total')",
    )
    draft = _drafts(warehouse, proof)["faelle|2024"]
    ready = completed(draft)
    assert not ready.is_inconsistent
    table = ready.table
    table.check()
    np.testing.assert_array_equal(table.value[draft.is_value_known], draft.value[draft.is_value_known])
    assert table.base[[0, 2]].sum() == 8
    _run(warehouse, proof)
    assert _rows(proof, "base", "select base from base where table_id = 'faelle|2024' order by atom_id") == [
        (int(value),) for value in table.base
    ]


def test_one_process_or_two_come_to_the_same(warehouse: Path, proof: Path, tmp_path: Path) -> None:
    _run(warehouse, proof, fixture.hide_little)
    protect_warehouse(warehouse, tmp_path / "other", PROCESSES, solver=fixture.hide_little)
    for name in ("pattern", "witness", "base"):
        one, two = (store.proof_file(folder, name).read_bytes() for folder in (proof, tmp_path / "other"))
        assert one == two


def test_the_real_solver_protects_and_the_attack_is_in_vain(warehouse: Path, proof: Path) -> None:
    report = protect_warehouse(warehouse, proof, QUICK)
    # A table without a primary has nothing to prove.
    assert report.methods == {"solver": 3, "none": 1}
    assert report.unsafe == 0
    attacked = attack(warehouse, proof, "seed", 20)
    assert (attacked.tables, attacked.primaries, attacked.disproved) == (3, 3, ())


def test_an_attack_on_a_leaking_pattern_succeeds(warehouse: Path, proof: Path) -> None:
    """The check has teeth: the secondary cells of a proof are shown, the claims are kept."""
    report = protect_warehouse(warehouse, proof, QUICK, solver=fixture.claim_too_much)
    assert report.primaries == 3
    attacked = attack(warehouse, proof, "seed", 20)
    assert set(attacked.disproved) == {"faelle|2024", "faelle|2025", "plaetze|2024"}


def test_without_tables_the_proof_is_empty_at_once(warehouse: Path, proof: Path) -> None:
    change(
        warehouse, *(f"delete from disclosure.int_disclosure__{it}" for it in ("table", "atom", "table_cell"))
    )
    report = _run(warehouse, proof, fixture.never_called)
    assert (report.tables, report.cells) == (0, 0)
    for name in store.SCHEMAS:
        assert _rows(proof, name, f"select count(*) from {name}") == [(0,)]
