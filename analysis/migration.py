"""Rates of areas from what a Kreis has: stocks by age and sex, births, deaths and, where they are counted, departures.

Migration is what births and deaths leave unexplained between two stocks (residual method): net migration. Where
departures are counted they are taken as rates and the residual plus the departures are the arrivals, so that gross
flows
fit the stocks. Without them a positive balance becomes in-migration in persons, a negative one an out-migration rate;
in both cases an area cannot lose more persons than it has.

Few persons say little: the balance of an area's band is drawn to the Kreis' rate, its births and deaths to what its age
structure lets expect.

Belongs here: these estimates. Not here: the projection (`cohort`), the reading of released figures (`frames`).
Sources: Smith, Tayman & Swanson (2013), ch. 6 (residual net migration, forward survival) and 7 (gross flows); Preston,
Heuveline & Guillot (2001), Demography, ch. 6; Clayton & Kaldor (1987), Empirical Bayes Estimates of Age-standardized
Relative Risks, on drawing ratios of observed to expected events to 1.
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

MOST_LEAVING = 0.5
"""Share of an age that leaves within a year at most; beyond it a home closed, and that is no rate."""

EVENTS_HALF_WEIGHT = 50.0
"""Expected births (or deaths) after which an area's own level counts half."""


@dataclass(frozen=True)
class ObservedYear:
    """One year of an area system: stocks at both ends and the vital events of the whole Kreis."""

    start: Values
    """areas x sex x ages, disaggregated (`ages.disaggregate`)."""
    end: Values
    births: float
    deaths: float
    area_births: Values | None = None
    """Per area, NaN where withheld; None: the areas' levels are the Kreis'."""
    area_deaths: Values | None = None
    departures: Values | None = None
    """areas x ages at the start of the year: share of the persons that left the area; None: not counted."""


def estimate_rates(
    observed: Sequence[ObservedYear],
    bands: Bands,
    fertility: Values,
    survival: Values,
    half_weight: float = 0.0,
) -> tuple[Rates, Rates]:
    """Rates of the areas and of the Kreis as the mean of the observed years.

    `fertility` (ages) and `survival` (sex x cohorts) give the shapes; their levels are set by the Kreis' births and
    deaths. Net migration of the areas is averaged within the `bands`, because single years of an area are an estimate.
    `half_weight`: person-years in an area's band after which its own balance counts half against the Kreis' rate.
    Raises ValueError without an observed year or with events that do not fit the stocks.
    """
    if not observed:
        raise ValueError("at least one observed year is needed")
    years = len(observed)
    boys = SEX_RATIO / (1 + SEX_RATIO)
    start = sum((year.start for year in observed), np.zeros_like(observed[0].start))
    births, deaths = sum(year.births for year in observed), sum(year.deaths for year in observed)
    fertility = calibrate_fertility(fertility, _meanwhile(start[:, 1].sum(axis=0)), births)
    newborn = births * np.array([boys, 1 - boys])
    at_risk = np.concatenate([newborn[:, None], start.sum(axis=0)], axis=-1)
    survival = calibrate_survival(survival, at_risk, deaths)

    born = start[:, 1] @ ((fertility + _older(fertility)) / 2)
    own_fertility = fertility * _levels([year.area_births for year in observed], born)[:, None]
    dying = (start * (1 - survival[:, 1:])).sum(axis=(1, 2))
    own_survival = survival ** _levels([year.area_deaths for year in observed], dying)[:, None, None]

    net, whole_net = np.zeros_like(start), np.zeros_like(start[:1])
    for year in observed:
        net += year.end - _survivors(year.start, own_fertility, own_survival, boys)
        kreis = (year.start.sum(axis=0, keepdims=True), year.end.sum(axis=0, keepdims=True))
        whole_net += kreis[1] - _survivors(kreis[0], fertility[None], survival[None], boys)
    mean, whole_mean = start / years, start.sum(axis=0, keepdims=True) / years
    leaving, whole_leaving = _departures(observed)
    whole = _rates(
        bands.sum(whole_net / years), whole_mean, bands, (fertility[None], survival[None]), whole_leaving
    )
    per_band = _drawn(bands.sum(net), bands.sum(whole_net), bands.sum(start), half_weight) / years
    areas = _rates(per_band, mean, bands, (own_fertility, own_survival), leaving)
    return areas, whole


