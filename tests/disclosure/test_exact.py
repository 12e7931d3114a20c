"""Layer C: the optimum against trying out every pattern, and the solver against the optimum."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from disclosure.audit import audit
from disclosure.exact import optimum, secondary_cost
from disclosure.solver import protect
from disclosure.table import Flags, LinkedTable
from tests.disclosure.small_tables import compositions, crossed, linked_tables, table_of


def best_by_trial(table: LinkedTable, known: Flags) -> float:
    """Cheapest safe pattern among all, worlds counted one by one; the cells in `known` are published in every one."""
    free = np.flatnonzero(~table.is_primary & ~known)
    every = compositions(int(table.base.sum()), table.atoms)
    told = every @ table.knowledge.rows.T.toarray()
    every = every[((told >= table.knowledge.lower) & (told <= table.knowledge.upper)).all(axis=1)]
    every = every[(every <= table.ceiling).all(axis=1)]
    values = every @ table.membership.T.toarray()
    agrees = values == table.value
    primaries = np.flatnonzero(table.is_primary)
    best = np.inf
    for choice in itertools.product((False, True), repeat=free.size):
        is_hidden = table.is_primary.copy()
        is_hidden[free[list(choice)]] = True
        worlds = values[agrees[:, ~is_hidden].all(axis=1)][:, primaries]
        safe = (worlds.min(axis=0) <= table.lower_goal[primaries]).all() and (
            worlds.max(axis=0) >= table.upper_goal[primaries]
        ).all()
        if safe:
            best = min(best, secondary_cost(table, is_hidden))
    return best


@settings(max_examples=25, deadline=None)
@given(case=linked_tables(most_atoms=4))
def test_optimum_agrees_with_trying_every_pattern(case: tuple[LinkedTable, Flags]) -> None:
    """Any sets of atoms as cells with knowledge; the grand total is published before, so it bounds the worlds."""
    table, _ = case
    known = np.arange(table.cells) == table.cells - 1
    table = replace(table, may_hide=~known)
    found = optimum(table, seconds=30)
    everything = audit(table, table.may_hide, np.flatnonzero(table.is_primary), integer=True)
    assert np.flatnonzero(found.is_unsafe).tolist() == everything.unsafe.tolist()
    if found.is_unsafe.any():
        return
    assert found.proven
    assert audit(table, found.is_hidden, integer=True).is_safe.all()
    assert found.cost == pytest.approx(best_by_trial(table, known))


def test_a_cell_that_is_never_tabulated_is_free_and_a_known_one_out_of_reach() -> None:
    table = table_of([1, 9, 9, 9], [[0, 1, 2, 3], [0], [1], [2], [3]], weight=[99.0, 1.0, 1.0, 2.0, 3.0])
    assert np.flatnonzero(optimum(table).is_hidden).tolist() == [1, 2]
    rest = replace(table, may_publish=np.array([True, True, True, False, True]))
    assert np.flatnonzero(optimum(rest).is_hidden).tolist() == [1, 3]
    known = replace(table, may_hide=np.array([True, True, False, False, True]))
    assert np.flatnonzero(optimum(known).is_hidden).tolist() == [1, 4]


def test_out_of_time_leaves_a_safe_pattern_and_no_claim() -> None:
    table = crossed(np.random.default_rng(3).integers(0, 9, (4, 4)).tolist())
    found = optimum(table, seconds=0)
    assert not found.proven
    assert audit(table, found.is_hidden, integer=True).is_safe.all()
    assert found.bound <= optimum(table).cost <= found.cost


def test_same_table_same_optimum() -> None:
    table = crossed(np.random.default_rng(5).integers(0, 9, (4, 4)).tolist())
    equal_weights = replace(table, weight=np.ones(table.cells))
    first, second = optimum(equal_weights), optimum(equal_weights)
    np.testing.assert_array_equal(first.is_hidden, second.is_hidden)


def test_solver_against_optimum() -> None:
    """Never cheaper than the optimum (that would be an unsafe pattern); at most 1.3 times it over all tables."""
    spent, least = 0.0, 0.0
    for seed in range(6):
        table = crossed(np.random.default_rng(seed).poisson(4, (5, 4)).tolist())
        best, pattern = optimum(table), protect(table)
        cost = secondary_cost(table, pattern.is_hidden)
        assert best.proven
        assert audit(table, pattern.is_hidden, integer=True).is_safe.all()
        assert best.cost - 1e-9 <= cost <= 2 * best.cost
        spent, least = spent + cost, least + best.cost
    assert spent <= 1.3 * least
