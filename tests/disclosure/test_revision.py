"""What was released before is known for good: sequences of releases, revisions, other boundaries, stricter rules.

The pattern of every release is attacked with everything ever shown, by the code of the audit.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disclosure.audit import Audit, audit
from disclosure.revision import (
    decided,
    joined,
    largest_change,
    late_primaries,
    new_part,
    released_range,
    still_publishable,
    with_released,
)
from disclosure.solver import protect
from disclosure.table import Flags, Integers, LinkedTable, Pattern
from tests.disclosure.town import count_table, cube

LEAVES, AGES = 8, 3


def _world(seed: int) -> Integers:
    return np.random.default_rng(seed).poisson(4.0, (LEAVES, AGES)).astype(np.int64)


def _table(counts: Integers, parts: int = 3, threshold: int = 3, shift: int = 0) -> LinkedTable:
    """Leaves x ages with all margins: Kreis, `parts` Gemeinden and the leaves, which are published too."""
    leaves = np.roll(np.arange(LEAVES), shift)
    areas = [("stadt", "K", list(range(LEAVES)))]
    areas += [("sozialraum", f"G{i}", list(part)) for i, part in enumerate(np.array_split(leaves, parts))]
    areas += [("block", f"b{i}", [i]) for i in range(LEAVES)]
    return cube("kreis", counts, areas, threshold=threshold).table


def _attack(table: LinkedTable, is_hidden: Flags, cells: Flags | None = None) -> Audit:
    wanted = table.is_primary if cells is None else cells
    return audit(table, is_hidden, np.flatnonzero(wanted), integer=True)


class Ledger:
    """Every value ever shown, by position of the cell."""

    def __init__(self) -> None:
        self.cell: list[int] = []
        self.value: list[int] = []

    def add(self, table: LinkedTable, pattern: Pattern) -> None:
        shown = np.flatnonzero(~pattern.is_hidden)
        self.cell += shown.tolist()
        self.value += table.value[shown].tolist()

    def knows(self, table: LinkedTable, tolerance: int = 1) -> LinkedTable:
        if not self.cell:
            return table
        cell = np.array(self.cell)
        low, high = released_range(np.array(self.value), cell, table.value, np.full(table.cells, tolerance))
        known = np.unique(cell)
        return with_released(table, known, low[known], high[known])


def _one_moves(counts: Integers, random: np.random.Generator) -> Integers:
    """One person more or fewer in one leaf: the smallest revision there is."""
    moved = counts.copy()
    leaf, age = random.integers(LEAVES), random.integers(AGES)
    moved[leaf, age] += 1 if moved[leaf, age] == 0 else random.choice([-1, 1])
    return moved


@pytest.mark.parametrize("seed", range(4))
def test_a_sequence_of_one_person_revisions_gives_nothing_away(seed: int) -> None:
    random = np.random.default_rng(seed)
    counts, ledger, unsafe = _world(seed), Ledger(), 0
    for _ in range(4):
        table = ledger.knows(_table(counts))
        pattern = protect(table)
        assert not (pattern.is_hidden & ~table.may_hide & ~table.is_primary).any()
        found = _attack(table, pattern.is_hidden, table.is_primary & ~pattern.is_unsafe)
        assert found.is_safe.all()
        unsafe += int(pattern.is_unsafe.sum())
        ledger.add(table, pattern)
        counts = _one_moves(counts, random)
    # A cell that a revision has made small is lost for one release, nothing else.
    assert unsafe <= 8


def test_without_memory_revisions_do_give_cells_away() -> None:
    """The test above has teeth: releases judged alone fail the same attack."""
    lost = 0
    for seed in range(4):
        random = np.random.default_rng(seed)
        counts, ledger = random.poisson(2.0, (LEAVES, AGES)).astype(np.int64), Ledger()
        for _ in range(3):
            table = _table(counts)
            pattern = protect(table)
            known = ledger.knows(table)
            hidden = pattern.is_hidden & known.may_hide
            lost += int((~_attack(known, hidden, known.is_primary & hidden).is_safe).sum())
            ledger.add(table, pattern)
            for _ in range(4):
                counts = _one_moves(counts, random)
    assert lost > 0


def test_a_late_primary_is_reported_and_blocks_nothing_else() -> None:
    """Threshold 3 yesterday, 5 today: what yesterday showed cannot be called back."""
    counts = _world(3)
    first = _table(counts)
    shown = protect(first)
    ledger = Ledger()
    ledger.add(first, shown)
    today = ledger.knows(_table(counts, threshold=5))
    late = late_primaries(today)
    assert late.any()
    assert (late == (today.is_primary & ~shown.is_hidden)).all()
    pattern = protect(today)
    assert (pattern.is_hidden & pattern.is_unsafe)[late].all()
    others = today.is_primary & ~pattern.is_unsafe
    assert others.any() and _attack(today, pattern.is_hidden & today.may_hide, others).is_safe.all()
    # Everything that was shown and is no primary today goes on being shown.
    assert not pattern.is_hidden[~shown.is_hidden & ~today.is_primary].any()


def test_a_known_range_can_make_a_primary_late() -> None:
    """Seven yesterday, two today, and nobody believes in a change of more than six: zero is out of reach."""
    table = _table(np.full((LEAVES, AGES), 2, dtype=np.int64))
    cell = int(np.flatnonzero(table.is_primary)[0])
    told = with_released(table, np.array([cell]), np.array([1]), np.array([13]))
    assert np.flatnonzero(late_primaries(told)).tolist() == [cell]
    wide = with_released(table, np.array([cell]), np.array([0]), np.array([13]))
    assert not late_primaries(wide).any()
    assert protect(told).is_unsafe[cell]
    assert not protect(wide).is_unsafe[cell]


def test_false_knowledge_is_refused() -> None:
    table = _table(_world(1))
    with pytest.raises(ValueError, match="contradicts"):
        with_released(table, np.array([0]), table.value[:1] + 1, table.value[:1] + 2)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 30)), max_size=12),
    st.integers(0, 5),
)
def test_a_range_holds_the_truth_and_is_a_point_where_the_truth_is_out(
    today: list[int], released: list[tuple[int, int]], tolerance: int
) -> None:
    value = np.array(today, dtype=np.int64)
    rows = [(cell, old) for cell, old in released if cell < value.size]
    cell = np.array([row[0] for row in rows], dtype=np.int64)
    old = np.array([row[1] for row in rows], dtype=np.int64)
    low, high = released_range(old, cell, value, np.full(value.size, tolerance))
    assert ((low <= value) & (value <= high)).all()
    for position, number in enumerate(today):
        versions = [before for where, before in rows if where == position]
        if number in versions:
            assert low[position] == high[position] == number
        elif not versions:
            assert high[position] == np.iinfo(np.int64).max


def _sides(seed: int) -> tuple[LinkedTable, LinkedTable]:
    """Yesterday's table as history and today's, one person apart."""
    counts = _world(seed)
    before = _table(counts)
    return decided(before, protect(before)), _table(_one_moves(counts, np.random.default_rng(seed)))


@pytest.mark.parametrize("seed", range(3))
def test_both_worlds_of_a_revision_stay_protected(seed: int) -> None:
    old, new = _sides(seed)
    both = joined(old, new)
    both.check()
    pattern = protect(both)
    assert (pattern.is_hidden[: old.cells] == old.may_hide).all()
    assert _attack(both, pattern.is_hidden, both.is_primary & ~pattern.is_unsafe).is_safe.all()
    hidden, unsafe = new_part(old, pattern)
    assert hidden.size == unsafe.size == new.cells and not unsafe[~new.is_primary].any()


def test_the_new_figures_alone_would_open_the_old_world() -> None:
    lost = 0
    for seed in range(6):
        old, new = _sides(seed)
        both = joined(old, new)
        hidden = np.concatenate([old.may_hide, protect(new).is_hidden])
        primaries = both.is_primary.copy()
        primaries[old.cells :] = False
        lost += int((~_attack(both, hidden, primaries).is_safe).sum())
    assert lost > 0


def _lost_of_the_old_world(seed: int, *, is_frozen: bool) -> int:
    """Old primaries that fall when one person moves and the new table is decided with what the ledger knows."""
    random = np.random.default_rng(seed)
    counts = random.poisson(4.0, (LEAVES, AGES)).astype(np.int64)
    before, ledger = _table(counts), Ledger()
    shown = protect(before)
    ledger.add(before, shown)
    new = _table(_one_moves(counts, random))
    if is_frozen:
        allowed = still_publishable(new.may_publish, shown.is_hidden, np.array([3]), np.array([5]))
        new = replace(new, may_publish=allowed)
    new = ledger.knows(new)
    old = decided(before, shown)
    both = joined(old, new, tolerance=1)
    hidden = np.concatenate([shown.is_hidden, protect(new).is_hidden & new.may_hide])
    primaries = both.is_primary.copy()
    primaries[old.cells :] = False
    return int((~_attack(both, hidden, primaries).is_safe).sum())


def test_what_was_hidden_stays_hidden_in_a_revised_table() -> None:
    """What the night does instead of keeping every old world: without it old primaries fall, with it none does."""
    seeds = range(10)
    assert sum(_lost_of_the_old_world(seed, is_frozen=False) for seed in seeds) > 0
    assert sum(_lost_of_the_old_world(seed, is_frozen=True) for seed in seeds) == 0


def test_without_a_revision_nothing_is_frozen() -> None:
    may, hidden = np.array([True, True, False]), np.array([True, False, True])
    point, none = np.array([4]), np.array([], dtype=np.int64)
    assert still_publishable(may, hidden, point, point).tolist() == [True, True, False]
    assert still_publishable(may, hidden, none, none).tolist() == [True, True, False]
    assert still_publishable(may, hidden, point, point + 1).tolist() == [False, True, False]


def test_tolerance_zero_means_one_world() -> None:
    """Same figures, another pattern: the two-sided system says what one world with both patterns says."""
    counts = _world(5)
    first, second = _table(counts), _table(counts, threshold=5)
    shown = protect(first)
    both = joined(decided(first, shown), second, tolerance=0)
    hidden = np.ones(second.cells, dtype=np.bool_)
    hidden[::2] = False
    cells = np.flatnonzero(second.is_primary)
    two = audit(both, np.concatenate([shown.is_hidden, hidden]), cells + first.cells, integer=True)
    one = audit(second, hidden & shown.is_hidden, cells, integer=True)
    # A cell one of the two patterns shows is a point on both sides.
    assert (two.lower == one.lower).all() and (two.upper == one.upper).all()


def test_a_change_beyond_the_tolerance_is_refused() -> None:
    counts = _world(1)
    changed = counts.copy()
    changed[0, 0] += 5
    old, new = _table(counts), _table(changed)
    assert largest_change(old, new) == 5
    assert largest_change(old, old) == 1
    joined(old, new).check()
    with pytest.raises(ValueError, match="tolerance"):
        joined(old, new, tolerance=4)


def test_areas_without_counterpart_tell_nothing_about_each_other() -> None:
    old, new = _table(_world(1)), _table(_world(2))
    both = joined(old, new, pairs=np.empty((0, 2), dtype=np.int64))
    assert both.knowledge.lower.size == 0
    with pytest.raises(ValueError, match="belong together"):
        joined(old, replace(_table(_world(2)), base=np.zeros(3, dtype=np.int64)))


def _reform(counts: Integers, first: Pattern | None = None) -> LinkedTable:
    """One table over the leaves with the Gemeinden of before and after a reform that moved one border.

    The last Gemeinde is the same area before and after: two cells, one set.
    """
    before, after = [[0, 1, 2], [3, 4], [5, 6, 7]], [[0, 1], [2, 3, 4], [5, 6, 7]]
    areas = [("stadt", "K", list(range(LEAVES)))]
    areas += [("sozialraum", f"alt{i}", part) for i, part in enumerate(before)]
    areas += [("sozialraum", f"neu{i}", part) for i, part in enumerate(after)]
    table = cube("reform", counts, areas).table
    if first is None:
        return table
    per_area = table.cells // 7
    old = np.arange(table.cells) < 4 * per_area
    return replace(
        table,
        may_hide=~old | first.is_hidden,
        may_publish=~old | ~first.is_hidden,
        is_primary=table.is_primary & ~first.is_unsafe,
    )


def _before_reform(counts: Integers) -> Pattern:
    table = _reform(counts)
    old = np.arange(table.cells) < 4 * (table.cells // 7)
    return protect(replace(table, may_publish=old, is_primary=table.is_primary & old))


@pytest.mark.parametrize("seed", range(3))
def test_old_and_new_boundaries_are_one_system(seed: int) -> None:
    counts = np.random.default_rng(seed).poisson(1.5, (LEAVES, AGES)).astype(np.int64)
    first = _before_reform(counts)
    table = _reform(counts, first)
    pattern = protect(table)
    found = _attack(table, pattern.is_hidden, table.is_primary & ~pattern.is_unsafe)
    assert found.is_safe.all()
    # The unchanged Gemeinde: what was shown of it before is known under its new name too.
    per_area = table.cells // 7
    old, new = slice(3 * per_area, 4 * per_area), slice(6 * per_area, 7 * per_area)
    assert (table.membership[old] != table.membership[new]).nnz == 0
    shown_before = ~first.is_hidden[old] & table.is_primary[new]
    assert pattern.is_unsafe[new][shown_before].all()


def test_new_boundaries_judged_alone_give_the_moved_border_away() -> None:
    lost = 0
    for seed in range(6):
        counts = np.random.default_rng(seed).poisson(1.5, (LEAVES, AGES)).astype(np.int64)
        first = _before_reform(counts)
        table = _reform(counts)
        old = np.arange(table.cells) < 4 * (table.cells // 7)
        alone = protect(replace(table, may_publish=~old, is_primary=table.is_primary & ~old))
        hidden = np.where(old, first.is_hidden, alone.is_hidden)
        lost += int((~_attack(table, hidden, table.is_primary & hidden).is_safe).sum())
    assert lost > 0


def test_the_difference_of_two_releases_is_one_leaf() -> None:
    """Gemeinde total released without and with one leaf: the leaf is the difference, and it has two persons."""
    counts = np.array([40, 30, 2], dtype=np.int64)
    membership = np.array([[1, 1, 0], [1, 1, 1], [0, 0, 1]])
    table = count_table("differencing", counts, membership)
    told = with_released(table, np.array([0]), np.array([70]), np.array([70]))
    pattern = protect(told)
    assert pattern.is_hidden.tolist() == [False, True, True]
    assert _attack(told, pattern.is_hidden).is_safe.all()
    both = with_released(table, np.array([0, 1]), np.array([70, 72]), np.array([70, 72]))
    assert protect(both).is_unsafe.tolist() == [False, False, True]