def _older(by_age: Values) -> Values:
    """Each age gets the figure of the next one; the open age keeps its own."""
    return np.concatenate([by_age[..., 1:], by_age[..., -1:]], axis=-1)


def _meanwhile(women: Values) -> Values:
    """Women by age of whom the projection lets each spend half of the year at the next age."""
    found: Values = (women + np.append(0.0, women[:-1])) / 2
    found[-1] += women[-1] / 2
    return found


def _levels(counted: Sequence[Values | None], expected: Values) -> Values:
    """Observed over expected events per area, drawn to 1; 1 where a year is withheld or nothing is counted."""
    known = [item for item in counted if item is not None]
    if len(known) < len(counted):
        return np.ones_like(expected)
    events = np.sum(known, axis=0)
    ratio = (events + EVENTS_HALF_WEIGHT) / (expected + EVENTS_HALF_WEIGHT)
    return np.where(np.isnan(ratio), 1.0, ratio)


def _survivors(start: Values, fertility: Values, survival: Values, boys: float) -> Values:
    """Stock at the end of the year without migration: areas x sex x ages."""
    born = (start[:, 1] * (fertility + _older(fertility)) / 2).sum(axis=-1)
    sexes = born[:, None] * np.array([boys, 1 - boys])
    return fold(np.concatenate([sexes[..., None], start], axis=-1) * survival)


def _departures(observed: Sequence[ObservedYear]) -> tuple[Values | None, Values | None]:
    """Mean share leaving by age at the start of the year, of the areas and of the Kreis; None: not counted."""
    known = [(year.departures, year.start.sum(axis=1)) for year in observed if year.departures is not None]
    if len(known) < len(observed):
        return None, None
    persons = np.sum([people for _, people in known], axis=0)
    left = np.sum([share * people for share, people in known], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        areas = np.where(persons > 0, left / persons, 0.0)
        kreis = np.where(persons.sum(axis=0) > 0, left.sum(axis=0) / persons.sum(axis=0), 0.0)
    return areas, kreis[None]


def _drawn(net: Values, whole: Values, persons: Values, half_weight: float) -> Values:
    """Net migration per band of the areas, drawn to the Kreis' rate by the person-years behind it."""
    if half_weight == 0:
        return net
    weight = persons / (persons + half_weight)
    with np.errstate(divide="ignore", invalid="ignore"):
        kreis = np.where(persons.sum(axis=0) > 0, whole / persons.sum(axis=0), 0.0)
    return np.asarray(weight * net + (1 - weight) * kreis * persons)


def _rates(
    per_band: Values, start: Values, bands: Bands, schedules: tuple[Values, Values], leaving: Values | None
) -> Rates:
    """Net migration per band: gains as persons spread like the band's persons, losses as rates of the same persons."""
    fertility, survival = schedules
    counted = np.zeros_like(start) if leaving is None else np.broadcast_to(leaving[:, None], start.shape)
    nobody = np.zeros((*start.shape[:-1], 1))
    stayed = fold(np.concatenate([nobody, start], axis=-1))
    departed = fold(np.concatenate([nobody, start * survival[..., 1:] * counted], axis=-1))
    gross, base = per_band + bands.sum(departed), bands.sum(stayed)
    width = np.diff(np.append(bands.lower, bands.ages))
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where(bands.spread(base) > 0, stayed / bands.spread(base), bands.spread(1.0 / width))
        loss = np.where(base > 0, np.maximum(-gross, 0.0) / base, 0.0)
    arriving = bands.spread(np.maximum(gross, 0.0)) * weight
    # A rate belongs to the age at the start of the year, the balance to the age at its end.
    beyond = bands.spread(np.minimum(loss, MOST_LEAVING))
    return Rates(fertility, survival, arriving, np.minimum(counted + _older(beyond), MOST_LEAVING))
