"""The audit against brute force, known traps, and changes that must not change the verdict."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from disclosure.audit import audit, independent_check
from disclosure.table import UNLIMITED, Flags, Knowledge, LinkedTable, Pattern, Witnesses
from tests.disclosure.small_tables import crossed, linked_tables, table_of, worlds
from tests.disclosure.town import town


def flags(size: int, *hidden: int) -> Flags:
    return np.isin(np.arange(size), hidden)


def claim(is_hidden: Flags, *unsafe: int) -> Pattern:
    return Pattern(is_hidden, Witnesses.none(), flags(is_hidden.size, *unsafe), "solver")


@settings(max_examples=80, deadline=None)
@given(case=linked_tables())
def test_audit_agrees_with_counting_every_world(case: tuple[LinkedTable, Flags]) -> None:
    """Any sets of atoms as cells, ceilings, knowledge with factors up to 2: intervals and verdicts are exact."""
    table, is_hidden = case
    found = audit(table, is_hidden, integer=True)
    possible = worlds(table, is_hidden) @ table.membership[found.cells].T.toarray()
    assert found.is_exact.all()
    np.testing.assert_array_equal(found.lower, possible.min(axis=0))
    np.testing.assert_array_equal(found.upper, possible.max(axis=0))
    low_goal, high_goal = table.lower_goal[found.cells], table.upper_goal[found.cells]
    reached = (possible.min(axis=0) <= low_goal) & (possible.max(axis=0) >= high_goal)
    primary = table.is_primary[found.cells]
    np.testing.assert_array_equal(found.is_safe, ~primary | reached)
    np.testing.assert_array_equal(found.is_unsafe, primary & ~reached)


@pytest.mark.thorough
@settings(max_examples=150, deadline=None)
@given(case=linked_tables(most_atoms=12, most_value=1))
def test_audit_agrees_with_counting_every_world_of_twelve_atoms(case: tuple[LinkedTable, Flags]) -> None:
    table, is_hidden = case
    assume(table.base.sum() <= 6)
    found = audit(table, is_hidden, integer=True)
    possible = worlds(table, is_hidden) @ table.membership[found.cells].T.toarray()
    np.testing.assert_array_equal(found.lower, possible.min(axis=0))
    np.testing.assert_array_equal(found.upper, possible.max(axis=0))


@settings(max_examples=25, deadline=None)
@given(case=linked_tables())
def test_real_intervals_contain_whole_ones(case: tuple[LinkedTable, Flags]) -> None:
    table, is_hidden = case
    whole, real = audit(table, is_hidden, integer=True), audit(table, is_hidden, integer=False)
    assert (real.lower <= whole.lower + 1e-6).all()
    assert (real.upper >= whole.upper - 1e-6).all()


@settings(max_examples=30, deadline=None)
@given(case=linked_tables(), seed=st.integers(0, 2**32 - 1))
def test_order_and_doubled_levels_do_not_matter(case: tuple[LinkedTable, Flags], seed: int) -> None:
    """Metamorphic: other numbers for atoms and cells, and a level that repeats another one, give the same verdicts."""
    table, is_hidden = case
    draw = np.random.default_rng(seed)
    cells, atoms = draw.permutation(table.cells), draw.permutation(table.atoms)
    twice = np.concatenate([cells, cells])
    moved = replace(
        table,
        base=table.base[atoms],
        ceiling=table.ceiling[atoms],
        membership=table.membership[twice][:, atoms],
        knowledge=replace(table.knowledge, rows=table.knowledge.rows[:, atoms]),
        **{
            name: getattr(table, name)[twice]
            for name in ("is_primary", "lower_goal", "upper_goal", "may_hide", "may_publish", "weight")
        },
    )
    before, after = audit(table, is_hidden, integer=True), audit(moved, is_hidden[twice], integer=True)
    expected = {int(cell): n for n, cell in enumerate(before.cells)}
    picks = [expected[int(twice[cell])] for cell in after.cells]
    np.testing.assert_array_equal(after.lower, before.lower[picks])
    np.testing.assert_array_equal(after.upper, before.upper[picks])
    np.testing.assert_array_equal(after.is_safe, before.is_safe[picks])


@settings(max_examples=30, deadline=None)
@given(case=linked_tables(), number=st.integers(0, 20))
def test_publishing_a_cell_never_widens_an_interval(case: tuple[LinkedTable, Flags], number: int) -> None:
    table, is_hidden = case
    hidden = np.flatnonzero(is_hidden)
    assume(hidden.size > 1)
    more = is_hidden.copy()
    more[hidden[number % hidden.size]] = False
    asked = np.flatnonzero(more)
    before, after = audit(table, is_hidden, asked, integer=True), audit(table, more, asked, integer=True)
    assert (after.lower >= before.lower).all()
    assert (after.upper <= before.upper).all()


def test_zero_traps() -> None:
    """0 = x + y + 0 and 15 = 10 + 3 + x + y: the sum of the hidden cells says more than their number."""
    zero = table_of([0, 0, 0], [[0, 1, 2], [0], [1], [2]], primary=[1, 2])
    found = audit(zero, flags(4, 1, 2), integer=True)
    assert found.disclosed.tolist() == [1, 2]
    fifteen = table_of([10, 3, 1, 1], [[0, 1, 2, 3], [0], [1], [2], [3]])
    found = audit(fifteen, flags(5, 3, 4), integer=True)
    assert found.lower.tolist() == [0, 0]
    assert found.upper.tolist() == [2, 2]
    assert found.unsafe.tolist() == [3, 4]
    found = audit(fifteen, flags(5, 2, 3, 4), integer=True)
    assert found.unsafe.tolist() == []
    assert found.upper.tolist() == [5, 5, 5]


def test_whole_numbers_close_what_real_ones_leave_open() -> None:
    """2x + 2y + z = 3 with z at most 1: over the reals z lies in 0 .. 1, over whole numbers it is 1."""
    table = table_of([1, 0, 1], [[0, 1, 2], [2]], threshold=3, ceiling=1)
    rows = csr_matrix([[2, 2, 1]])
    table = replace(table, knowledge=Knowledge(rows, np.array([3]), np.array([3])))
    table = replace(table, may_hide=np.ones(2, dtype=np.bool_))
    real, whole = (audit(table, flags(2, 0, 1), np.array([1]), integer=way) for way in (False, True))
    assert (real.lower[0], real.upper[0]) == (0, 1)
    assert (whole.lower[0], whole.upper[0]) == (1, 1)


def test_what_nothing_limits_is_unlimited() -> None:
    table = table_of([4, 1], [[0, 1], [0], [1]])
    found = audit(table, flags(3, 0, 2), integer=True)
    assert found.lower.tolist() == [4, 0]
    assert found.upper.tolist() == [np.inf, np.inf]
    assert found.is_safe.all()
    limited = replace(table, ceiling=np.array([UNLIMITED, 7]))
    assert audit(limited, flags(3, 0, 2), integer=True).upper.tolist() == [11, 7]


def test_a_cell_known_whatever_is_decided_helps_the_attacker() -> None:
    """Released before: hiding it now protects nothing."""
    table = crossed([[1, 5, 6], [7, 8, 9], [4, 7, 30]])
    hidden = flags(16, 5, 6, 9, 10)
    assert audit(table, hidden, integer=True).unsafe.size == 0
    known = replace(table, may_hide=~flags(16, 10))
    assert audit(known, hidden, integer=True).unsafe.tolist() == [5]


def test_money_in_cents_is_exact() -> None:
    """Sums of ten digits: bounds are the very cents."""
    values = [1_234_567_891, 98_765_432, 5_000_000_001, 777]
    table = table_of(values, [[0, 1, 2, 3], [0, 1], [2, 3], [0, 2], [1, 3], [0], [3]], threshold=1_000)
    found = audit(table, flags(7, 5, 6), integer=True)
    low = values[0] - min(values[0], values[3])
    assert (found.lower[0], found.upper[0]) == (low, values[0] + min(values[1], values[2]))
    assert found.is_exact.all()


def test_contradicting_knowledge_is_an_error() -> None:
    table = table_of([1, 2], [[0, 1], [0]])
    wrong = Knowledge(csr_matrix([[1, 0]]), np.array([2]), np.array([2]))
    with pytest.raises(ValueError, match="contradicts"):
        audit(replace(table, knowledge=wrong), flags(2, 1), integer=True)


def test_without_time_nothing_is_claimed() -> None:
    table = crossed([[1, 5, 6], [2, 8, 9], [4, 7, 30]])
    found = audit(table, table.is_primary, integer=True, deadline=time.monotonic() - 1)
    assert not found.is_exact.any()
    assert not found.is_unsafe.any()
    assert not found.is_safe.any()


def test_parts_that_share_nothing_add_up() -> None:
    """A hidden cell over two independent families: its interval is the sum of theirs; the reduction keeps it exact."""
    table = table_of(
        [1, 2, 4, 1, 1, 5],
        [[0, 1, 2], [3, 4, 5], [0, 1, 2, 3, 4, 5], [0], [1], [2], [3], [4], [5], [0, 3]],
    )
    hidden = flags(10, 3, 4, 6, 7, 9)
    found = audit(table, hidden, integer=True)
    possible = worlds(table, hidden) @ table.membership[found.cells].T.toarray()
    np.testing.assert_array_equal(found.lower, possible.min(axis=0))
    np.testing.assert_array_equal(found.upper, possible.max(axis=0))
    assert (found.lower[-1], found.upper[-1]) == (0, 5)


def test_independent_check_finds_false_claims_in_both_directions() -> None:
    table = crossed([[1, 5, 6], [7, 8, 9], [4, 7, 30]])
    safe, naked = flags(16, 5, 6, 9, 10), flags(16, 5)
    assert independent_check(table, claim(safe)) == []
    (found,) = independent_check(table, claim(naked))
    assert (found.cell, found.claimed_safe, found.lower, found.upper) == (5, True, 1, 1)
    assert found.german("Nord, unter 6") == (
        "Nord, unter 6: gilt laut Nachweis als geschützt, der Angriff ergibt mindestens 1 und höchstens 1."
    )
    (found,) = independent_check(table, claim(safe, 5))
    assert not found.claimed_safe
    assert independent_check(table, claim(naked, 5)) == []
    assert independent_check(table, claim(naked), deadline=time.monotonic() - 1) == []


def test_independent_check_is_deterministic_and_takes_a_sample() -> None:
    table = town(blocks=12).table
    pattern = claim(table.is_primary.copy())
    first = independent_check(table, pattern, sample=15, seed=3)
    assert first == independent_check(table, pattern, sample=15, seed=3)
    assert 0 < len(first) <= 15
    assert first != independent_check(table, pattern, sample=15, seed=4)
    named = independent_check(table, pattern, primaries=np.array([first[0].cell]))
    assert [one.cell for one in named] == [first[0].cell]


def test_knowledge_rows_narrow_the_interval() -> None:
    """The number of households bounds the persons: at least two per household is what the attacker knows."""
    table = table_of([4, 6, 2, 3], [[0, 1], [2, 3], [0], [1], [2], [3]], primary=[2])
    at_least_two = csr_matrix([[1, 0, -2, 0], [0, 1, 0, -2]])
    knowledge = Knowledge(at_least_two, np.array([0, 0]), np.array([UNLIMITED, UNLIMITED]))
    hidden = flags(6, 2, 3)
    before = audit(table, hidden, integer=True)
    after = audit(replace(table, knowledge=knowledge), hidden, integer=True)
    assert (before.lower[0], before.upper[0]) == (0, 10)
    assert (after.lower[0], after.upper[0]) == (4, 4)
