"""Suppression by linear independence, after Langsrud's GaussSuppression (Statistics Norway).

Sources: manual of the R packages SSBtools (`GaussSuppression`) and GaussSuppression (`CandidatesDefault`,
`PrimaryDefault`); Langsrud 2024, doi:10.1007/978-3-031-69651-0_6. Own implementation.

Candidates for publication are taken one by one, the most important first. One that would put a primary cell into the
span of what is published is suppressed, every other is published. The result is exact over the reals without limits;
that counts are whole and not negative is not seen, which is the trap this yardstick is kept for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, vstack

from disclosure.table import Flags, Integers, LinkedTable

_PRIME = 2_147_483_647
"""Elimination modulo 2^31 - 1 is exact and fits 64 bits. A rank lost modulo a prime of this size is not met in practice
(it takes a subdeterminant divisible by it); this method carries no proof anyway."""

_PROJECTIONS = 2


def default_order(table: LinkedTable, *, zeros_first: bool = True) -> Integers:
    """Cells in the order they are tried: largest value first; of equal ones the one in the larger neighbourhood.

    The neighbourhood of a cell is (value + 1) summed up over all cells that hold one of its atoms, atom by atom, as
    `CandidatesDefault` does; then by number. `zeros_first`: published zeros come before everything, so that none is
    suppressed.
    """
    value = table.value.astype(np.float64)
    around = table.membership @ (table.membership.T @ (value + 1))
    rank = np.where(value == 0, np.inf, value) if zeros_first else value
    return np.asarray(np.lexsort((np.arange(table.cells), -around, -rank)), dtype=np.int64)


def gauss(table: LinkedTable, order: Integers | None = None, *, zeros_first: bool = True) -> Flags:
    """Pattern in which no primary depends linearly on what is published: True is hidden.

    Equations of the knowledge (links) count as published, inequalities cannot be seen by this method. `order`: all
    cells by importance (`default_order` otherwise). A primary that known cells give away stays hidden and exposed.
    """
    order = default_order(table, zeros_first=zeros_first) if order is None else order
    is_hidden = table.is_primary | ~table.may_publish
    known = order[~table.may_hide[order]]
    candidates = order[table.may_hide[order] & ~is_hidden[order]]
    primaries = np.flatnonzero(table.is_primary & table.may_hide)
    equations = table.knowledge.lower == table.knowledge.upper
    rows = vstack(
        [
            table.knowledge.rows[np.flatnonzero(equations)],
            table.membership[known],
            table.membership[candidates],
            table.membership[primaries],
        ],
        format="csc",
    )
    given = int(equations.sum()) + known.size
    work = _Elimination(rows[:, _distinct(rows)], primaries.size)
    for number in range(given):
        work.publish(number)
    for number, cell in enumerate(candidates, start=given):
        if work.gives_away(number):
            is_hidden[cell] = True
        else:
            work.publish(number)
    return is_hidden & table.may_hide


def _distinct(rows: csc_matrix) -> NDArray[np.int64]:
    """Atoms with equal columns carry the same information once."""
    draw = np.random.default_rng(2024).integers(1, 2**62, size=rows.shape[0], dtype=np.int64)
    _, first = np.unique(rows.T @ draw, return_index=True)
    return np.sort(first)


class _Elimination:
    """Rows that shrink as published ones are eliminated; the last `primaries` rows are the protected cells.

    Two random projections ride along as extra columns: two rows are multiples of each other when these agree.
    Dense, 4 bytes per cell and distinct atom: for tables of up to some 20,000 cells.
    """

    def __init__(self, rows: csc_matrix, primaries: int) -> None:
        count, self.width = rows.shape
        # Coefficients are small and the draws below 2^31: the sums of a row stay far below 2^63.
        draw = np.random.default_rng(631).integers(1, _PRIME, size=(self.width, _PROJECTIONS), dtype=np.int64)
        self.rows = np.zeros((count, self.width + _PROJECTIONS), dtype=np.int32)
        entries = rows.tocoo()
        self.rows[entries.row, entries.col] = entries.data % _PRIME
        self.rows[:, self.width :] = (rows @ draw) % _PRIME
        self.rarity = np.diff(rows.indptr)
        self.first_primary = count - primaries

    def gives_away(self, number: int) -> bool:
        """Is some primary a multiple of this row, given what is eliminated already?"""
        row = self.rows[number].astype(np.int64)
        filled = np.flatnonzero(row[: self.width])
        if not filled.size:
            return False
        lead = filled[0]
        protected = self.rows[self.first_primary :]
        near = np.flatnonzero(protected[:, lead])
        ratio = protected[near, lead].astype(np.int64) * pow(int(row[lead]), -1, _PRIME) % _PRIME
        same = (protected[near, self.width :] - ratio[:, None] * row[self.width :]) % _PRIME == 0
        return bool(same.all(axis=1).any())

    def publish(self, number: int) -> None:
        """Eliminates the row from all later ones; nothing happens when it depends on earlier ones."""
        row = self.rows[number].astype(np.int64)
        filled = np.flatnonzero(row[: self.width])
        if not filled.size:
            return
        later = self.rows[number + 1 :]
        # An atom of few cells keeps the rest sparse.
        pivot = filled[np.argmin(self.rarity[filled])]
        touched = np.flatnonzero(later[:, pivot])
        if not touched.size:
            return
        factor = later[touched, pivot].astype(np.int64) * pow(int(row[pivot]), -1, _PRIME) % _PRIME
        columns = np.append(filled, np.arange(self.width, self.width + _PROJECTIONS))
        for some in np.array_split(touched, 1 + touched.size * columns.size // 4_000_000):
            block = np.ix_(some, columns)
            part = factor[np.searchsorted(touched, some)]
            later[block] = (later[block] - part[:, None] * row[columns]) % _PRIME
