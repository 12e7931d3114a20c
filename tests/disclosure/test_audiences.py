"""Readers who see more than the public are attackers who know more; Kommunen may pool their files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from disclosure.audiences import added, for_audience, next_audience, without_solver
from disclosure.audit import audit
from disclosure.solver import protect
from disclosure.table import Flags, Integers, LinkedTable, Pattern, Witnesses, infeasible, unproven
from tests.disclosure.town import Label, count_table, cube

LEAVES, AGES, KOMMUNEN = 9, 3, 3


def _kreis(seed: int) -> tuple[LinkedTable, tuple[Label, ...], Integers]:
    """Three Kommunen of three leaves; leaves are of the internal tier. Returns the Kommune of every cell, -1: Kreis."""
    counts = np.random.default_rng(seed).poisson(3.0, (LEAVES, AGES)).astype(np.int64)
    parts = np.array_split(np.arange(LEAVES), KOMMUNEN)
    areas = [("stadt", "K", list(range(LEAVES)))]
    areas += [("sozialraum", str(number), list(part)) for number, part in enumerate(parts)]
    areas += [("block", str(number), [leaf]) for number, part in enumerate(parts) for leaf in part]
    town = cube("kreis", counts, areas)
    owner = np.array([-1 if label.level == "stadt" else int(label.area) for label in town.labels])
    is_leaf = np.array([label.level == "block" for label in town.labels])
    return replace(town.table, may_publish=~is_leaf), town.labels, owner


def _is_safe(table: LinkedTable, pattern: Pattern) -> bool:
    cells = np.flatnonzero(table.is_primary & ~pattern.is_unsafe)
    return bool(audit(table, pattern.is_hidden, cells, integer=True).is_safe.all())


@pytest.mark.parametrize("seed", range(4))
def test_what_all_kommunen_see_together_is_safe_and_is_more(seed: int) -> None:
    table, labels, owner = _kreis(seed)
    public = protect(table)
    kommune = next_audience(table, public, owner >= 0, protect)
    assert not (kommune.is_hidden & ~public.is_hidden).any()
    more = added(public, kommune)
    assert more.any() and (owner[more] >= 0).all()
    assert any(labels[cell].level == "block" for cell in np.flatnonzero(more))
    reader = for_audience(table, public, owner >= 0)
    assert _is_safe(reader, kommune)
    assert not infeasible(reader, kommune).size
    low, high = unproven(reader, kommune)
    assert not ((low | high) & ~kommune.is_unsafe).any()
    # Any coalition, the single Kommune included, knows less than the attacker of the proof.
    for coalition in ([0], [1], [0, 1], [1, 2]):
        theirs = replace(kommune, is_hidden=public.is_hidden & ~(more & np.isin(owner, coalition)))
        assert _is_safe(reader, theirs)


def test_decided_one_by_one_two_neighbours_together_would_know_too_much() -> None:
    """Why Kommunen are decided together. The public sees the Kreis (11); A has 2 cases, B 5, C 4, all internal.

    B alone may see its 5: A could be 0 to 6. C alone may see its 4. Together they have A.
    """
    membership = np.array([[1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    tiers = np.array([True, False, False, False])
    table = count_table("coalition", np.array([2, 5, 4]), membership, may_publish=tiers)
    public = protect(table)
    alone = {}
    for kommune in (1, 2, 3):
        mine = np.arange(4) == kommune
        alone[kommune] = next_audience(table, public, mine, protect)
        assert _is_safe(for_audience(table, public, mine), alone[kommune])
    pooled = alone[1].is_hidden & alone[2].is_hidden & alone[3].is_hidden
    assert pooled.tolist() == [False, True, False, False]
    reader = for_audience(table, public, ~tiers)
    found = audit(reader, pooled, np.array([1]), integer=True)
    assert (found.lower[0], found.upper[0]) == (2, 2)
    together = next_audience(table, public, ~tiers, protect)
    assert together.is_hidden.sum() == 2 and _is_safe(reader, together)


def test_the_last_audience_knows_what_all_before_it_see() -> None:
    table, _, owner = _kreis(1)
    public = protect(table)
    kommune = next_audience(table, public, owner == 0, protect)
    everybody = np.ones(table.cells, dtype=np.bool_)
    intern = next_audience(table, kommune, everybody, protect)
    assert not (intern.is_hidden & ~kommune.is_hidden).any()
    assert _is_safe(for_audience(table, kommune, everybody), intern)
    assert next_audience(table, intern, np.zeros(table.cells, dtype=np.bool_), protect) is intern


@pytest.mark.parametrize("seed", range(3))
def test_without_a_solver_less_is_added_and_it_is_proven(seed: int) -> None:
    table, _, owner = _kreis(seed)
    public = protect(table)
    reader = for_audience(table, public, owner >= 0)
    plain = without_solver(reader, public)
    assert _is_safe(reader, plain) and not infeasible(reader, plain).size
    solved = next_audience(table, public, owner >= 0, protect)
    assert table.weight[~solved.is_hidden].sum() >= table.weight[~plain.is_hidden].sum()


def _shows_everything(table: LinkedTable) -> Pattern:
    none = np.zeros(table.cells, dtype=np.bool_)
    return Pattern(none, Witnesses.none(), none, "solver")


def test_an_answer_without_proof_is_not_taken() -> None:
    table, _, owner = _kreis(2)
    public = protect(table)
    found = next_audience(table, public, owner >= 0, _shows_everything)
    assert found.method == "fallback"
    assert _is_safe(for_audience(table, public, owner >= 0), found)


def _one_told(owner: Integers, public: Pattern, which: Flags) -> int:
    return int(np.flatnonzero((owner >= 0) & public.is_hidden & which)[0])


def test_what_was_shown_to_an_audience_stays_known_to_it() -> None:
    table, _, owner = _kreis(3)
    public = protect(table)
    cell = np.array([_one_told(owner, public, ~table.is_primary)])
    value = table.value[cell]
    found = next_audience(table, public, owner >= 0, protect, (cell, value, value))
    assert not found.is_hidden[cell[0]]
    reader = for_audience(table, public, owner >= 0)
    assert _is_safe(reader, found)


def test_a_late_primary_of_an_audience_is_unsafe_and_blocks_nothing_else() -> None:
    table, _, owner = _kreis(3)
    public = protect(table)
    cell = np.array([_one_told(owner, public, table.is_primary)])
    value = table.value[cell]
    for solve in (protect, _shows_everything):
        found = next_audience(table, public, owner >= 0, solve, (cell, value, value))
        assert found.is_hidden[cell[0]] and found.is_unsafe[cell[0]]
        assert not public.is_unsafe[cell[0]]
        reader = for_audience(table, public, owner >= 0)
        reader = replace(reader, may_hide=reader.may_hide & (np.arange(table.cells) != cell[0]))
        hidden = found.is_hidden & reader.may_hide
        cells = np.flatnonzero(table.is_primary & ~found.is_unsafe)
        assert audit(reader, hidden, cells, integer=True).is_safe.all()
    assert (next_audience(table, public, owner >= 0, protect, (cell, value, value)).is_unsafe.sum()) < 5


def test_cells_given_away_before_are_shown_to_nobody() -> None:
    table, _, owner = _kreis(4)
    public = protect(table)
    lost = _one_told(owner, public, table.is_primary)
    unsafe = public.is_unsafe.copy()
    unsafe[lost] = True
    found = next_audience(table, replace(public, is_unsafe=unsafe), owner >= 0, protect)
    assert found.is_hidden[lost] and found.is_unsafe[lost]
