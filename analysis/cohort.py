"""Cohort-component projection: area x sex x single year of age, year by year, conserving every person.

    stock + births - deaths + in-migration - out-migration + reconciliation + planned = next stock

holds per area, sex and age, and in sum; every term is returned (`Projection`). Persons are real numbers: rounding is
for display, otherwise small areas would lose or gain persons by it.

Belongs here: the yearly step, the reconciliation with the Kreis, a planner's changes, scenario paths. Not here:
schedules (`vital`), bands (`ages`), estimation (`migration`), the fallback without flows (`hamilton_perry`), files.

Axes: areas x sex (0 male, 1 female) x age (0 … top, open). Flows are on the cohort axis (see `vital`): entry 0 are the
newborn of the year, entry c persons aged c - 1 at its start; the last two end in the open age group.

Sources: Preston, Heuveline & Guillot (2001), Demography, ch. 6; Smith, Tayman & Swanson (2013), A Practitioner's Guide
to State and Local Population Projections, ch. 7 (components) and 10 (reconciling areas with their whole).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.vital import SEX_RATIO, Scenario, shift_expectancy

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Rates:
    """What happens in one year. The first axis is areas, or 1 where all areas share a schedule.

    Raises ValueError where a rate is no rate.
    """

    fertility: Values
    """areas x ages: births per woman."""
    survival: Values
    """areas x sex x cohorts (ages + 1)."""
    in_migration: Values
    """areas x sex x ages at the end of the year: persons, from anywhere outside the area."""
    out_migration: Values
    """areas x sex x ages at the start of the year: share of the survivors that leaves the area."""
    sex_ratio: float = SEX_RATIO

    def __post_init__(self) -> None:
        shares = (self.survival, self.out_migration)
        if any(not ((part >= 0) & (part <= 1)).all() for part in shares):
            raise ValueError("survival and out-migration are shares between 0 and 1")
        if not ((self.fertility >= 0).all() and (self.in_migration >= 0).all() and self.sex_ratio > 0):
            raise ValueError("fertility, in-migration and sex ratio cannot be negative")
        if self.survival.shape[-1] != self.fertility.shape[-1] + 1:
            raise ValueError("survival needs one entry more than there are ages: the newborn")


@dataclass(frozen=True)
class Change:
    """Something a planner knows: a housing area that fills, a home that closes."""

    area: int
    year: int
    """Calendar year in which it happens; the stock at its end contains it."""
    persons: Values
    """sex x ages at the end of the year; negative where persons leave."""
    within_kreis: float = 0.0
    """Share that moves within the Kreis: those persons are missing (or arrive) in the other areas."""


def new_housing(
    area: int,
    year: int,
    dwellings: float,
    persons_per_dwelling: float,
    age_profile: Values,
    *,
    within_kreis: float = 0.0,
    years: int = 1,
) -> list[Change]:
    """A new housing area, filled evenly over `years`. `age_profile`: sex x ages, any scale."""
    persons = age_profile / age_profile.sum() * dwellings * persons_per_dwelling / years
    return [Change(area, year + offset, persons, within_kreis) for offset in range(years)]


def closure(
    area: int, year: int, persons: float, age_profile: Values, *, within_kreis: float = 0.0
) -> list[Change]:
    """A facility in which `persons` live closes. More persons of an age than live there cannot leave."""
    return [Change(area, year, -age_profile / age_profile.sum() * persons, within_kreis)]


@dataclass(frozen=True)
class Projection:
    """All terms of the balance. T years, n areas, A ages."""

    first_year: int
    """Year at whose end the starting stock was counted."""
    stock: Values
    """(T + 1) x n x 2 x A; entry 0 is the starting stock."""
    births: Values
    """T x n x 2."""
    deaths: Values
    """T x n x 2 x (A + 1), newborn first."""
    in_migration: Values
    """T x n x 2 x A, by age at the end of the year."""
    out_migration: Values
    """T x n x 2 x (A + 1)."""
    reconciliation: Values
    """T x n x 2 x A: signed persons by which the areas were brought to the Kreis. Counts as net migration."""
    planned: Values
    """T x n x 2 x A: signed persons of a planner's changes. Counts as net migration."""

    @property
    def net_migration(self) -> Values:
        """T x n x 2 x A, by age at the end of the year."""
        moved = self.in_migration - fold(self.out_migration)
        return moved + self.reconciliation + self.planned


def fold(cohorts: Values) -> Values:
    """Cohort axis → age at the end of the year; the last two cohorts meet in the open age group."""
    ages = cohorts[..., :-1].copy()
    ages[..., -1] += cohorts[..., -1]
    return ages


def rake(parts: Values, whole: Values, weights: Values) -> Values:
    """Parts (areas first) scaled to add up to `whole` at every sex and age.

    Where no area has anybody but the whole has, the persons go to the areas by `weights` (one per area).
    """
    total = parts.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = parts * np.where(total > 0, whole / total, 0.0)
    share = (weights / weights.sum()) if weights.sum() > 0 else np.full(weights.size, 1 / weights.size)
    spread = share.reshape(-1, *([1] * (parts.ndim - 1))) * whole
    return np.asarray(np.where(total > 0, scaled, spread))


@dataclass(frozen=True)
class _Flows:
    births: Values
    deaths: Values
    out_migration: Values
    end: Values


