"""Gauss elimination and hypercube: what they promise, what they do not, and the town that shows the difference."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orth

from disclosure.alternatives.breakdowns import breakdown_subtables, nested_families
from disclosure.alternatives.gauss import default_order, gauss
from disclosure.alternatives.hypercube import Dimension, hypercube, subtables
from disclosure.audit import audit
from disclosure.exact import optimum, secondary_cost
from disclosure.solver import SolverOptions, protect
from disclosure.table import Flags, Integers, LinkedTable
from tests.disclosure.small_tables import crossed, crossed_subtables, linked_tables, table_of
from tests.disclosure.town import Town, town


def in_the_span(table: LinkedTable, is_hidden: Flags) -> Integers:
    """Primaries that are linear combinations of what is published, by ranks of dense matrices."""
    told = table.knowledge.rows[table.knowledge.lower == table.knowledge.upper].toarray()
    published = np.vstack([table.membership[~is_hidden].toarray(), told]).astype(np.float64)
    # The part of a cell outside the row space is what the published ones leave open.
    _, sizes, basis = np.linalg.svd(published, full_matrices=False)
    basis = basis[sizes > 1e-8]
    cells = np.flatnonzero(table.is_primary & is_hidden)
    rows = table.membership[cells].toarray().astype(np.float64)
    left = rows - rows @ basis.T @ basis
    return np.asarray(cells[np.abs(left).max(axis=1, initial=0.0) < 1e-7], dtype=np.int64)


def subtables_of(place: Town) -> list[Integers]:
    """City with Sozialräume, city with districts, every Sozialraum with its blocks, every district with its blocks;
    each by age, sex and nationality with totals."""
    members = {
        label.area: frozenset(place.table.membership[n].indices.tolist())
        for n, label in enumerate(place.labels)
        if label.group == ("*", "*", "*")
    }
    level = {label.area: label.level for label in place.labels}
    areas = [
        [area for area in members if level[area] == kind]
        for kind in ("stadt", "sozialraum", "bezirk", "block")
    ]
    families = [[*areas[0], *areas[1]], [*areas[0], *areas[2]]]
    families += [
        [outer, *(b for b in areas[3] if members[b] <= members[outer])] for outer in (*areas[1], *areas[2])
    ]
    sizes = [{label.group[axis] for label in place.labels} for axis in range(3)]
    return subtables(
        [
            Dimension([label.area for label in place.labels], families),
            *(
                Dimension([label.group[axis] for label in place.labels], [sorted(sizes[axis])])
                for axis in range(3)
            ),
        ]
    )


@settings(max_examples=60, deadline=None)
@given(case=linked_tables(most_atoms=7))
def test_gauss_leaves_no_primary_in_the_span_and_hides_nothing_in_vain(
    case: tuple[LinkedTable, Flags],
) -> None:
    """Checked with ranks over the reals: no primary in the span, and with any secondary published one would be."""
    table, _ = case
    hidden = gauss(table)
    given_away = in_the_span(table, table.is_primary | np.ones(table.cells, dtype=np.bool_))
    assert in_the_span(table, hidden).tolist() == given_away.tolist()
    for cell in np.flatnonzero(hidden & ~table.is_primary):
        without = hidden.copy()
        without[cell] = False
        assert in_the_span(table, without).size > given_away.size


def test_gauss_order_is_largest_first_and_zeros_before_all() -> None:
    table = table_of([3, 0, 9, 5], [[0, 1, 2, 3], [0], [1], [2], [3]])
    assert default_order(table).tolist() == [2, 0, 3, 4, 1]
    assert default_order(table, zeros_first=False).tolist() == [0, 3, 4, 1, 2]


def test_gauss_trap() -> None:
    """The town: over the reals nothing is determined after Gauss elimination; whole and not negative, much is.

    Hundreds of primaries miss their range (a sample is attacked here), some have one possible value left. Under our
    pattern none does.
    """
    table = town(blocks=10, people_per_block=20).table
    hidden = gauss(table)
    assert in_the_span(table, hidden).size == 0
    sample = np.flatnonzero(table.is_primary)[::4]
    found = audit(table, hidden, sample, integer=True)
    assert found.disclosed.size > 0
    assert found.unsafe.size > 0.2 * sample.size
    ours = audit(table, protect(table).is_hidden, sample, integer=True)
    assert ours.disclosed.size == 0
    assert ours.unsafe.size == 0


@pytest.mark.thorough
def test_gauss_trap_in_the_whole_town() -> None:
    """3,240 figures, about 940 of them 1 or 2, as in the method paper: no primary depends linearly on what is
    published, and still who counts in whole numbers narrows many down. Under our pattern he narrows none."""
    table = town().table
    assert table.cells == 3240
    assert 880 <= int(table.is_primary.sum()) <= 980
    hidden = gauss(table)
    basis = orth(table.membership[~hidden].toarray().T.astype(np.float64))
    rows = table.membership[table.is_primary].toarray().astype(np.float64)
    assert np.abs(rows - (rows @ basis) @ basis.T).max(axis=1).min() > 1e-6
    sample = np.flatnonzero(table.is_primary)[::32]
    assert audit(table, hidden, sample, integer=True).unsafe.size >= sample.size // 4
    # Programs over the whole town would hide less and take two minutes.
    pattern = protect(table, SolverOptions(small=0))
    assert audit(table, pattern.is_hidden, sample, integer=True).is_safe.all()


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=3, max_size=4),
)
def test_hypercube_protects_a_single_table_where_it_says_so(values: list[list[int]]) -> None:
    """In one table without hierarchy a hypercube is a whole-number exchange: what it covers is safe by audit."""
    table = crossed(values)
    found = hypercube(table, crossed_subtables(len(values), 3))
    assert (table.is_primary & ~found.is_hidden).sum() == 0
    assert not found.is_unprotected[~table.is_primary].any()
    unsafe = audit(table, found.is_hidden, integer=True).unsafe
    assert set(unsafe.tolist()) <= set(np.flatnonzero(found.is_unprotected).tolist())


def test_hypercube_takes_the_cheapest_corners() -> None:
    """Against all rectangles one by one."""
    table = crossed(np.random.default_rng(2).integers(3, 20, (4, 5)).tolist(), threshold=4)
    one = np.zeros(table.cells, dtype=np.bool_)
    one[8] = True
    table = replace(table, is_primary=one, lower_goal=table.value - 3, upper_goal=table.value + 3)
    row, column, width = 1, 2, 6
    costs = {}
    for i, j in itertools.product(range(5), range(6)):
        if i == row or j == column:
            continue
        corners = [i * width + j, i * width + column, row * width + j]
        if min(table.value[corners]) >= 3:
            costs[tuple(sorted([8, *corners]))] = float(table.weight[corners].sum())
    best = min(costs, key=lambda corners: costs[corners])
    assert tuple(np.flatnonzero(hypercube(table, crossed_subtables(4, 5)).is_hidden).tolist()) == best


def test_hypercube_follows_secondaries_into_the_next_subtable() -> None:
    """Two Gemeinden with blocks: a hidden Gemeinde figure is covered among the blocks, and the other way round."""
    table = table_of(
        [1, 9, 8, 7, 6, 5],
        [list(range(6)), [0, 1], [2, 3], [4, 5], [0], [1], [2], [3], [4], [5]],
        primary=[4],
    )
    families = [["K", "A", "B", "C"], ["A", "a1", "a2"], ["B", "b1", "b2"], ["C", "c1", "c2"]]
    codes = ["K", "A", "B", "C", "a1", "a2", "b1", "b2", "c1", "c2"]
    hidden = hypercube(table, subtables([Dimension(codes, families)])).is_hidden
    assert np.flatnonzero(hidden).tolist() == [4, 5]
    known = replace(table, may_hide=np.arange(10) != 5)
    hidden = hypercube(known, subtables([Dimension(codes, families)])).is_hidden
    assert hidden[1]
    assert audit(known, hidden, integer=True).unsafe.size == 0


def test_all_methods_on_one_town() -> None:
    """Ours is safe and hides less than the hypercube; only the optimum on small tables is a bound below it."""
    place = town(blocks=6)
    table = place.table
    ours, cubes = protect(table).is_hidden, hypercube(table, subtables_of(place))
    assert (ours & ~table.is_primary).sum() < (cubes.is_hidden & ~table.is_primary).sum()


def test_gauss_may_be_cheaper_than_the_optimum_because_it_promises_less() -> None:
    found = 0
    for seed in range(3):
        table = crossed(np.random.default_rng(seed).poisson(2, (4, 4)).tolist())
        best = optimum(table)
        cheap = gauss(table)
        if secondary_cost(table, cheap) < best.cost - 1e-9:
            found += 1
            assert audit(table, cheap, integer=True).unsafe.size > 0
    assert found


def test_two_narrow_hypercubes_do_what_one_cannot() -> None:
    """A 1 among ones has to reach 3: every rectangle moves it by one, two of them by two."""
    table = crossed([[1, 1, 1], [1, 1, 1], [1, 1, 1]])
    inner = np.zeros((4, 4), dtype=np.bool_)
    inner[1:, 1:] = True
    table = replace(table, is_primary=np.arange(16) == 5, may_hide=inner.ravel())
    found = hypercube(table, crossed_subtables(3, 3))
    assert not found.is_unprotected.any()
    assert np.flatnonzero(found.is_hidden).size == 7
    assert audit(table, found.is_hidden, integer=True).unsafe.size == 0


def test_subtables_of_keyed_figures() -> None:
    """Area system, two breakdowns with their cross table, and a part of the whole: what is complete is found."""
    areas = {
        "k": frozenset("abc"),
        "g1": frozenset("ab"),
        "g2": frozenset("c"),
        "a": frozenset("a"),
        "b": frozenset("b"),
    }
    families = nested_families(areas)
    assert families == [["k", "g1", "g2"], ["g1", "a", "b"]]
    groups = ["total", "age=0-17", "age=18+", "sex=f", "sex=m", "age=0-17;sex=f", "age=18+;sex=f"]
    keys = [("all", area, group) for area in areas for group in groups]
    keys += [(measure, area, "total") for measure in ("part", "part~rest") for area in areas]
    measures, places, parts = zip(*keys, strict=True)
    found = breakdown_subtables(measures, places, parts, families, [["all", "part", "part~rest"]])
    shapes = sorted(table.shape for table in found)
    assert shapes.count((1, 3, 3, 3)) == 2
    assert shapes.count((1, 3)) == 4
    assert shapes.count((3, 3, 3, 3)) == 2
    whole = next(table for table in found if table.shape == (1, 3, 3, 3) and table.ravel()[0] == 0)
    assert [keys[cell][1:] for cell in whole[0, :, 0, 0]] == [
        ("k", "total"),
        ("g1", "total"),
        ("g2", "total"),
    ]
    assert (whole == -1).sum() == 3 * 2  # sex=m is not crossed with age
