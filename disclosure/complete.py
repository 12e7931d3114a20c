"""A whole-number world for a table some of whose figures nobody here has seen.

Belongs here: filling atoms a supplier has hidden so that everything known still holds. Does not belong here: what is
published (`solver`), where the figures come from.

The completion is not a guess at the truth and is never shown: it is the base from which witnesses are built. Any world
that agrees with everything known serves, because a witness only has to agree with what the attacker knows
(Hundepool et al. 2012, ch. 4.3: the attacker's feasible set does not depend on which of its points is the truth).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix, hstack, identity

from disclosure.table import UNLIMITED, Flags, Integers

_SECONDS = 60.0
"""No completion found by then counts as none: the rows concerned are withheld, the night goes on."""


@dataclass(frozen=True)
class Completion:
    """A world, and the rows it could not satisfy because the figures contradict each other."""

    base: Integers
    is_violated: Flags
    """Per row. Empty of True for consistent figures."""


def complete(
    base: Integers,
    is_unknown: Flags,
    ceiling: Integers,
    rows: csr_matrix,
    lower: Integers,
    upper: Integers,
    cost: NDArray[np.float64],
    *,
    seconds: float = _SECONDS,
) -> Completion:
    """Fills the unknown atoms of `base` so that `lower <= rows @ base <= upper` and `0 <= base <= ceiling`.

    `cost` per row says what it costs to give the row up; where the rows contradict each other, the cheapest ones by
    cost times distance are violated. Whole numbers; deterministic. Values of known atoms are kept, and cut to
    [0, ceiling] (a row that adds up a cut one is then violated and reported).
    """
    world = np.where(is_unknown, 0, np.clip(base, 0, ceiling)).astype(np.int64)
    unknown = np.flatnonzero(is_unknown)
    if unknown.size and rows.shape[0]:
        columns = rows.tocsc()[:, unknown].tocsr()
        touched = np.flatnonzero(np.diff(columns.indptr))
        known = np.asarray(rows @ world, dtype=np.int64)
        world[unknown] = _fill(
            columns[touched],
            _less(lower, known)[touched],
            _less(upper, known)[touched],
            ceiling[unknown],
            cost[touched],
            seconds,
        )
    sums = np.asarray(rows @ world, dtype=np.int64)
    return Completion(world, (sums < lower) | (sums > upper))


def _less(bound: Integers, known: Integers) -> NDArray[np.float64]:
    """Bound minus the known part; an open end stays open."""
    is_open = np.abs(bound) == UNLIMITED
    distance = np.asarray(np.where(is_open, 0, bound) - known, dtype=np.float64)
    distance[bound == UNLIMITED] = np.inf
    distance[bound == -UNLIMITED] = -np.inf
    return distance


def _fill(
    rows: csr_matrix,
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    ceiling: Integers,
    cost: NDArray[np.float64],
    seconds: float,
) -> Integers:
    atoms = rows.shape[1]
    highest = np.where(ceiling == UNLIMITED, np.inf, ceiling.astype(np.float64))
    # Counts are small and sums are what is known: the smallest world is as good as any and bounded.
    found = milp(
        np.ones(atoms),
        constraints=LinearConstraint(rows, lower, upper),
        integrality=np.ones(atoms),
        bounds=Bounds(0, highest),
        options={"time_limit": seconds},
    )
    if found.x is not None:
        return np.asarray(np.rint(found.x), dtype=np.int64)
    return _fill_elastic(rows, lower, upper, highest, cost, seconds)


def _fill_elastic(
    rows: csr_matrix,
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    highest: NDArray[np.float64],
    cost: NDArray[np.float64],
    seconds: float,
) -> Integers:
    """Every row may be missed in both directions, at its cost."""
    count, atoms = rows.shape
    slack = identity(count, format="csr")
    price = cost / max(float(cost.max(initial=0.0)), 1.0)
    found = milp(
        np.concatenate([np.zeros(atoms), price, price]),
        constraints=LinearConstraint(hstack([rows, slack, -slack], format="csr"), lower, upper),
        integrality=np.concatenate([np.ones(atoms), np.zeros(2 * count)]),
        bounds=Bounds(0, np.concatenate([highest, np.full(2 * count, np.inf)])),
        options={"time_limit": seconds},
    )
    if found.x is None:
        return np.zeros(atoms, dtype=np.int64)
    return np.asarray(np.rint(found.x[:atoms]), dtype=np.int64)
