"""The hypercube method (GHMITER), as τ-ARGUS offers it for large tables.

Sources: Giessing & Repsilber 2002, "Tools and strategies to protect multiple tables with the GHQUAR cell suppression
engine" (LNCS 2316); τ-ARGUS manual, ch. 2.9; Hundepool et al. 2012, ch. 4.4.3. Own implementation.

For a protected cell every hypercube with it as a corner is a candidate: one other index per dimension. Moving all
corners up and down in turn (a total together with its part) leaves all sums as they are, so that the smallest corner
says how far the cell can move. The cheapest hypercube that moves it far enough is suppressed; several, where small
counts make one too narrow. A secondary cell is protected in turn in every other subtable it lies in, until nothing is
added.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from disclosure.system import Floats
from disclosure.table import Flags, LinkedTable

_MOST_CUBES = 8

Subtable = NDArray[np.int64]
"""Cells by position, totals first on every axis; -1 where a cell is not tabulated."""


@dataclass(frozen=True)
class Dimension:
    """One axis of a table: the code of every cell ("" where the cell is not in it), and which codes add up to which.

    Several families may share a parent (two area systems over one Kreis).
    """

    codes: Sequence[str]
    families: Sequence[Sequence[str]]
    """Parent first, then its children."""


def subtables(dimensions: Sequence[Dimension]) -> list[Subtable]:
    """All subtables without hierarchy: one family per dimension. Those with fewer than two cells are left out."""
    where = {
        codes: cell
        for cell, codes in enumerate(zip(*(d.codes for d in dimensions), strict=True))
        if all(codes)
    }
    found = []
    for families in itertools.product(*(d.families for d in dimensions)):
        numbers = [where.get(codes, -1) for codes in itertools.product(*families)]
        cells = np.array(numbers, dtype=np.int64).reshape([len(family) for family in families])
        if (cells >= 0).sum() > 1:
            found.append(cells)
    return found


@dataclass(frozen=True)
class HypercubeResult:
    is_hidden: Flags
    is_unprotected: Flags
    """Primaries that no hypercubes of some subtable move far enough; what there was has been taken."""


def hypercube(table: LinkedTable, tables: Sequence[Subtable]) -> HypercubeResult:
    """Pattern by hypercubes over all subtables. Deterministic: ties by position."""
    shapes = [cells.reshape([n for n in cells.shape if n > 1]) for cells in tables]
    at_home: dict[int, list[tuple[int, tuple[int, ...]]]] = {}
    for number, cells in enumerate(shapes):
        for place in zip(*np.nonzero(cells >= 0), strict=True):
            at_home.setdefault(int(cells[place]), []).append((number, tuple(map(int, place))))
    is_hidden = (table.is_primary | ~table.may_publish) & table.may_hide
    unprotected = np.zeros(table.cells, dtype=np.bool_)
    value = table.value.astype(np.float64)
    # The largest first: small cells often find their corners hidden already.
    start = np.flatnonzero(is_hidden)
    queue = deque(int(cell) for cell in start[np.lexsort((start, -value[start]))])
    covered: set[tuple[int, int]] = set()
    while queue:
        cell = queue.popleft()
        for number, place in at_home.get(cell, []):
            if (number, cell) in covered:
                continue
            covered.add((number, cell))
            corners, enough = _cover(table, shapes[number], place, is_hidden, value)
            unprotected[cell] |= bool(table.is_primary[cell]) and not enough
            for corner in corners:
                if not is_hidden[corner]:
                    is_hidden[corner] = True
                    queue.append(corner)
                if not table.is_primary[corner]:
                    covered.add((number, corner))
    return HypercubeResult(is_hidden, unprotected)


def _cover(
    table: LinkedTable, cells: Subtable, place: tuple[int, ...], is_hidden: Flags, value: Floats
) -> tuple[list[int], bool]:
    """Corners that protect a cell within one subtable, and whether they move it far enough.

    One hypercube where one is wide enough, the cheapest; else several that share no other corner, the widest first:
    what they move adds up.
    """
    cell = int(cells[place])
    down = up = 1.0
    if table.is_primary[cell]:
        down, up = value[cell] - table.lower_goal[cell], table.upper_goal[cell] - value[cell]
    # One entry more for what is not tabulated: no room to move, and not to be had.
    worth, price = np.append(value, 0.0), np.append(np.where(table.may_hide, table.weight, np.inf), np.inf)
    price[:-1][is_hidden & table.may_hide] = 0.0
    found: list[int] = []
    for _ in range(_MOST_CUBES):
        cube = _cube(cells, place, worth, price, down, up, either=not table.is_primary[cell])
        if cube is None:
            return found, False
        corners, fell, rose = cube
        found += corners
        down, up = down - fell, up - rose
        if (down <= 0 and up <= 0) or (not table.is_primary[cell] and (fell > 0 or rose > 0)):
            return found, True
        worth[corners], price[corners] = 0.0, 0.0
    return found, False


def _cube(
    cells: Subtable,
    place: tuple[int, ...],
    worth: Floats,
    price: Floats,
    down: float,
    up: float,
    *,
    either: bool,
) -> tuple[list[int], float, float] | None:
    """The cheapest hypercube around a cell that lets it fall by `down` and rise by `up` (`either`: one of them).

    Where none does, the one that gives most of both; None where none gives anything. Returns corners and room to move.
    """
    axes = range(cells.ndim)
    falls, rises, cost = np.full((), worth[cells[place]]), np.full((), np.inf), np.zeros(())
    for moved in itertools.chain.from_iterable(
        itertools.combinations(axes, n) for n in range(1, cells.ndim + 1)
    ):
        corner = cells[
            tuple(slice(None) if axis in moved else slice(place[axis], place[axis] + 1) for axis in axes)
        ]
        along = math.prod((_along(cells.shape, place, axis) for axis in moved), start=np.ones(()))
        cost = cost + price[corner]
        # What falls with the cell limits its fall, what falls while it rises limits its rise.
        falls = np.where(along > 0, np.minimum(falls, worth[corner]), falls)
        rises = np.where(along < 0, np.minimum(rises, worth[corner]), rises)
    for axis in axes:
        cost[tuple(place[axis] if other == axis else slice(None) for other in axes)] = np.inf
    gain = np.minimum(falls, max(down, 0.0)) + np.minimum(rises, max(up, 0.0))
    enough = gain > 0 if either else (falls >= down) & (rises >= up)
    choice = np.where(enough, cost, np.inf)
    if np.isfinite(choice).any():
        best = np.unravel_index(int(np.argmin(choice)), choice.shape)
    else:
        gain = np.where(np.isfinite(cost), gain, 0.0)
        best = np.unravel_index(int(np.argmax(gain)), gain.shape)
        if gain[best] <= 0:
            return None
    both = [(place[axis], int(best[axis])) for axis in axes]
    corners = [int(cells[corner]) for corner in itertools.product(*both) if corner != place]
    return corners, float(falls[best]), float(rises[best])


def _along(shape: tuple[int, ...], place: tuple[int, ...], axis: int) -> Floats:
    """Per index of an axis: 1 where a cell there moves with the cell at `place`, -1 where it moves against it.

    Two parts of a sum move against each other, a part and the total (index 0) together.
    """
    sign = np.ones(shape[axis])
    sign[0] = -1.0
    return np.reshape(-sign[place[axis]] * sign, [-1 if other == axis else 1 for other in range(len(shape))])
