"""The Gauss trap: linear independence leaves counts exactly determined, the solver leaves none."""

from __future__ import annotations

import numpy as np

from disclosure.alternatives.gauss import gauss
from disclosure.audit import audit
from disclosure.solver import SolverOptions, protect
from disclosure.table import LinkedTable, infeasible, unproven
from tests.disclosure.town import town, wide


def certified(table: LinkedTable) -> np.ndarray:
    pattern = protect(table)
    assert infeasible(table, pattern).size == 0
    low, high = unproven(table, pattern)
    assert not (low | high).any()
    assert not pattern.is_unsafe.any()
    return pattern.is_hidden


def test_gauss_trap_in_a_small_town() -> None:
    """12 Baublöcke in overlapping areas. The certificate itself says that no primary is determined."""
    table = town(blocks=12).table
    hidden = certified(table)
    trap = gauss(table)
    some = np.flatnonzero(table.is_primary)[::12]
    assert audit(table, trap, some, integer=True).is_unsafe.any()
    attacked = audit(table, hidden, some, integer=True)
    assert not attacked.is_unsafe.any()
    assert attacked.disclosed.size == 0


def test_solver_hides_little_where_areas_form_a_tree() -> None:
    table = wide(2, 3, 6, ages=8).table
    hidden = certified(table)
    secondary = (hidden & ~table.is_primary).sum()
    assert secondary <= 3 * table.is_primary.sum()
    assert secondary / table.cells <= 0.121


def test_cheap_options_are_as_safe() -> None:
    table = wide(2, 2, 5, ages=6).table
    pattern = protect(table, SolverOptions(satisfied=1e9, prune_rounds=0))
    assert infeasible(table, pattern).size == 0
    low, high = unproven(table, pattern)
    assert not (low | high).any()
