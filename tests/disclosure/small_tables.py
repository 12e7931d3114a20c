"""Small tables for the tests of this room: built from cells, and solved by counting every world one by one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from disclosure.alternatives.hypercube import Dimension, subtables
from disclosure.audit import audit
from disclosure.table import UNLIMITED, Flags, Integers, Knowledge, LinkedTable


def table_of(
    base: Sequence[int],
    cells: Sequence[Sequence[int]],
    *,
    threshold: int = 3,
    primary: Sequence[int] | None = None,
    goals: tuple[Sequence[int], Sequence[int]] | None = None,
    ceiling: int | None = None,
    weight: Sequence[float] | None = None,
    knowledge: Knowledge | None = None,
    name: str = "t",
) -> LinkedTable:
    """`cells`: atoms of each cell. Primaries are the cells from 1 to threshold - 1 unless named."""
    values = np.array([sum(base[atom] for atom in cell) for cell in cells], dtype=np.int64)
    rows = [number for number, cell in enumerate(cells) for _ in cell]
    columns = [atom for cell in cells for atom in cell]
    is_primary = (values > 0) & (values < threshold)
    if primary is not None:
        is_primary = np.isin(np.arange(len(cells)), primary)
    low, high = np.zeros_like(values), np.full_like(values, threshold)
    if goals is not None:
        low, high = np.array(goals[0], dtype=np.int64), np.array(goals[1], dtype=np.int64)
    return LinkedTable(
        name=name,
        base=np.array(base, dtype=np.int64),
        ceiling=np.full(len(base), UNLIMITED if ceiling is None else ceiling, dtype=np.int64),
        membership=csr_matrix(
            (np.ones(len(rows), dtype=np.int64), (rows, columns)), shape=(len(cells), len(base))
        ),
        is_primary=is_primary,
        lower_goal=low,
        upper_goal=high,
        may_hide=np.ones(len(cells), dtype=np.bool_),
        may_publish=np.ones(len(cells), dtype=np.bool_),
        weight=np.asarray(np.log1p(values) + 1 if weight is None else weight, dtype=np.float64),
        knowledge=knowledge or Knowledge.nothing(len(base)),
    )


def crossed(matrix: Sequence[Sequence[int]], threshold: int = 3) -> LinkedTable:
    """A two-way table with totals. Cells row by row, totals first: cell (i, j) has number i * (columns + 1) + j."""
    height, width = len(matrix), len(matrix[0])
    atom = np.arange(height * width).reshape(height, width)
    rows: list[list[int]] = [list(range(height)), *([i] for i in range(height))]
    columns: list[list[int]] = [list(range(width)), *([j] for j in range(width))]
    cells = [atom[np.ix_(i, j)].ravel().tolist() for i in rows for j in columns]
    return table_of([value for row in matrix for value in row], cells, threshold=threshold)


def worlds(table: LinkedTable, is_hidden: Flags) -> Integers:
    """Every world that agrees with everything known: worlds x atoms. The grand total has to be published."""
    known = ~is_hidden | ~table.may_hide
    assert (known & (np.asarray(table.membership.sum(axis=1)).ravel() == table.atoms)).any()
    every = compositions(int(table.base.sum()), table.atoms)
    told = every @ table.knowledge.rows.T.toarray()
    good = (every @ table.membership[known].T.toarray() == table.value[known]).all(axis=1)
    good &= (told >= table.knowledge.lower).all(axis=1) & (told <= table.knowledge.upper).all(axis=1)
    good &= (every <= table.ceiling).all(axis=1)
    return np.asarray(every[good], dtype=np.int64)


def compositions(total: int, parts: int) -> Integers:
    """All ways to write a total as an ordered sum of whole numbers from 0: ways x parts."""
    bars = np.array(list(itertools.combinations(range(total + parts - 1), parts - 1)), dtype=np.int64)
    bars = bars.reshape(-1, parts - 1)
    edge = np.full((len(bars), 1), -1)
    return np.diff(np.hstack([edge, bars, np.full_like(edge, total + parts - 1)]), axis=1) - 1


def with_cells(table: LinkedTable, sets: Sequence[Sequence[int]], threshold: int = 3) -> LinkedTable:
    """The table with further cells, given by their atoms."""
    both = [row.tolist() for row in np.split(table.membership.indices, table.membership.indptr[1:-1])]
    return table_of(
        table.base.tolist(), [*both, *map(list, sets)], threshold=threshold, knowledge=table.knowledge
    )


def witnessed(table: LinkedTable, is_hidden: Flags) -> tuple[bool, bool]:
    """Does the outsider's promise hold, once over the reals and once over the integers?"""
    real, whole = (audit(table, is_hidden, integer=integer) for integer in (False, True))
    return bool(real.is_safe.all()), bool(whole.is_safe.all())


@st.composite
def linked_tables(draw: st.DrawFn, most_atoms: int = 6, most_value: int = 3) -> tuple[LinkedTable, Flags]:
    """A table with any sets of atoms as cells, some knowledge, and a pattern. The last cell is the published total."""
    size = draw(st.integers(2, most_atoms))
    base = draw(st.lists(st.integers(0, most_value), min_size=size, max_size=size))
    sets = st.sets(st.integers(0, size - 1), min_size=1, max_size=size).map(sorted)
    cells = [*draw(st.lists(sets, min_size=2, max_size=8)), list(range(size))]
    hidden = draw(st.lists(st.booleans(), min_size=len(cells) - 1, max_size=len(cells) - 1))
    coefficients = draw(
        st.lists(st.lists(st.integers(-2, 2), min_size=size, max_size=size), min_size=0, max_size=2)
    )
    rows = csr_matrix(np.array(coefficients, dtype=np.int64).reshape(len(coefficients), size))
    told = np.asarray(rows @ np.array(base, dtype=np.int64), dtype=np.int64)
    width = draw(st.integers(0, 2))
    knowledge = Knowledge(rows, told - width, told + draw(st.integers(0, 2)))
    ceiling = draw(st.one_of(st.none(), st.integers(most_value, most_value + 2)))
    table = table_of(base, cells, ceiling=ceiling, knowledge=knowledge)
    return table, np.array([*hidden, False], dtype=np.bool_)


def crossed_subtables(height: int, width: int) -> list[Integers]:
    """Subtables of `crossed`: the one table there is."""
    codes = [(f"r{i}", f"c{j}") for i in range(height + 1) for j in range(width + 1)]
    return subtables(
        [
            Dimension([row for row, _ in codes], [[f"r{i}" for i in range(height + 1)]]),
            Dimension([column for _, column in codes], [[f"c{j}" for j in range(width + 1)]]),
        ]
    )
