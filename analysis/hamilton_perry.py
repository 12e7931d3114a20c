"""Hamilton-Perry: population of areas from nothing but their earlier stocks by age band.

Each year the population ages, a standard mortality thins it and a standard fertility adds births; a *cohort change
ratio* per band then says how many persons were really there (net migration, and what the standards missed). The ratio
of an area is its own where its history is long and its band large; what is missing to that is filled half with the
Kreis' ratio and half with the ratio that keeps the area's share of the band: areas draw the same ages year after year.

Belongs here: estimation of the ratios, projection with all components, the naive rival and the error measures of
back-tests. Not here: rates by sex and scenarios (`cohort`), bands (`ages`).

Sources: Hamilton & Perry (1962), A Short Method for Projecting Population by Age from One Decennial Census to Another;
Smith, Tayman & Swanson (2013), ch. 7.4; Swanson, Schlottmann & Schmidt (2010), Forecasting the Population of Census
Tracts by Age and Sex; Marshall (1991) on drawing small areas to the whole; Wilson & Rowe (2011) on weighted errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.ages import Bands, smooth
from analysis.cohort import fold, rake
from analysis.vital import fertility_schedule, survival_schedule, survivors

Values = NDArray[np.float64]

HALF_WEIGHT = 4000.0
"""Person-years in a band after which an area's own ratio counts half."""

KEEP_SHARE = 0.5
"""Weight of "the area keeps its share" against "the area moves like the Kreis" where its own history says nothing."""

LARGEST_DEVIATION = 0.7
"""Log ratio to the Kreis per year beyond which a history is a one-off (a home opened or closed)."""

WOMEN = 0.5
"""Share of women in every age: stocks by band have no sex. The ratio of the youngest band absorbs the error."""


@dataclass(frozen=True)
class Standard:
    """Standard schedules on single years; levels matter little, the ratios correct them."""

    fertility: Values
    """Births per woman by age."""
    survival: Values
    """On the cohort axis."""


def standard(children: float = 1.4, expectancy: float = 81.0, top: int = 100) -> Standard:
    """Schedules with this fertility and life expectancy; the defaults are Germany's of the last decade."""
    return Standard(fertility_schedule(children, top), survival_schedule(expectancy, top))


@dataclass(frozen=True)
class Transition:
    """Two stocks of the same areas in the same boundaries, areas x bands, `years` apart (0.5 or 1)."""

    start: Values
    end: Values
    years: float = 1.0


@dataclass(frozen=True)
class Ratios:
    """Logarithms per year."""

    kreis: Values
    """Per band."""
    deviation: Values
    """areas x bands: the area's own departure from the Kreis, already weighted."""
    weight: Values
    """areas x bands: 0 (no history) … 1."""


def change_ratios(
    transitions: Sequence[Transition], bands: Bands, standards: Standard, half_weight: float = HALF_WEIGHT
) -> Ratios:
    """Ratios from past transitions. A step over a break (reform of areas) must not be among them.

    Raises ValueError without transitions, with stocks that are not numbers, or steps longer than a year.
    """
    if not transitions:
        raise ValueError("at least one transition is needed")
    if any(not 0 < step.years <= 1 for step in transitions):
        raise ValueError("a transition spans a year or less")
    found, expected, exposure = (np.zeros_like(transitions[0].start) for _ in range(3))
    kreis = np.zeros(found.shape[-1])
    for step in transitions:
        if not (np.isfinite(step.start).all() and np.isfinite(step.end).all()):
            raise ValueError("withheld figures have to be filled first (ages.disaggregate)")
        found = found + step.end
        expected = expected + _aged(step.start, step.years, bands, standards)
        kreis = kreis + _aged(step.start.sum(axis=0), step.years, bands, standards)
        exposure = exposure + step.start * step.years
    span = sum(step.years for step in transitions) / len(transitions)
    overall = np.log(np.maximum(found.sum(axis=0), 1.0) / np.maximum(kreis, 1.0)) / span
    own = np.log(np.maximum(found, 1.0) / np.maximum(expected, 1.0)) / span - overall
    weight = exposure / (exposure + half_weight) if half_weight > 0 else np.ones_like(exposure)
    return Ratios(overall, weight * np.clip(own, -LARGEST_DEVIATION, LARGEST_DEVIATION), weight)


