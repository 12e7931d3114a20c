"""Honest statistics for small areas: intervals, significance against a benchmark, funnel limits, shrinkage.

All counts are events x out of n persons (shares) or out of an expected number (rates); vectorised over areas.
A figure of a small area moves by chance alone; these functions say by how much.

Sources: Wilson (1927); Brown, Cai & DasGupta (2001), Interval Estimation for a Binomial Proportion; Breslow & Day
(1987), vol. 2, eq. 2.13-2.14 (Byar's approximation); APHO Technical Briefing 3 (2008); Spiegelhalter (2005), Funnel
Plots for Comparing Institutional Performance; Marshall (1991), Mapping
Disease and Mortality Rates Using Empirical Bayes Estimators;
Benjamini & Hochberg (1995).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, chi2, norm, poisson
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Interval:
    """Both ends per area, in the unit of the estimate; NaN where there is no base."""

    lower: Values
    upper: Values


def wilson(events: Values, persons: Values, confidence: float = 0.95) -> Interval:
    """Score interval of a share (0 … 1). Holds its confidence for small n and shares near 0 or 1."""
    safe = np.where(persons > 0, persons, np.nan)
    low, high = proportion_confint(events, safe, alpha=1 - confidence, method="wilson")
    return Interval(np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64))


def byar(events: Values, base: Values, confidence: float = 0.95) -> Interval:
    """Interval of a rate events / base, events being Poisson. Exact (chi-square) below 10 events, Byar above."""
    z = norm.ppf(0.5 + confidence / 2)
    tail = (1 - confidence) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        low = events * (1 - 1 / (9 * events) - z / (3 * np.sqrt(events))) ** 3
        more = events + 1
        high = more * (1 - 1 / (9 * more) + z / (3 * np.sqrt(more))) ** 3
        exact_low = np.where(events > 0, chi2.ppf(tail, 2 * np.maximum(events, 1)) / 2, 0.0)
        exact_high = chi2.ppf(1 - tail, 2 * more) / 2
        base = np.where(base > 0, base, np.nan)
        small = events < 10
        return Interval(np.where(small, exact_low, low) / base, np.where(small, exact_high, high) / base)


def share_differs(events: Values, persons: Values, benchmark: Values | float) -> Values:
    """Two-sided p-value of "this area has the share of the benchmark" (exact binomial, doubled tail)."""
    below, above = binom.cdf(events, persons, benchmark), binom.sf(events - 1, persons, benchmark)
    return np.asarray(np.where(persons > 0, np.minimum(1.0, 2 * np.minimum(below, above)), np.nan))


def rate_differs(events: Values, expected: Values) -> Values:
    """Two-sided p-value of "as many events as expected" (exact Poisson, doubled tail)."""
    below, above = poisson.cdf(events, expected), poisson.sf(events - 1, expected)
    return np.asarray(np.where(expected > 0, np.minimum(1.0, 2 * np.minimum(below, above)), np.nan))


def significant(p_values: Values, level: float = 0.05) -> Flags:
    """Which areas stand out when all are looked at together: false discovery rate held at `level`."""
    found = np.zeros(p_values.shape, dtype=np.bool_)
    known = ~np.isnan(p_values)
    if known.any():
        found[known] = multipletests(p_values[known], alpha=level, method="fdr_bh")[0]
    return found


def funnel_limits(benchmark: Values | float, persons: Values, confidence: float = 0.95) -> Interval:
    """Where the share of an area of this size lies by chance alone if its true share is the benchmark.

    Exact binomial quantiles, interpolated between whole numbers so that the funnel is smooth (Spiegelhalter 2005, A.1).
    """

    def end(probability: float) -> Values:
        count = binom.ppf(probability, persons, benchmark)
        at, before = binom.cdf(count, persons, benchmark), binom.cdf(count - 1, persons, benchmark)
        with np.errstate(divide="ignore", invalid="ignore"):
            part = np.where(at > before, (at - probability) / (at - before), 0.0)
            return np.asarray(np.clip((count - part) / np.where(persons > 0, persons, np.nan), 0.0, 1.0))

    tail = (1 - confidence) / 2
    return Interval(end(tail), end(1 - tail))


def rate_funnel_limits(benchmark: Values | float, base: Values, confidence: float = 0.95) -> Interval:
    """Where the rate events / base of an area of this size lies by chance alone if its true rate is the benchmark.

    Exact Poisson quantiles, interpolated as for shares (Spiegelhalter 2005, A.1).
    """
    expected = base * benchmark

    def end(probability: float) -> Values:
        count = poisson.ppf(probability, expected)
        at, before = poisson.cdf(count, expected), poisson.cdf(count - 1, expected)
        with np.errstate(divide="ignore", invalid="ignore"):
            part = np.where(at > before, (at - probability) / (at - before), 0.0)
            return np.asarray(np.maximum(count - part, 0.0) / np.where(base > 0, base, np.nan))

    tail = (1 - confidence) / 2
    return Interval(end(tail), end(1 - tail))


def shrink(events: Values, base: Values, *, is_share: bool = False) -> Values:
    """Empirical-Bayes rate per area: small areas are drawn towards the overall rate (Marshall 1991, global moments).

    `is_share`: events are some of the base (binomial variance), else they only relate to it (Poisson). Where the areas
    vary no more than chance explains, every area gets the overall rate.
    """
    overall = float(np.nansum(events) / np.nansum(base))
    rate = np.divide(events, base, out=np.full(events.shape, np.nan), where=base > 0)
    known = ~np.isnan(rate)
    mean_base = float(base[known].mean())
    spread = float((base[known] * (rate[known] - overall) ** 2).sum() / base[known].sum())
    unit = overall * (1 - overall) if is_share else overall
    between = max(spread - unit / mean_base, 0.0)
    within = np.divide(unit, base, out=np.full(base.shape, np.inf), where=base > 0)
    trust = between / (between + within) if between > 0 else np.zeros_like(base)
    return np.asarray(np.where(known, overall + trust * (np.where(known, rate, overall) - overall), np.nan))


@dataclass(frozen=True)
class Ranking:
    """Rank 1 is the highest rate. `lower`/`upper`: ranks that 90 % of the draws leave possible."""

    rank: Values
    lower: Values
    upper: Values
    is_reliable: bool
    """False: noise alone could turn the order, so a ranking must not be shown."""


def ranking(
    events: Values, base: Values, *, draws: int = 2000, seed: int = 1, tolerance: float = 1 / 3
) -> Ranking:
    """Ranks with their uncertainty: each rate drawn from its posterior (Gamma, Jeffreys prior).

    Reliable when the median width of the rank intervals is at most `tolerance` of the number of areas.
    """
    known = base > 0
    rank, lower, upper = (np.full(events.shape, np.nan) for _ in range(3))
    if not known.any():
        return Ranking(rank, lower, upper, False)
    generator = np.random.default_rng(seed)
    drawn = generator.gamma(events[known] + 0.5, 1.0, size=(draws, int(known.sum()))) / base[known]
    order = (-drawn).argsort(axis=1).argsort(axis=1) + 1
    rank[known] = (-(events[known] / base[known])).argsort().argsort() + 1
    lower[known], upper[known] = np.quantile(order, [0.05, 0.95], axis=0)
    width = float(np.median((upper - lower)[known]))
    return Ranking(rank, lower, upper, width <= tolerance * int(known.sum()))
