"""Merging atoms and cells, and the way back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from disclosure.collapse import collapse
from disclosure.table import UNLIMITED, Knowledge, Witnesses
from tests.disclosure.town import count_table


def test_atoms_nobody_tells_apart_become_one() -> None:
    table = count_table("c", np.array([1, 2, 4, 8]), csr_matrix([[1, 1, 0, 0], [1, 1, 1, 1]]))
    small = collapse(table)
    assert small.table.atoms == 2
    assert small.atom[0] == small.atom[1] != small.atom[2] == small.atom[3]
    assert (small.table.value[small.cell] == table.value).all()


def test_knowledge_keeps_atoms_apart() -> None:
    rows = csr_matrix([[1, 0, 0, 0]], dtype=np.int64)
    known = Knowledge(rows, np.array([0]), np.array([3]))
    table = count_table(
        "c", np.array([1, 2, 4, 8]), csr_matrix([[1, 1, 0, 0], [1, 1, 1, 1]]), knowledge=known
    )
    assert collapse(table).table.atoms == 3


def test_equal_cells_take_the_strictest_of_everything() -> None:
    membership = csr_matrix([[1, 1], [1, 1], [1, 0]])
    table = count_table("c", np.array([3, 4]), membership)
    table = replace(
        table,
        is_primary=np.array([True, True, False]),
        lower_goal=np.array([2, 0, 0]),
        upper_goal=np.array([9, 8, 0]),
        may_hide=np.array([True, True, True]),
        may_publish=np.array([False, True, True]),
        weight=np.array([1.0, 5.0, 1.0]),
    )
    small = collapse(table)
    both = small.cell[0]
    assert small.cell[1] == both
    assert small.table.cells == 2
    assert (small.table.lower_goal[both], small.table.upper_goal[both]) == (0, 9)
    assert small.table.may_publish[both]
    assert small.table.may_hide[both]
    assert small.table.weight[both] == 5.0
    known = collapse(
        replace(table, may_hide=np.array([True, False, True]), may_publish=np.ones(3, dtype=bool))
    )
    assert not known.table.may_hide[known.cell[0]]


def test_ceilings_add_up_without_overflow() -> None:
    table = count_table("c", np.array([1, 2]), csr_matrix([[1, 1]]), ceiling=np.array([5, UNLIMITED]))
    assert collapse(table).table.ceiling.tolist() == [UNLIMITED]
    table = count_table("c", np.array([1, 2]), csr_matrix([[1, 1]]), ceiling=np.array([5, 6]))
    assert collapse(table).table.ceiling.tolist() == [11]


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_change_of_the_sum_is_shared_within_the_bounds(data: st.DataObject) -> None:
    base = np.array(data.draw(st.lists(st.integers(0, 4), min_size=2, max_size=6)))
    room = data.draw(st.lists(st.integers(0, 3), min_size=base.size, max_size=base.size))
    ceiling = base + np.array(room)
    table = count_table("c", base, csr_matrix(np.ones((1, base.size))), ceiling=ceiling)
    small = collapse(table)
    change = data.draw(st.integers(-int(base.sum()), int((ceiling - base).sum())))
    if change == 0:
        return
    one = np.zeros(1, dtype=np.int32)
    spread = small.spread(table, Witnesses(one, one, np.array([change])))
    after = base + np.asarray(spread.matrix(base.size).toarray()).ravel()
    assert after.sum() == base.sum() + change
    assert (after >= 0).all()
    assert (after <= ceiling).all()
