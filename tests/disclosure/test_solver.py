"""The solver against known answers, brute force and the exact optimum."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, vstack

from disclosure.exact import optimum, secondary_cost
from disclosure.solver import CertificateError, SolverOptions, protect
from disclosure.solver import protect as solver_entry
from disclosure.table import UNLIMITED, Knowledge, LinkedTable, Pattern, infeasible, unproven
from tests.disclosure.small_tables import crossed, worlds
from tests.disclosure.town import Town, count_table, cube


def proven(table: LinkedTable, pattern: Pattern) -> None:
    """The certificate holds, and only primaries are unsafe."""
    assert infeasible(table, pattern).size == 0
    low, high = unproven(table, pattern)
    assert not ((low | high) & ~pattern.is_unsafe).any()
    assert not (pattern.is_unsafe & ~table.is_primary).any()
    assert (pattern.is_hidden | ~table.is_primary).all()
    assert (pattern.is_hidden | table.may_publish).all()
    assert (table.may_hide | table.is_primary | ~pattern.is_hidden).all()


def small_town(seed: int = 0, blocks: int = 6, mean: float = 4.0) -> Town:
    counts = np.random.default_rng(seed).poisson(mean, (blocks, 3, 2))
    half = blocks // 2
    areas = [
        ("stadt", "S", list(range(blocks))),
        ("sozialraum", "x", list(range(half))),
        ("sozialraum", "y", list(range(half, blocks))),
        *[("block", str(i), [i]) for i in range(blocks)],
    ]
    return cube("small", counts, areas)


def test_zero_trap_empty_neighbours_are_no_protection() -> None:
    """0 = x + x + 0 beside a 1: hiding one zero would not help, because its published column keeps it at 0."""
    table = crossed([[1, 0, 7], [0, 0, 0], [6, 0, 9]])
    pattern = protect(table)
    proven(table, pattern)
    assert not pattern.is_unsafe.any()
    every = worlds(table, pattern.is_hidden)
    reached = table.membership @ every.T
    for cell in np.flatnonzero(table.is_primary):
        assert reached[cell].min() <= 0
        assert reached[cell].max() >= 3


def test_zero_trap_sum_of_two_hidden_must_be_large_enough() -> None:
    """15 = 10 + 3 + x + x: the hidden pair adds up to 2, so neither can be 3; a larger one has to go as well."""
    table = count_table(
        "fifteen", np.array([10, 3, 1, 1]), csr_matrix(np.vstack([np.ones((1, 4)), np.eye(4)]))
    )
    pattern = protect(table)
    proven(table, pattern)
    assert pattern.is_hidden.tolist() == [False, False, True, True, True]


def test_nothing_to_protect() -> None:
    table = crossed([[5, 6], [7, 8]])
    pattern = protect(table)
    assert pattern.method == "none"
    assert not pattern.is_hidden.any()
    assert pattern.witnesses.count == 0


def test_known_values_bind_and_a_late_primary_is_unsafe() -> None:
    """A primary was released before: it stays hidden and is reported; the other one is protected."""
    table = crossed([[1, 8, 9], [5, 2, 9], [7, 9, 8]])
    values = table.value
    may_hide = np.ones(table.cells, dtype=np.bool_)
    known = np.flatnonzero(values == 1)
    may_hide[known] = False
    table = replace(table, may_hide=may_hide)
    pattern = protect(table)
    proven(table, pattern)
    assert pattern.is_unsafe.nonzero()[0].tolist() == known.tolist()
    assert pattern.is_hidden[known].all()


def test_what_cannot_be_reached_is_unsafe_but_not_exact() -> None:
    """Two known sums leave the primary between 0 and 2: unsafe, and still hidden as far as it goes."""
    membership = csr_matrix([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 1, 1]])
    may_hide = np.array([True, True, True, False, True])
    table = count_table(
        "narrow", np.array([1, 1, 9]), membership, may_hide=may_hide, is_primary=np.array([1, 0, 0, 0, 0]) > 0
    )
    pattern = protect(table)
    proven(table, pattern)
    assert pattern.is_unsafe.tolist() == [True, False, False, False, False]
    assert pattern.is_hidden[:2].all()
    moves = pattern.witnesses.matrix(3) @ membership.T
    assert sorted(set(moves.toarray()[:, 0].tolist())) == [-1, 1]


def test_unlisted_cells_are_protected_like_others() -> None:
    """A part and the rest of its whole: the rest is never tabulated, and must not follow from whole minus part."""
    part, rest = np.array([8, 7, 9, 12]), np.array([1, 6, 8, 2])
    base = np.concatenate([part, rest])
    eye, four = np.eye(4), np.ones((1, 4))
    cells = np.vstack(
        [
            np.hstack([eye, eye]),  # whole per area
            np.hstack([eye, 0 * eye]),  # part per area
            np.hstack([0 * eye, eye]),  # rest per area, unlisted
            np.hstack([four, four]),
            np.hstack([four, 0 * four]),
        ]
    )
    may_publish = np.ones(14, dtype=np.bool_)
    may_publish[8:12] = False
    table = count_table("part", base, csr_matrix(cells), may_publish=may_publish)
    pattern = protect(table)
    proven(table, pattern)
    assert not pattern.is_unsafe.any()
    assert pattern.is_hidden[8:12].all()


def test_linked_breakdowns_move_together() -> None:
    """Ages and nationalities of the same people, linked by the total of the area only (knowledge rows)."""
    random = np.random.default_rng(5)
    ages = random.poisson(6, (5, 3))
    foreign = np.minimum(random.poisson(2, 5), ages.sum(axis=1))
    nations = np.stack([ages.sum(axis=1) - foreign, foreign], axis=1)
    ages[0], nations[0] = (1, 0, 0), (1, 0)  # an area with one inhabitant: its total is primary
    base = np.concatenate([ages.ravel(), nations.ravel()])
    age, nation = np.arange(15).reshape(5, 3), 15 + np.arange(10).reshape(5, 2)
    sets = [[a] for a in range(25)]
    sets += [age[i].tolist() for i in range(5)]
    sets += (
        [age[:, k].tolist() for k in range(3)]
        + [nation[:, k].tolist() for k in range(2)]
        + [age.ravel().tolist()]
    )
    membership = np.zeros((len(sets), 25))
    for row, atoms in enumerate(sets):
        membership[row, atoms] = 1
    rows = np.zeros((5, 25))
    for i in range(5):
        rows[i, age[i]], rows[i, nation[i]] = 1, -1
    zero = np.zeros(5, dtype=np.int64)
    knowledge = Knowledge(csr_matrix(rows, dtype=np.int64), zero, zero)
    table = count_table("linked", base, csr_matrix(membership), knowledge=knowledge)
    assert table.is_primary[25]
    pattern = protect(table)
    proven(table, pattern)
    assert not pattern.is_unsafe.any()


def test_amounts_in_cents() -> None:
    """Budgets of some hundred million cents with goals of 10 %: witnesses stay exact to the cent."""
    random = np.random.default_rng(3)
    amounts = random.integers(10**8, 9 * 10**9, (6, 4))
    town = cube(
        "euro", amounts, [("stadt", "S", list(range(6))), *[("block", str(i), [i]) for i in range(6)]]
    )
    value = town.table.value
    primary = np.zeros(town.table.cells, dtype=np.bool_)
    primary[[7, 13, 19]] = True
    table = replace(
        town.table, is_primary=primary, lower_goal=value - value // 10, upper_goal=value + value // 10
    )
    pattern = protect(table)
    proven(table, pattern)
    assert not pattern.is_unsafe.any()
    assert np.abs(pattern.witnesses.delta).max() > 10**7


def test_ceilings_hold() -> None:
    """Nobody believes in more than five people per atom; the merged atoms share a change among themselves."""
    town = small_town(4, mean=2.0)
    table = replace(town.table, ceiling=np.maximum(town.table.base, 5))
    pattern = protect(table)
    proven(table, pattern)


def test_negligible_difference_to_the_optimum() -> None:
    """On small tables the pattern costs at most 1.3 times the optimum (layer C); typically it is the optimum."""
    found, best = 0.0, 0.0
    for seed in range(8):
        random = np.random.default_rng(seed)
        counts = random.poisson(random.uniform(2, 9, (int(random.integers(3, 6)), 3)))
        blocks = counts.shape[0]
        areas = [("stadt", "S", list(range(blocks))), *[("block", str(i), [i]) for i in range(blocks)]]
        table = cube("small", counts, areas).table
        exact = optimum(table, seconds=20)
        assert exact.proven
        found, best = found + secondary_cost(table, protect(table).is_hidden), best + exact.cost
    assert best <= found + 1e-6
    assert found <= 1.3 * best


@pytest.mark.parametrize("seed", [8, 15, 18])
def test_top_levels_stay_where_the_optimum_shows_them(seed: int) -> None:
    """Areas as a tree with many zeros and small counts: neighbourhoods alone hid an Amt and the Kreis here."""
    random = np.random.default_rng(seed)
    counts = np.where(random.random(48) < 0.45, random.integers(1, 3, 48), random.integers(3, 90, 48))
    counts[random.random(48) < 0.5] = 0
    areas = [("kreis", "K", list(range(48)))]
    for level, size in (("amt", 16), ("gemeinde", 4), ("sozialraum", 1)):
        areas += [
            (level, f"{level}{first}", list(range(first, first + size))) for first in range(0, 48, size)
        ]
    weights = {"kreis": 1000.0, "amt": 100.0, "gemeinde": 20.0, "sozialraum": 5.0}
    town = cube("tree", counts.reshape(48, 1), areas, level_weight=weights)
    top = np.array([label.level in ("kreis", "amt") for label in town.labels])
    best, pattern = optimum(town.table, seconds=20), protect(town.table)
    proven(town.table, pattern)
    assert best.proven
    assert not best.is_hidden[top].any()
    assert not pattern.is_hidden[top].any()
    assert secondary_cost(town.table, pattern.is_hidden) <= 1.3 * best.cost


def test_a_deadline_far_away_changes_nothing() -> None:
    """Time limits of single programs count from now, not from the first program of the run."""
    table = small_town(2, blocks=10).table
    free, timed = protect(table), protect(table, deadline=time.monotonic() + 3600)
    assert timed.method == "solver"
    assert free.is_hidden.tobytes() == timed.is_hidden.tobytes()


def test_repeated_runs_are_byte_for_byte_equal() -> None:
    table = small_town().table
    first, second = protect(table), protect(table)
    assert first.is_hidden.tobytes() == second.is_hidden.tobytes()
    assert first.witnesses.delta.tobytes() == second.witnesses.delta.tobytes()
    assert first.witnesses.atom.tobytes() == second.witnesses.atom.tobytes()


@pytest.mark.parametrize("seed", range(4))
def test_order_of_cells_and_atoms_does_not_matter(seed: int) -> None:
    table = small_town(seed, mean=9.0).table
    random = np.random.default_rng(seed)
    cells, atoms = random.permutation(table.cells), random.permutation(table.atoms)
    turned = replace(
        table,
        base=table.base[atoms],
        ceiling=table.ceiling[atoms],
        membership=csr_matrix(table.membership[cells][:, atoms]),
        **{
            name: getattr(table, name)[cells]
            for name in ("is_primary", "lower_goal", "upper_goal", "may_hide", "may_publish", "weight")
        },
    )
    assert (protect(turned).is_hidden == protect(table).is_hidden[cells]).all()


def test_repeated_level_changes_nothing() -> None:
    """A Stadt that is its own parent: every figure of the upper level twice."""
    table = small_town(1).table
    again = np.arange(12)
    both = np.concatenate([np.arange(table.cells), again])
    doubled = replace(
        table,
        membership=csr_matrix(vstack([table.membership, table.membership[again]])),
        **{
            name: getattr(table, name)[both]
            for name in ("is_primary", "lower_goal", "upper_goal", "may_hide", "may_publish", "weight")
        },
    )
    pattern = protect(doubled)
    proven(doubled, pattern)
    assert (pattern.is_hidden == protect(table).is_hidden[both]).all()


def test_deadline_falls_back_and_still_proves() -> None:
    table = small_town(2, blocks=10).table
    suggested = np.zeros(table.cells, dtype=np.bool_)
    suggested[40:90] = True
    table = replace(table, suggested=suggested)
    pattern = protect(table, deadline=time.monotonic() - 1)
    assert pattern.method == "fallback"
    proven(table, pattern)
    assert pattern.is_hidden[suggested].all()
    late = protect(table, deadline=time.monotonic() - 100)
    assert late.method in ("fallback", "withheld")
    proven(table, late)


def test_when_all_time_is_gone_everything_is_withheld() -> None:
    table = small_town(2).table
    pattern = protect(table, SolverOptions(grace=0.0), deadline=time.monotonic() - 3600)
    assert pattern.method == "withheld"
    assert pattern.is_hidden.all()
    proven(table, pattern)


def test_progress_ends_with_all() -> None:
    seen: list[tuple[int, int]] = []
    table = small_town(0).table
    protect(table, progress=lambda done, all_of: seen.append((done, all_of)))
    assert seen[-1] == (int(table.is_primary.sum()), int(table.is_primary.sum()))


def test_a_wrong_proof_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The self-check does not believe the search: with a witness taken away it raises."""
    import importlib

    from disclosure.table import Witnesses

    module = importlib.import_module("disclosure.solver.protect")
    monkeypatch.setattr(module, "pack", lambda state: Witnesses.none())
    with pytest.raises(CertificateError):
        solver_entry(small_town().table)


