"""Births and deaths as schedules by age, their calibration to counted events, and scenarios of both and of migration.

Belongs here: everything that turns "1.4 children per woman" or "81 years" into rates by single year.
Not here: the projection (`cohort`). Sexes: index 0 male, 1 female.

A *cohort axis* has one entry more than there are ages: entry 0 are the newborn of the year, entry c persons aged c - 1
at its start. Survival is the share of such a cohort alive at the end of the year.

Sources: Preston, Heuveline & Guillot (2001), Demography, ch. 3, 5 and 6; Gompertz (1825); Brass (1974) on shifting a
schedule instead of inventing one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

Values = NDArray[np.float64]

SEX_RATIO = 1.055
"""Boys per girl at birth; Germany's long-term mean (Statistisches Bundesamt, Lebendgeborene nach Geschlecht)."""

GOMPERTZ_SLOPE = 0.103
"""Rise of mortality per year of age; doubles about every seven years, as in every modern life table of Germany."""

INFANT_MORTALITY = 0.0032


def fertility_schedule(
    children: float, top: int = 100, mean_age: float = 31.5, spread: float = 5.6
) -> Values:
    """Births per woman and year at each age, summing to `children` (total fertility rate). Bell curve over 15-49."""
    age = np.arange(top + 1) + 0.5
    curve = np.exp(-0.5 * ((age - mean_age) / spread) ** 2) * ((age >= 15) & (age < 50))
    return np.asarray(children * curve / curve.sum())


def survival_schedule(expectancy: float, top: int = 100) -> Values:
    """Survival on the cohort axis with this life expectancy at birth, in years (Gompertz law, own infant mortality).

    Raises ValueError outside 40 … 100 years, where the law has no business.
    """
    if not 40 <= expectancy <= 100:
        raise ValueError("life expectancy must lie between 40 and 100 years")
    age = np.arange(top + 1)
    shape = np.exp(GOMPERTZ_SLOPE * (age + 1.0))

    def schedule(level: float) -> Values:
        return np.concatenate([[1 - INFANT_MORTALITY], np.exp(-level * shape)])

    level = brentq(lambda x: life_expectancy(schedule(np.exp(x))) - expectancy, np.log(1e-9), np.log(1e-1))
    return schedule(float(np.exp(level)))


def life_expectancy(survival: Values) -> float:
    """Years a newborn lives under this survival (one schedule on the cohort axis). Preston et al. (2001), 6.3."""
    person_years = np.cumprod(survival[:-1])
    beyond = person_years[-1] * survival[-1] / max(1 - survival[-1], 1e-12)
    return float(person_years.sum() + beyond)


def survivors(survival: Values) -> Values:
    """Persons alive at each age in a stationary population, one per birth: what `ages.smooth` needs."""
    alive: Values = np.cumprod(survival[:-1])
    alive[-1] /= max(1 - survival[-1], 1e-12)
    return alive


def scale_hazard(survival: Values, factor: float) -> Values:
    """Mortality `factor` times as high at every age."""
    return np.power(survival, factor)


def shift_expectancy(survival: Values, years: float) -> Values:
    """The same schedule with a life expectancy higher by `years`. `survival`: … x cohorts; solved on the mean."""
    if years == 0:
        return survival
    middle = survival.reshape(-1, survival.shape[-1]).mean(axis=0)
    goal = life_expectancy(middle) + years
    factor = np.exp(brentq(lambda x: life_expectancy(middle ** np.exp(x)) - goal, -3, 3))
    return scale_hazard(survival, float(factor))


def calibrate_fertility(schedule: Values, women: Values, births: float) -> Values:
    """The schedule at the level that yields the counted births. `women`: by age, mean of the year."""
    expected = float((schedule * women).sum())
    if expected <= 0:
        raise ValueError("no women of childbearing age")
    return schedule * (births / expected)


def calibrate_survival(survival: Values, at_risk: Values, deaths: float) -> Values:
    """The schedule at the level that yields the counted deaths. `survival`, `at_risk`: sex x cohort."""

    def surplus(log_factor: float) -> float:
        return float((at_risk * (1 - survival ** np.exp(log_factor))).sum() - deaths)

    if not surplus(-4) < 0 < surplus(4):
        raise ValueError("the deaths do not fit the population")
    return scale_hazard(survival, float(np.exp(brentq(surplus, -4, 4))))


@dataclass(frozen=True)
class Scenario:
    """How the future departs from today's rates. Reached linearly after `years_until`, constant from then on –
    except the life expectancy, which goes on rising."""

    name: str
    """German word for the reader."""
    fertility: float = 1.0
    """Factor on today's fertility."""
    expectancy_gain: float = 0.08
    """Years of life expectancy gained per calendar year."""
    in_migration: float = 1.0
    """Factor on today's in-migration. Out-migration follows from its rates."""
    years_until: int = 10


SCENARIOS = (
    Scenario("niedrig", fertility=0.93, expectancy_gain=0.04, in_migration=0.90),
    Scenario("mittel"),
    Scenario("hoch", fertility=1.07, expectancy_gain=0.12, in_migration=1.10),
)
"""Defaults of the house, about as wide as the variants of the official projections. A planner sets own ones."""
