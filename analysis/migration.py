"""Rates of areas from what a Kreis has: two stocks by age and sex, its births and its deaths.

Migration is what births and deaths leave unexplained (residual method). It is net migration: a positive balance becomes
in-migration in persons, a negative one an out-migration rate, so that an area cannot lose more persons than it has.

Belongs here: this estimate. Not here: the projection (`cohort`).
Sources: Smith, Tayman & Swanson (2013), ch. 6 (residual net migration, forward survival); Preston, Heuveline & Guillot
(2001), Demography, ch. 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.ages import Bands
from analysis.cohort import Rates, fold
from analysis.vital import SEX_RATIO, calibrate_fertility, calibrate_survival

Values = NDArray[np.float64]


@dataclass(frozen=True)
class ObservedYear:
    """One year of an area system: stocks at both ends and the vital events of the whole Kreis."""

    start: Values
    """areas x sex x ages, disaggregated (`ages.disaggregate`)."""
    end: Values
    births: float
    deaths: float


def estimate_rates(
    observed: Sequence[ObservedYear], bands: Bands, fertility: Values, survival: Values
) -> tuple[Rates, Rates]:
    """Rates of the areas and of the Kreis as the mean of the observed years.

    `fertility` (ages) and `survival` (sex x cohorts) give the shapes; their levels are set by the Kreis' births and
    deaths. Net migration of the areas is averaged within the `bands`, because single years of an area are an estimate.
    Raises ValueError without an observed year or with events that do not fit the stocks.
    """
    if not observed:
        raise ValueError("at least one observed year is needed")
    years = len(observed)
    boys = SEX_RATIO / (1 + SEX_RATIO)
    start = sum((year.start for year in observed), np.zeros_like(observed[0].start))
    births, deaths = sum(year.births for year in observed), sum(year.deaths for year in observed)
    women = start[:, 1].sum(axis=0)
    # The projection lets a woman spend half of the year at the next age; its women are counted the same way.
    meanwhile = (women + np.append(0.0, women[:-1])) / 2
    meanwhile[-1] += women[-1] / 2
    fertility = calibrate_fertility(fertility, meanwhile, births)
    newborn = births * np.array([boys, 1 - boys])
    at_risk = np.concatenate([newborn[:, None], start.sum(axis=0)], axis=-1)
    survival = calibrate_survival(survival, at_risk, deaths)

    older = np.append(fertility[1:], fertility[-1])
    net = np.zeros_like(start)
    for year in observed:
        born = (year.start[:, 1] * (fertility + older) / 2).sum(axis=-1)
        cohorts = np.concatenate(
            [(born[:, None] * np.array([boys, 1 - boys]))[..., None], year.start], axis=-1
        )
        net += year.end - fold(cohorts * survival)
    areas = _rates(net / years, start / years, bands, fertility, survival)
    whole = _rates(
        net.sum(axis=0, keepdims=True) / years,
        start.sum(axis=0, keepdims=True) / years,
        bands,
        fertility,
        survival,
    )
    return areas, whole


def _rates(net: Values, start: Values, bands: Bands, fertility: Values, survival: Values) -> Rates:
    """Net migration per band: gains as persons spread like the band's persons, losses as rates of the same persons."""
    stayed = fold(np.concatenate([np.zeros((*start.shape[:-1], 1)), start], axis=-1))
    per_band, base = bands.sum(net), bands.sum(stayed)
    width = np.diff(np.append(bands.lower, bands.ages))
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where(bands.spread(base) > 0, stayed / bands.spread(base), bands.spread(1.0 / width))
        loss = np.where(base > 0, np.maximum(-per_band, 0.0) / base, 0.0)
    gains = bands.spread(np.maximum(per_band, 0.0)) * weight
    # A rate belongs to the age at the start of the year, the balance to the age at its end.
    leaving = bands.spread(np.minimum(loss, 0.5))
    leaving = np.concatenate([leaving[..., 1:], leaving[..., -1:]], axis=-1)
    return Rates(fertility[None], survival[None], gains, leaving)