@st.composite
def any_tables(draw: st.DrawFn) -> LinkedTable:
    """Cells are arbitrary sets of up to eight atoms; the total is always there."""
    atoms = draw(st.integers(2, 8))
    base = np.array(draw(st.lists(st.integers(0, 4), min_size=atoms, max_size=atoms)))
    row = st.lists(st.integers(0, 1), min_size=atoms, max_size=atoms)
    sets = [r for r in draw(st.lists(row, min_size=1, max_size=9)) if any(r)]
    cells = np.array([*sets, [1] * atoms])
    may_hide = np.array(draw(st.lists(st.integers(0, 9), min_size=len(cells), max_size=len(cells)))) > 0
    may_hide[-1] = False  # keeps the enumeration finite
    return count_table("any", base, csr_matrix(cells), may_hide=may_hide)


@settings(max_examples=60, deadline=None)
@given(table=any_tables())
def test_brute_force_agrees_on_any_small_table(table: LinkedTable) -> None:
    """All worlds enumerated: protected primaries range over both goals, unsafe ones could not be helped."""
    pattern = protect(table)
    proven(table, pattern)
    known = ~table.may_hide
    ranges = table.membership @ worlds(table, pattern.is_hidden & ~known).T
    widest = table.membership @ worlds(table, table.may_hide).T
    for cell in np.flatnonzero(table.is_primary):
        safe = ranges[cell].min() <= 0 and ranges[cell].max() >= 3
        assert safe == (not pattern.is_unsafe[cell])
        possible = widest[cell].min() <= 0 and widest[cell].max() >= 3
        assert possible == safe


def test_unlimited_is_understood() -> None:
    table = crossed([[1, 9], [8, 7]])
    assert (table.ceiling == UNLIMITED).all() or (table.ceiling > 0).all()
    proven(table, protect(table))