def _aged(stock: Values, years: float, bands: Bands, standards: Standard) -> Values:
    """Bands after ageing, standard deaths and births; in half a year, half of the persons have their birthday."""
    single = smooth(stock, bands, survivors(standards.survival))
    alive = single * standards.survival[1:] ** years
    born = WOMEN * (single * standards.fertility).sum(axis=-1, keepdims=True) * standards.survival[0]
    older = fold(np.concatenate([born, alive], axis=-1))
    return bands.sum(years * older + (1 - years) * alive)


@dataclass(frozen=True)
class Course:
    """Projection by single year of age; stock + births - deaths + net migration = next stock, exactly.

    T years, n areas, A ages; flows on the cohort axis except net migration (age at the end of the year).
    """

    stock: Values
    """(T + 1) x n x A."""
    births: Values
    """T x n."""
    deaths: Values
    """T x n x (A + 1)."""
    net_migration: Values
    """T x n x A: what the ratios and the Kreis add or take."""


def project(
    base: Values,
    ratios: Ratios,
    bands: Bands,
    standards: Standard,
    years: int,
    *,
    control: dict[int, Values] | None = None,
    keep_share: float = KEEP_SHARE,
) -> Course:
    """`years` steps from the stock `base` (areas x bands). The areas add up to the Kreis' own projection, or, in the
    steps named by `control` (1 … years), to these bands of the Kreis."""
    alive_at = survivors(standards.survival)
    stock, whole = smooth(base, bands, alive_at), smooth(base.sum(axis=0), bands, alive_at)
    stocks, parts = [stock], []
    for step in range(1, years + 1):
        born = WOMEN * (stock * standards.fertility).sum(axis=-1)
        at_risk = np.concatenate([born[:, None], stock], axis=-1)
        deaths = at_risk * (1 - standards.survival)
        aged = fold(at_risk - deaths)
        cohorts = np.append(WOMEN * (whole * standards.fertility).sum(), whole)
        whole = fold(cohorts * standards.survival) * bands.spread(np.exp(ratios.kreis))
        wanted = bands.sum(whole) if control is None or step not in control else control[step]

        before = bands.sum(stock)
        share = before / np.maximum(before.sum(axis=0), 1e-9)
        keeping = np.log(np.maximum(share * bands.sum(whole), 1.0) / np.maximum(bands.sum(aged), 1.0))
        keeping = np.clip(keeping - ratios.kreis, -LARGEST_DEVIATION, LARGEST_DEVIATION)
        ratio = ratios.kreis + ratios.deviation + (1 - ratios.weight) * keep_share * keeping
        moved = aged * bands.spread(np.exp(ratio))
        banded = bands.sum(moved)
        met = rake(banded, wanted, moved.sum(axis=-1))
        following = np.where(
            bands.spread(banded) > 0,
            moved * bands.spread(met / np.where(banded > 0, banded, 1.0)),
            bands.spread(met / np.diff(np.append(bands.lower, bands.ages))),
        )
        parts.append((born, deaths, following - aged))
        stocks.append(following)
        stock = following
    births, deaths_, net = (np.stack(term) for term in zip(*parts, strict=True))
    return Course(np.stack(stocks), births, deaths_, net)


def share_constant(base: Values, totals: Values) -> Values:
    """The naive rival: every area keeps its share of the Kreis' persons in each band (areas x bands; bands)."""
    return np.asarray(base / np.maximum(base.sum(axis=0), 1e-9) * totals)


@dataclass(frozen=True)
class Errors:
    """Errors of a back-test over areas x bands, in percent."""

    mape: float
    """Mean of the absolute percentage errors; a cell of 50 persons counts like one of 50,000. Empty cells left out."""
    weighted: float
    """Absolute errors over persons: share of the population in the wrong cell (twice)."""


def errors(projected: Values, observed: Values) -> Errors:
    """Compares areas x bands."""
    distance = np.abs(projected - observed)
    some = observed > 0
    return Errors(
        float(100 * (distance[some] / observed[some]).mean()), float(100 * distance.sum() / observed.sum())
    )