def _flows(stock: Values, rates: Rates, births: Values | None = None, deaths: Values | None = None) -> _Flows:
    """One year of births, deaths and migration; the Kreis' births and deaths, where given, are met exactly."""
    if births is None:
        births = _births(stock, rates)
    at_risk = np.concatenate([births[..., None], stock], axis=-1)
    own = at_risk * (1 - rates.survival)
    lost = own if deaths is None else _meet(at_risk, own, deaths)
    leaving = np.concatenate([np.zeros((*rates.out_migration.shape[:-1], 1)), rates.out_migration], axis=-1)
    out = (at_risk - lost) * leaving
    end = fold(at_risk - lost - out) + rates.in_migration
    return _Flows(births, lost, out, end)


def _births(stock: Values, rates: Rates) -> Values:
    """Births by sex. A woman spends half of the year at her age at its start and half at the next."""
    women = stock[:, 1]
    fertility = rates.fertility
    older = np.concatenate([fertility[..., 1:], fertility[..., -1:]], axis=-1)
    born = (women * (fertility + older) / 2).sum(axis=-1)
    boys = rates.sex_ratio / (1 + rates.sex_ratio)
    return np.stack([born * boys, born * (1 - boys)], axis=-1)


def _meet(at_risk: Values, deaths: Values, wanted: Values) -> Values:
    """Deaths of the areas scaled to the Kreis' deaths; where that means more deaths, survivors are scaled down
    instead, so that nowhere more die than live."""
    total, alive = deaths.sum(axis=0), (at_risk - deaths).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        fewer = deaths * np.where(total > 0, wanted / total, 0.0)
        left = np.where(alive > 0, np.maximum(alive + total - wanted, 0.0) / alive, 0.0)
    return np.asarray(np.where(wanted <= total, fewer, at_risk - (at_risk - deaths) * left))


def project(
    stock: Values,
    rates: Sequence[Rates],
    *,
    first_year: int,
    kreis: Sequence[Rates] | None = None,
    control: Values | None = None,
    changes: Sequence[Change] = (),
) -> Projection:
    """One step per entry of `rates`, from the stock at the end of `first_year` (areas x sex x ages).

    `kreis`: rates of the Kreis (first axis 1): the Kreis is projected on its own each year; births and deaths of the
    areas are scaled to its births and deaths, what then remains between the areas and the Kreis goes proportionally
    to every area as `reconciliation`. `control`: T x sex x ages, an official projection of the Kreis, met instead.
    A planner's `changes` come after the reconciliation with `kreis` and raise or lower the Kreis by what crosses its
    border; an official `control` is taken to contain them and is met at the end.

    Raises ValueError on negative stocks, contradicting wholes, or changes outside the horizon.
    """
    if (stock < 0).any() or not np.isfinite(stock).all():
        raise ValueError("a stock is a number of persons in every cell")
    if kreis is not None and control is not None:
        raise ValueError("the areas are brought to one Kreis projection, not to two")
    years = range(first_year + 1, first_year + 1 + len(rates))
    if any(change.year not in years or not 0 <= change.area < stock.shape[0] for change in changes):
        raise ValueError("a change lies outside the areas or years of the projection")
    stocks, parts = [stock], []
    for step, year in enumerate(years):
        now = stocks[-1]
        whole = None if kreis is None else _flows(now.sum(axis=0, keepdims=True), kreis[step])
        if whole is None:
            flows = _flows(now, rates[step])
        else:
            persons = now.sum(axis=(1, 2))
            births = rake(_births(now, rates[step]), whole.births[0], persons)
            flows = _flows(now, rates[step], births, whole.deaths[0])
        size = flows.end.sum(axis=(1, 2))
        met = flows.end if whole is None else rake(flows.end, whole.end[0], size)
        planned = _planned(met, [change for change in changes if change.year == year])
        ended = met + planned
        if control is not None:
            ended = rake(ended, control[step], size)
        stocks.append(np.maximum(ended, 0.0))
        arrived = np.broadcast_to(rates[step].in_migration, stock.shape)
        parts.append(
            (flows.births, flows.deaths, arrived, flows.out_migration, ended - planned - flows.end, planned)
        )
    return Projection(first_year, np.stack(stocks), *(np.stack(term) for term in zip(*parts, strict=True)))


def _planned(stock: Values, changes: Sequence[Change]) -> Values:
    """Signed persons of the changes of a year, areas x sex x ages. Nobody leaves who is not there."""
    planned = np.zeros_like(stock)
    for change in changes:
        now = stock + planned
        own = np.maximum(change.persons, -now[change.area])
        others = now.copy()
        others[change.area] = 0.0
        available = others.sum(axis=0)
        # Other areas can give no more than live there; what they lack comes from outside the Kreis.
        moved = np.minimum(own * change.within_kreis, available)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(available > 0, others / available, 0.0)
        planned[change.area] += own
        planned -= share * moved
    return planned


def paths(base: Rates, scenario: Scenario, years: int) -> tuple[Rates, ...]:
    """Today's rates led through a scenario, one entry per year."""
    found = []
    for year in range(1, years + 1):
        reached = min(year / scenario.years_until, 1.0)
        found.append(
            replace(
                base,
                fertility=base.fertility * (1 + (scenario.fertility - 1) * reached),
                survival=shift_expectancy(base.survival, scenario.expectancy_gain * year),
                in_migration=base.in_migration * (1 + (scenario.in_migration - 1) * reached),
            )
        )
    return tuple(found)
