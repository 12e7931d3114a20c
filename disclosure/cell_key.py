"""Cell-Key-Methode: counts of free cross tables are overlaid with small, reproducible noise.

Belongs here: the table of transition probabilities (p-table), the arithmetic of keys, the perturbation. Does not belong
here: where record keys come from (they never leave the protected zone), which tables may be asked for, SQL.

Every record has a key, uniform in [0, 1). The key of a cell is the fractional part of the sum of its records' keys, and
looks up the deviation in the row of its count. The same records therefore always get the same deviation, whichever
table asks, and one record more or less gives an independent one.

Sources: Fraser & Wooton (2006), "A proposed method for confidentialising tabular output to protect against
differencing"; Giessing (2016), doi:10.1007/978-3-319-45381-1_18 (maximum entropy transition probabilities); Enderle,
Giessing & Tent, R packages `ptable` and `cellKey` (https://github.com/sdcTools/ptable), whose program is solved here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, minimize

Integers = NDArray[np.int64]
Numbers = NDArray[np.float64]

KEY_BITS: Final = 32
KEYS: Final = 1 << KEY_BITS
"""Keys are whole numbers k in 0 … KEYS-1 and stand for k / KEYS. Their sums modulo KEYS are exactly the fractional
parts of the sums, in whatever order they are added; sums of doubles are neither exact nor independent of the order.
32 bits: the sum of up to 2^31 records fits a signed 64-bit integer in every SQL engine."""


class ImpossibleParameters(ValueError):
    """No transition probabilities meet the conditions for `count`."""

    def __init__(self, count: int, parameters: Parameters) -> None:
        super().__init__(f"no transition probabilities for count {count} under {parameters}")
        self.count = count


@dataclass(frozen=True)
class Parameters:
    """What is decided about the noise, for counts of any size."""

    max_deviation: int
    """D: no count moves further than this."""
    variance: float
    """V: variance of the deviation. Attained by every count above `max_deviation + blocked`; smaller counts, whose
    range is cut off by zero, have at most this."""
    blocked: int = 0
    """js: no value 1 … js is ever shown; such counts become 0 or at least js + 1. 0: every value may appear."""
    is_monotone: bool = True
    """Larger deviations are never likelier than smaller ones (not asked of counts that are blocked themselves)."""

    def __post_init__(self) -> None:
        if self.max_deviation < 1 or self.blocked < 0 or not self.variance > 0:
            raise ValueError(f"deviation at least 1, variance above 0, blocked at least 0: {self}")
        if self.variance > self.max_deviation**2:
            raise ValueError(f"no deviation of at most {self.max_deviation} has variance {self.variance}")

    @property
    def last_row(self) -> int:
        """From this count on all have the same, symmetric distribution: nothing they reach is blocked or negative."""
        return self.max_deviation + self.blocked + (1 if self.blocked else 0)


@dataclass(frozen=True)
class PerturbationTable:
    """The p-table, cumulated: a count with a cell key in `lower` … `upper`-1 of its row moves by `deviation`.

    Rows are ordered by count, then deviation. The intervals of one count cover 0 … KEYS-1 without gap.
    """

    parameters: Parameters
    count: Integers
    deviation: Integers
    lower: Integers
    upper: Integers

    def row(self, count: int) -> tuple[Integers, Numbers]:
        """Deviations of a count and their probabilities as the intervals have them."""
        chosen = self.count == min(count, int(self.count[-1]))
        return self.deviation[chosen], (self.upper - self.lower)[chosen] / KEYS

    @cached_property
    def _position(self) -> Integers:
        # count * KEYS + upper is increasing over the whole table: one binary search finds row and interval at once.
        return self.count * KEYS + self.upper

    def perturb(self, counts: Integers, cell_keys: Integers) -> Integers:
        """The counts shown. Raises ValueError for negative counts and keys out of range."""
        if counts.size and (counts.min() < 0 or cell_keys.min() < 0 or cell_keys.max() >= KEYS):
            raise ValueError("counts must not be negative, cell keys lie in 0 … KEYS-1")
        row = np.minimum(counts, self.count[-1])
        return counts + self.deviation[np.searchsorted(self._position, row * KEYS + cell_keys, side="right")]


def cell_key(record_keys: Integers) -> int:
    """Key of the cell that consists of these records: the fractional part of the sum of their keys, in 1/KEYS."""
    return int(record_keys.sum(dtype=np.int64) % KEYS)


def perturbation_table(parameters: Parameters) -> PerturbationTable:
    """Maximum-entropy p-table. The same parameters give the same table.

    Raises `ImpossibleParameters` where a count has no distribution with mean 0 and at most this variance, e.g. because
    a blocked count is forced further away than V allows.
    """
    counts, deviations, lower, upper = [np.zeros(1, np.int64)], [np.zeros(1, np.int64)], [0], [KEYS]
    for count in range(1, parameters.last_row + 1):
        deviation, probability = transition(count, parameters)
        ends = np.rint(np.cumsum(probability) * KEYS).astype(np.int64)
        ends[-1] = KEYS
        counts.append(np.full(deviation.size, count, np.int64))
        deviations.append(deviation)
        lower += [0, *ends[:-1].tolist()]
        upper += ends.tolist()
    table = (np.concatenate(counts), np.concatenate(deviations), np.array(lower), np.array(upper))
    shown = table[3] > table[2]
    return PerturbationTable(parameters, *(column[shown] for column in table))


def transition(count: int, parameters: Parameters) -> tuple[Integers, Numbers]:
    """Deviations `count` may have, and the probabilities of largest entropy (Giessing 2016) with

    mean 0; variance at most V; no negative value; no value 1 … js; monotone away from 0 where asked. Zeros stay zeros.
    """
    if count == 0:
        return np.zeros(1, np.int64), np.ones(1)
    values = np.arange(max(0, count - parameters.max_deviation), count + parameters.max_deviation + 1)
    values = values[(values == 0) | (values > parameters.blocked)]
    deviation = (values - count).astype(np.int64)
    moments = LinearConstraint(
        np.vstack([np.ones(deviation.size), deviation, deviation**2]),
        [1.0, 0.0, 0.0],
        [1.0, 0.0, parameters.variance],
    )
    constraints = [moments]
    if parameters.is_monotone and count > parameters.blocked:
        steps = _outward(deviation)
        constraints.append(LinearConstraint(steps, 0.0, np.inf))
    return deviation, _largest_entropy(constraints, deviation.size, ImpossibleParameters(count, parameters))


def _outward(deviation: Integers) -> Numbers:
    """One row per step away from 0: probability before minus probability after the step."""
    steps = np.zeros((deviation.size - 1, deviation.size))
    for position in range(deviation.size - 1):
        outward = deviation[position] >= 0
        steps[position, position] = 1.0 if outward else -1.0
        steps[position, position + 1] = -1.0 if outward else 1.0
    return steps


def _largest_entropy(
    constraints: list[LinearConstraint], size: int, impossible: ImpossibleParameters
) -> Numbers:
    """The distribution of largest entropy under linear conditions: a strictly concave program, one solution."""
    start = _inner_point(constraints, size, impossible)

    def loss(p: Numbers) -> float:
        return float(np.sum(p * np.log(np.maximum(p, 1e-300))))

    def slope(p: Numbers) -> Numbers:
        return np.asarray(1.0 + np.log(np.maximum(p, 1e-300)))

    def curvature(p: Numbers) -> Numbers:
        return np.asarray(np.diag(1.0 / np.maximum(p, 1e-12)))

    found = minimize(
        loss,
        start,
        jac=slope,
        hess=curvature,
        method="trust-constr",
        bounds=Bounds(0.0, 1.0),
        constraints=constraints,
        options={"gtol": 1e-12, "xtol": 1e-14, "barrier_tol": 1e-13, "maxiter": 5000},
    )
    p = np.clip(found.x, 0.0, 1.0)
    if not math.isclose(p.sum(), 1.0, abs_tol=1e-6):
        raise impossible
    return np.asarray(p / p.sum())


def _inner_point(constraints: list[LinearConstraint], size: int, impossible: ImpossibleParameters) -> Numbers:
    """A distribution that meets the conditions, as far away from probability 0 as can be."""
    matrix = np.vstack([np.atleast_2d(item.A) for item in constraints])
    low = np.concatenate([np.broadcast_to(item.lb, np.atleast_2d(item.A).shape[0]) for item in constraints])
    high = np.concatenate([np.broadcast_to(item.ub, np.atleast_2d(item.A).shape[0]) for item in constraints])
    # Last variable: the smallest probability, as large as possible.
    floor = np.hstack([-np.eye(size), np.ones((size, 1))])
    plain = np.hstack([matrix, np.zeros((matrix.shape[0], 1))])
    finite = np.isfinite(high)
    found = linprog(
        np.append(np.zeros(size), -1.0),
        A_ub=np.vstack([plain[finite], -plain, floor]),
        b_ub=np.concatenate([high[finite], -low, np.zeros(size)]),
        bounds=[(0.0, 1.0)] * (size + 1),
        method="highs",
    )
    if found.status != 0:
        raise impossible
    return np.asarray(found.x[:size])
