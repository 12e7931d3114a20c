"""Need = rate x population: places in Kitas, persons in care – with the uncertainty of both factors.

Belongs here: the product and its interval. Not here: where the rate (`forecast`) and the population (`cohort`) come
from.
Source: Goodman (1960), On the Exact Variance of Products.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A value with the ends of its 80 % interval; any shape."""

    value: Values
    lower: Values
    upper: Values


def need(rate: Estimate, population: Estimate, confidence: float = 0.8, independent: bool = True) -> Estimate:
    """Persons or places: sum over the last axis (ages, groups) of rate x population.

    `rate`: per person (0.4 = 40 per 100); `population`: persons, e.g. the low and high scenario as its ends. Each side
    of the two intervals is read as a normal deviation of its own, so that skewed intervals stay skewed. `independent`:
    the summed groups err independently; otherwise they err together (the same scenario for all ages), which is wider.
    Raises ValueError where an interval does not enclose its value.
    """
    for given in (rate, population):
        if not ((given.lower <= given.value) & (given.value <= given.upper)).all():
            raise ValueError("an interval has to enclose its value")
    z = float(norm.ppf(0.5 + confidence / 2))
    value = rate.value * population.value

    def side(rates: Values, persons: Values) -> Values:
        a, b = np.abs(rates - rate.value) / z, np.abs(persons - population.value) / z
        deviation = np.sqrt((population.value * a) ** 2 + (rate.value * b) ** 2 + (a * b) ** 2)
        summed = np.sqrt((deviation**2).sum(axis=-1)) if independent else deviation.sum(axis=-1)
        return np.asarray(z * summed)

    total = value.sum(axis=-1)
    low = total - side(rate.lower, population.lower)
    return Estimate(total, np.maximum(low, 0.0), total + side(rate.upper, population.upper))
