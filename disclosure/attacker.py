"""The attacker: what somebody who knows every published figure can conclude about a hidden one.

He knows that counts are whole numbers and not negative, and nothing else. The bounds are exact: both ends are attained
by some table that agrees with everything published (Fischetti & Salazar 2001, auditing problem).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class Interval:
    """Smallest and largest possible value of a hidden cell; `upper` is infinite where nothing limits it."""

    lower: float
    upper: float

    def protects(self, threshold: float) -> bool:
        """True when the attacker still has to think both 0 and `threshold` or more possible."""
        return self.lower <= 0 and self.upper >= threshold


def attack(membership: csr_matrix, published: NDArray[np.float64], target: NDArray[np.float64]) -> Interval:
    """Interval of a hidden cell.

    `membership`: published cells x atoms, 1 where the cell adds up the atom; `published`: their values;
    `target`: 0/1 per atom, the hidden cell. Raises RuntimeError when no table agrees with the published figures.
    """
    lower = _end(membership, published, target, 1.0)
    # An atom that no published cell adds up can hold any number.
    limited = np.asarray(membership.sum(axis=0)).ravel()[target > 0].all()
    return Interval(lower, _end(membership, published, target, -1.0) if limited else float("inf"))


def _end(
    membership: csr_matrix, published: NDArray[np.float64], target: NDArray[np.float64], sign: float
) -> float:
    result = milp(
        sign * target,
        constraints=LinearConstraint(membership, published, published),
        integrality=np.ones(target.size),
        bounds=Bounds(0, np.inf),
    )
    if result.status != 0:
        raise RuntimeError(f"the published figures contradict each other: {result.message}")
    return abs(float(result.fun))
