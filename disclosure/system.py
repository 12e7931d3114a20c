"""The attacker's system: everything he knows as `lower <= rows @ y <= upper`, made small without losing a solution.

Belongs here: building and reducing the system, splitting it into independent parts. Does not belong here: what is asked
of it (`audit`, `disproof`), patterns and how they are found (`solver`, `exact`, `alternatives`).

Every step keeps the set of feasible worlds: atoms with equal columns are one variable, a bound that closes fixes its
atom (a published zero fixes everything below it), a published sum inside another one is subtracted from it. What is
left falls apart into components that share no row, so that an interval over all is the sum of intervals over the parts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from scipy.sparse.csgraph import connected_components

from disclosure.table import UNLIMITED, Flags, Integers, LinkedTable

Floats = NDArray[np.float64]

_ROUNDS = 50
"""Bound propagation stops here at the latest: with coefficients beyond 1 it may creep. Stopping costs time only."""


@dataclass(frozen=True)
class System:
    """`lower <= rows @ y <= upper` and `floor <= y <= ceiling`; open ends are infinite, everything else is whole.

    Floats hold the numbers because of the infinite ends; whole numbers up to 2**53 are exact in them.
    """

    rows: csr_matrix
    lower: Floats
    upper: Floats
    floor: Floats
    ceiling: Floats
    start: Integers
    """A world that solves the system: the base world."""

    @property
    def is_fixed(self) -> Flags:
        return np.asarray(self.floor == self.ceiling)


def known_cells(table: LinkedTable, is_hidden: Flags) -> Flags:
    """Cells whose value the attacker reads: published ones and those he knows whatever is decided."""
    return np.asarray(~is_hidden | ~table.may_hide)


def attacker_system(table: LinkedTable, is_hidden: Flags) -> System:
    """Published cells and knowledge rows as one system. Raises ValueError where the table contradicts itself."""
    table.check()
    known = known_cells(table, is_hidden)
    value = table.value[known].astype(np.float64)
    rows = vstack([table.membership[known], table.knowledge.rows], format="csr").astype(np.float64)
    rows.eliminate_zeros()
    return System(
        rows=rows,
        lower=np.concatenate([value, _ends(table.knowledge.lower)]),
        upper=np.concatenate([value, _ends(table.knowledge.upper)]),
        floor=np.zeros(table.atoms),
        ceiling=_ends(table.ceiling),
        start=table.base,
    )


def _ends(numbers: Integers) -> Floats:
    ends = numbers.astype(np.float64)
    ends[numbers == UNLIMITED] = np.inf
    ends[numbers == -UNLIMITED] = -np.inf
    return ends


def collapse(system: System, targets: csr_matrix) -> tuple[System, csr_matrix]:
    """Atoms with equal columns in rows and targets become one. Returns the smaller system and the smaller targets.

    Columns are compared by two random 62-bit sums, drawn from a fixed seed.
    """
    both = vstack([system.rows, targets], format="csr")
    draw = np.random.default_rng(20_010_701).integers(1, 2**62, size=(both.shape[0], 2), dtype=np.int64)
    entries = both.tocoo()
    keys = np.zeros((both.shape[1], 2), dtype=np.int64)
    # Sums wrap around at 64 bits; equality of the wrapped sums is what counts.
    np.add.at(keys, entries.col, entries.data.astype(np.int64)[:, None] * draw[entries.row])
    _, first, group = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    group = np.asarray(group).ravel()
    merged = System(
        rows=system.rows[:, first],
        lower=system.lower,
        upper=system.upper,
        floor=np.bincount(group, weights=system.floor).astype(np.float64),
        ceiling=np.bincount(group, weights=system.ceiling).astype(np.float64),
        start=np.bincount(group, weights=system.start).astype(np.int64),
    )
    return merged, targets[:, first]


def reduce(system: System, *, integer: bool) -> System:
    """The same worlds with fewer rows and, where bounds close, fixed atoms.

    `integer`: bounds may be rounded inwards; otherwise they are rounded outwards and used for fixing only.
    """
    while True:
        system = _propagate(system, integer=integer)
        smaller = _subtract_contained(_drop_settled(system))
        if smaller.rows.shape == system.rows.shape and smaller.rows.nnz == system.rows.nnz:
            return smaller
        system = smaller


def _propagate(system: System, *, integer: bool) -> System:
    """Bounds of atoms from bounds of rows, until nothing moves."""
    entries = system.rows.tocoo()
    row, column, factor = entries.row, entries.col, entries.data
    floor, ceiling = system.floor.copy(), system.ceiling.copy()
    inwards = 1e-9 if integer else -1e-9
    for _ in range(_ROUNDS):
        least = factor * np.where(factor > 0, floor[column], ceiling[column])
        most = factor * np.where(factor > 0, ceiling[column], floor[column])
        rest_least = _without_self(least, row, system.rows.shape[0])
        rest_most = _without_self(most, row, system.rows.shape[0])
        with np.errstate(invalid="ignore"):
            one, other = (system.upper[row] - rest_least) / factor, (system.lower[row] - rest_most) / factor
        high, low = np.where(factor > 0, one, other), np.where(factor > 0, other, one)
        if integer:
            high, low = np.floor(high + inwards), np.ceil(low - inwards)
        else:
            high, low = np.ceil(high + inwards), np.floor(low - inwards)
        new_floor, new_ceiling = floor.copy(), ceiling.copy()
        np.minimum.at(new_ceiling, column, np.where(np.isnan(high), np.inf, high))
        np.maximum.at(new_floor, column, np.where(np.isnan(low), -np.inf, low))
        if (new_floor > new_ceiling).any():
            raise ValueError("the published figures contradict each other")
        if (new_floor == floor).all() and (new_ceiling == ceiling).all():
            break
        floor, ceiling = new_floor, new_ceiling
    if not integer:
        closed = floor == ceiling
        floor, ceiling = np.where(closed, floor, system.floor), np.where(closed, ceiling, system.ceiling)
    return replace(system, floor=floor, ceiling=ceiling)


def _without_self(terms: Floats, row: NDArray[np.int32], rows: int) -> Floats:
    """Per entry: the sum of the other entries of its row, where infinite terms are counted apart."""
    open_end = np.isinf(terms)
    finite = np.where(open_end, 0.0, terms)
    total = np.bincount(row, weights=finite, minlength=rows)[row] - finite
    others = np.bincount(row, weights=open_end, minlength=rows)[row] - open_end
    sign = np.zeros(rows)
    sign[row[open_end]] = np.sign(terms[open_end])
    return np.where(others > 0, np.copysign(np.inf, sign[row]), total)


def _drop_settled(system: System) -> System:
    """Takes fixed atoms out of the rows, and rows out that say nothing any more."""
    fixed = system.is_fixed
    worth = system.rows @ np.where(fixed, system.floor, 0.0)
    entries = system.rows.tocoo()
    keep = ~fixed[entries.col]
    rows = csr_matrix((entries.data[keep], (entries.row[keep], entries.col[keep])), shape=system.rows.shape)
    lower, upper = system.lower - worth, system.upper - worth
    empty = np.diff(rows.indptr) == 0
    if (empty & ((lower > 0) | (upper < 0))).any():
        raise ValueError("the published figures contradict each other")
    speaks = ~empty & (np.isfinite(lower) | np.isfinite(upper))
    return replace(system, rows=rows[speaks], lower=lower[speaks], upper=upper[speaks])


def _subtract_contained(system: System) -> System:
    """Replaces every row by itself minus the published sums it contains (disjoint ones, largest first).

    The sums taken away stay in the system, each reduced by smaller ones only: a triangular row operation, so that the
    worlds are the same. The figure of the Kreis vanishes this way where all its Gemeinden are published.
    """
    rows, lower, upper = _normalised(system)
    if (lower > upper).any():
        raise ValueError("the published figures contradict each other")
    is_sum = (lower == upper) & (np.diff(rows.indptr) > 0)
    ones, minus_ones = (rows == 1).astype(np.float64), (rows == -1).astype(np.float64)
    size = np.diff(rows.indptr)
    is_sum &= np.asarray(ones.sum(axis=1)).ravel() == size
    sums = np.flatnonzero(is_sum)
    if not sums.size:
        return replace(system, rows=rows, lower=lower, upper=upper)
    change: list[tuple[int, int, float]] = []
    for part, sign in ((ones, -1.0), (minus_ones, 1.0)):
        overlap = (part @ ones[sums].T).tocoo()
        whole = overlap.data == size[sums[overlap.col]]
        whole &= sums[overlap.col] != overlap.row
        change += _disjoint(rows, overlap.row[whole], sums[overlap.col[whole]], size, sign)
    if not change:
        return replace(system, rows=rows, lower=lower, upper=upper)
    target, taken, sign_of = (np.array(column) for column in zip(*change, strict=True))
    count = rows.shape[0]
    operation = csr_matrix((sign_of, (target, taken)), shape=(count, count))
    rows = (rows + operation @ rows).tocsr()
    rows.eliminate_zeros()
    shift = operation @ np.where(is_sum, lower, 0.0)
    return _drop_settled(replace(system, rows=rows, lower=lower + shift, upper=upper + shift))


def _normalised(system: System) -> tuple[csr_matrix, Floats, Floats]:
    """Rows with negative factors only are turned round; of equal sums one is kept."""
    rows, lower, upper = system.rows.tocsr(copy=True), system.lower, system.upper
    rows.sort_indices()
    size = np.diff(rows.indptr)
    positive = np.asarray((rows > 0).sum(axis=1)).ravel()
    turn = (positive == 0) & (size > 0)
    rows = csr_matrix(rows.multiply(np.where(turn, -1.0, 1.0)[:, None]))
    rows.sort_indices()
    lower, upper = np.where(turn, -upper, lower), np.where(turn, -lower, upper)
    seen: dict[tuple[bytes, bytes], int] = {}
    keep = np.ones(rows.shape[0], dtype=np.bool_)
    lower, upper = lower.copy(), upper.copy()
    for number in range(rows.shape[0]):
        entries = slice(rows.indptr[number], rows.indptr[number + 1])
        key = (rows.indices[entries].tobytes(), rows.data[entries].tobytes())
        first = seen.setdefault(key, number)
        if first != number:
            keep[number] = False
            lower[first], upper[first] = max(lower[first], lower[number]), min(upper[first], upper[number])
    return rows[keep], lower[keep], upper[keep]


def _disjoint(
    rows: csr_matrix,
    outer: NDArray[np.int32],
    inner: NDArray[np.int32],
    size: NDArray[np.int32],
    sign: float,
) -> list[tuple[int, int, float]]:
    """Per outer row, inner rows that do not overlap one another: the largest first, ties by number."""
    order = np.lexsort((inner, -size[inner], outer))
    chosen: list[tuple[int, int, float]] = []
    current, covered = -1, set[int]()
    for position in order:
        if outer[position] != current:
            current, covered = int(outer[position]), set()
        number = int(inner[position])
        atoms = rows.indices[rows.indptr[number] : rows.indptr[number + 1]].tolist()
        if covered.isdisjoint(atoms):
            covered.update(atoms)
            chosen.append((current, number, sign))
    return chosen


def components(system: System) -> NDArray[np.int32]:
    """Per atom the number of its component; fixed atoms have -1. Atoms of different components share no row."""
    count, atoms = system.rows.shape
    entries = system.rows.tocoo()
    graph = csr_matrix(
        (np.ones(entries.nnz), (entries.row, entries.col + count)), shape=(count + atoms, count + atoms)
    )
    _, label = connected_components(graph, directed=False)
    return np.where(system.is_fixed, -1, label[count:]).astype(np.int32)
