"""Back-test by rolling origin and the conformal interval that follows from it.

At every origin only earlier points are known: the methods forecast from them, the method is picked by the errors whose
target is known by then, and so is the interval. What is reported is therefore the procedure's own record.

Belongs here: errors, choice, calibration. Not here: the methods and the words (`forecast`).
Sources: Tashman (2000), Out-of-sample Tests of Forecasting Accuracy; Hyndman & Koehler (2006) (MASE); Shafer & Vovk
(2008), A Tutorial on Conformal Prediction; Hyndman & Athanasopoulos (2021), Forecasting: Principles and Practice, 5.10.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Method = Callable[[Values, int], Values]
"""Series and horizon → forecast of that many points."""

FIRST_ORIGIN = 5
"""Points a method sees at least."""
ORIGINS_PER_HORIZON = 3
"""Back-tests a horizon needs; longer horizons are not forecast."""
MARGIN = 0.9
"""A method replaces the naive one only if its error is at most this share of the naive error."""
CONFIDENCE = 0.8
SCORES_FOR_INTERVAL = 6
"""Scored errors known at an origin before its interval is judged."""
WIDENING_PRIOR = 0.5
"""Periods with due forecasts after which the record of earlier intervals counts half."""
CALM_LIMIT = 0.5
"""Share of the present mean change below which an earlier one is no measure of errors any more."""
POWER_PRIOR = 20.0
"""Scored errors after which their own growth over the horizon counts half."""


@dataclass(frozen=True)
class BackTest:
    """One series. Origin o has seen `o + FIRST_ORIGIN` points; the naive method is the first."""

    scaled: Values
    """methods x origins x horizons: absolute errors in mean one-step changes; NaN beyond the end of the series,
    infinite where a method found no forecast."""
    scale: Values
    """Mean absolute one-step change up to each origin, and of the whole series as the last entry."""

    @cached_property
    def best(self) -> int:
        """The method to use from now on: the procedure as a whole has to have been worth it."""
        if np.nanmean(self.of_picked) > np.nanmean(self.scaled[0]):
            return 0
        return _best(self.scaled)

    @cached_property
    def picks(self) -> NDArray[np.int64]:
        """The method that would have been used at each origin."""
        picks = np.zeros(self.scaled.shape[1], dtype=np.int64)
        for origin in range(1, picks.size):
            known = _known(self.scaled, origin)
            if np.isfinite(known[0]).sum() >= ORIGINS_PER_HORIZON:
                picks[origin] = _best(known)
        return picks

    @cached_property
    def of_picked(self) -> Values:
        """origins x horizons: errors of the methods picked at each origin."""
        return np.asarray(np.take_along_axis(self.scaled, self.picks[None, :, None], axis=0)[0])


def back_test(series: Values, horizon: int, candidates: Mapping[str, Method]) -> BackTest:
    """Every candidate from every origin. The first steps of the series must not all be equal (scale 0)."""
    origins = range(FIRST_ORIGIN, series.size)
    error = np.full((len(candidates), len(origins), horizon), np.nan)
    for row, method in enumerate(candidates.values()):
        for column, origin in enumerate(origins):
            ahead = series[origin : origin + horizon]
            try:
                predicted = method(series[:origin], ahead.size)
            except (ValueError, np.linalg.LinAlgError):
                # A likelihood without maximum on few points: the method has nothing to offer here.
                predicted = np.full(ahead.size, np.inf)
            error[row, column, : ahead.size] = np.abs(
                ahead - np.where(np.isfinite(predicted), predicted, np.inf)
            )
    changes = np.abs(np.diff(series))
    scale = np.array([changes[: origin - 1].mean() for origin in [*origins, series.size]])
    return BackTest(error / scale[:-1, None], scale)


def _best(scaled: Values) -> int:
    """The method with the least mean error, if it clearly beats the naive one."""
    mean = np.nanmean(scaled, axis=(1, 2))
    best = int(np.argmin(mean))
    return best if mean[best] <= MARGIN * mean[0] else 0


def _known(scaled: Values, origin: int) -> Values:
    """Errors known at an origin: earlier origin + horizon is not later. NaN elsewhere."""
    earlier = np.arange(scaled.shape[-2])[:, None] + np.arange(1, scaled.shape[-1] + 1) <= origin
    return np.where(earlier, scaled, np.nan)


@dataclass(frozen=True)
class Calibration:
    """Interval of a panel of series, and how its predecessors did."""

    quantile: Values
    """Half width per horizon, in mean one-step changes of a series."""
    coverage: float
    """Share of back-test points inside the interval known before; NaN where nothing could be judged."""
    judged: int

    @classmethod
    def of(cls, tests: Sequence[BackTest]) -> Calibration:
        """The series are aligned at their ends: they end in the same period."""
        if not tests:
            return cls(np.empty(0), float("nan"), 0)
        longest = max(test.picks.size for test in tests)
        methods, _, horizon = tests[0].scaled.shape
        errors = np.full((len(tests), methods, longest, horizon), np.nan)
        picks = np.zeros((len(tests), longest), dtype=np.int64)
        scales = np.ones((len(tests), longest + 1))
        for row, test in enumerate(tests):
            first = longest - test.picks.size
            errors[row, :, first:] = test.scaled * test.scale[:-1, None]
            picks[row, first:] = test.picks
            scales[row, first:] = test.scale
        every = np.arange(len(tests))
        ratios = np.full((len(tests), longest, horizon), np.nan)
        hits = np.full((len(tests), longest, horizon), np.nan)
        for origin in range(1, longest):
            picked = _scores(errors[every, picks[:, origin]], scales, origin)
            known = _known(picked, origin)
            if np.isfinite(known).sum() >= SCORES_FOR_INTERVAL:
                now, reach = picked[:, origin], np.maximum(_quantiles(known), 1e-9)
                widening = _widening(_known(ratios, origin))
                ratios[:, origin] = now / reach
                hits[:, origin] = np.where(np.isnan(now), np.nan, now <= reach * widening)
        judged = hits[~np.isnan(hits)]
        coverage = float(judged.mean()) if judged.size else float("nan")
        final = np.array([test.best for test in tests])
        scores = _scores(errors[every, final], scales, longest)
        return cls(_quantiles(scores) * _widening(ratios), coverage, judged.size)


def _scores(errors: Values, scales: Values, origin: int) -> Values:
    """Errors (series x origins x horizons) in the mean change known when they were made – or in a share of that known
    at
    `origin`, where this is more: a calm beginning makes the errors of a later shock look huge, and multiplied by the
    changes of the lively end they would count the shock twice."""
    then, now = scales[:, :-1], scales[:, origin, None]
    return np.asarray(errors / np.maximum(then, CALM_LIMIT * now)[..., None])


def _widening(ratios: Values) -> float:
    """Factor by which earlier intervals turned out too narrow, from errors over half widths of series x
    origins x horizons: its nominal quantile, drawn to 1 while few periods have come due.

    Corrects what errors of the past systematically miss: events that move all areas at once, growing changes. It only
    widens: a few good years are no reason for a narrow interval.
    """
    if not np.isfinite(ratios).any():
        return 1.0
    _, origins, horizon = ratios.shape
    due = np.arange(origins)[:, None] + np.arange(1, horizon + 1)
    periods = np.unique(due[np.isfinite(ratios).any(axis=0)]).size
    found = float(np.quantile(ratios[np.isfinite(ratios)], CONFIDENCE))
    return float(np.maximum(found, 1.0) ** (periods / (periods + WIDENING_PRIOR)))


def _quantiles(scores: Values) -> Values:
    """Half width per horizon, from scores of series x origins x horizons.

    Scores are pooled over the horizons after division by a power of the horizon: how errors grow with it, by least
    squares over the logarithms of their means, drawn to the square root (random walk).
    """
    steps = np.arange(1.0, scores.shape[-1] + 1)
    finite = np.isfinite(scores)
    count = finite.sum(axis=(0, 1))
    power, some = 0.5, count >= 2
    if some.sum() >= 2:
        mean = np.where(finite, scores, 0.0).sum(axis=(0, 1))[some] / count[some]
        x, weight = np.log(steps[some]), count[some].astype(np.float64)
        centred = x - np.average(x, weights=weight)
        slope = (weight * centred * np.log(np.maximum(mean, 1e-9))).sum() / (weight * centred**2).sum()
        trust = count.sum() / (count.sum() + POWER_PRIOR)
        power = float(np.clip(trust * slope + (1 - trust) * 0.5, 0.0, 1.0))
    even = np.where(finite, scores / steps**power, np.nan)
    level = min(CONFIDENCE * (1 + 0.5 / _independent(even)), 1.0)
    return (
        np.asarray(np.nanquantile(even, level) * steps**power)
        if finite.any()
        else np.full(steps.size, np.nan)
    )


def _independent(scores: Values) -> float:
    """How many independent errors the scores are worth.

    Errors of one origin hang together over the horizons: they count once. Errors of several series at one origin hang
    together where one event moved all of them: they count by the intraclass correlation of their means (design effect,
    Kish 1965).
    """
    some = np.isfinite(scores).any(axis=-1)
    means = np.where(
        some, np.nansum(scores, axis=-1) / np.maximum(np.isfinite(scores).sum(axis=-1), 1), np.nan
    )
    per_origin = some.sum(axis=0)
    total = int(some.sum())
    times = int((per_origin > 0).sum())
    if total <= times or times < 2:
        return float(max(times, 1))
    centre = np.where(some, means, 0.0).sum(axis=0) / np.maximum(per_origin, 1)
    within = float((np.where(some, means - centre, 0.0) ** 2).sum() / max(total - times, 1))
    overall = float(np.nanmean(means))
    size = total / times
    between = float((per_origin * np.where(per_origin > 0, centre - overall, 0.0) ** 2).sum() / (times - 1))
    correlation = float(np.clip((between - within) / max(between + (size - 1) * within, 1e-12), 0.0, 1.0))
    return total / (1 + (size - 1) * correlation)
