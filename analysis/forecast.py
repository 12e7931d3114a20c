"""Forecasts of indicators for one to five periods – with an interval that has proved itself, or none at all.

Every candidate is judged by *rolling origin*: it forecasts each later point of the series from the points before. A
more elaborate method is used only where it clearly beat the naive one; the naive forecast is always returned as well.
Method and interval are also chosen anew at every origin from what was known there, so that the reported error and
coverage are those of the whole procedure and not of the winner in hindsight.

The 80 % interval is conformal: the quantile of the method's own scaled back-test errors, of all series of a panel.
Model intervals assume that the model is right; on short series it rarely is.

Belongs here: candidates, refusal, the result. Not here: the back-test (`rolling_origin`), population (`cohort`), need
(`need`), what a forecast is called in a release.

Sources: Hyndman & Athanasopoulos (2021), Forecasting: Principles and Practice, ch. 5, 8, 9; Hyndman & Koehler (2006),
Another Look at Measures of Forecast Accuracy (MASE); Gardner & McKenzie (1985) on damped trends; Tashman (2000) on
rolling origins; Shafer & Vovk (2008), A Tutorial on Conformal Prediction.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.rolling_origin import FIRST_ORIGIN, ORIGINS_PER_HORIZON, Calibration, Method, back_test

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]

MINIMUM_POINTS = 8
"""Points since the last break without which nothing is forecast."""
JUDGED_FOR_REFUSAL = 50
LEAST_COVERAGE = 0.75
"""A panel whose intervals held less often in at least that many back-test points gets no forecast."""


def naive(series: Values, horizon: int) -> Values:
    """The last value goes on."""
    return np.full(horizon, series[-1])


def drift(series: Values, horizon: int) -> Values:
    """The mean change goes on."""
    return np.asarray(series[-1] + (series[-1] - series[0]) / (series.size - 1) * np.arange(1.0, horizon + 1))


def damped_trend(series: Values, horizon: int) -> Values:
    """Exponential smoothing with a damped additive trend (statsmodels)."""
    from statsmodels.tsa.holtwinters import Holt

    with warnings.catch_warnings():
        # Short series often stop at a bound of the smoothing weights; the back-test judges what comes out.
        warnings.simplefilter("ignore")
        fitted = Holt(series, damped_trend=True, initialization_method="estimated").fit()
    return np.asarray(fitted.forecast(horizon), dtype=np.float64)


def arima(order: tuple[int, int, int]) -> Method:
    """ARIMA of a small order by exact likelihood (statsmodels); a constant only without differences."""

    def method(series: Values, horizon: int) -> Values:
        from statsmodels.tsa.arima.model import ARIMA

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = ARIMA(series, order=order).fit(method="innovations_mle")
        return np.asarray(fitted.forecast(horizon), dtype=np.float64)

    return method


NAIVE = "unverändert fortgeschrieben"
SIMPLE: dict[str, Method] = {NAIVE: naive, "mittlere Veränderung fortgeschrieben": drift}
CANDIDATES: dict[str, Method] = SIMPLE | {
    "gedämpfter Trend (exponentielle Glättung)": damped_trend,
    "ARIMA (1,0,0)": arima((1, 0, 0)),
    "ARIMA (0,1,1)": arima((0, 1, 1)),
    "ARIMA (1,1,0)": arima((1, 1, 0)),
}
"""German name → method. The naive one has to be the first."""


@dataclass(frozen=True)
class Forecast:
    """Forecast of one series. Where `reason` (German half-sentence) is given, there is none and arrays are empty."""

    method: str
    value: Values
    lower: Values
    upper: Values
    naive: Values
    mase: float
    """Error of the procedure in the back-test, in mean one-step changes of the series."""
    naive_mase: float
    """Of the naive method at the same origins."""
    coverage: float
    """Share of back-test points of the whole panel inside the interval known before; nominal 0.8. NaN: too few."""
    coverage_points: int
    points: int
    reason: str


def since_break(values: Values, starts: Values, ends: Values, is_break: Flags) -> tuple[Values, str]:
    """The stretch a forecast may use, or why there is none. Arguments as for `trend.trend`."""
    first = int(np.flatnonzero(is_break)[-1]) if is_break.any() else 0
    hidden = np.flatnonzero(np.isnan(values))
    if values.size == 0 or np.isnan(values[-1]):
        return np.empty(0), "der jüngste Wert fehlt"
    gap = int(hidden[-1]) + 1 if hidden.size and hidden[-1] >= first else first
    series, begin, end = values[gap:], starts[gap:], ends[gap:]
    if series.size < MINIMUM_POINTS:
        since = (
            " seit der letzten Lücke" if gap > first else " seit dem letzten Bruch der Reihe" if first else ""
        )
        return np.empty(0), f"zu wenige Zeitpunkte{since} ({series.size} von {MINIMUM_POINTS})"
    if (begin[1:] <= end[:-1]).any():
        return np.empty(0), "die Zeiträume überschneiden sich"
    gaps = np.diff(end)
    if gaps.max() > 1.5 * gaps.min():
        return np.empty(0), "die Zeitpunkte liegen ungleich weit auseinander"
    if np.ptp(series[:FIRST_ORIGIN]) == 0:  # no change to measure errors by
        return np.empty(0), "die Werte ändern sich zu selten für eine Prognose"
    return series, ""


def forecast_panel(
    series: Sequence[tuple[Values, str]],
    horizon: int = 5,
    candidates: Mapping[str, Method] = CANDIDATES,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> list[Forecast]:
    """Forecasts of one indicator for several areas, whose errors calibrate one interval.

    `series`: per area the stretch and the refusal of `since_break`, all ending in the same period; `bounds`: what the
    indicator cannot leave (shares: 0 and 100). The horizon of an area is the longest that its history could test, at
    most `horizon`.
    """
    tests = [None if reason else back_test(stretch, horizon, candidates) for stretch, reason in series]
    calibration = Calibration.of([test for test in tests if test is not None])
    doubt = ""
    if calibration.judged >= JUDGED_FOR_REFUSAL and calibration.coverage < LEAST_COVERAGE:
        share = round(100 * calibration.coverage)
        doubt = f"die Unsicherheit lässt sich nicht verlässlich angeben (nur {share} % statt 80 % der Probeprognosen)"
    found = []
    for (stretch, reason), test in zip(series, tests, strict=True):
        if test is None or doubt:
            found.append(_refused(stretch.size, reason or doubt))
            continue
        length = min(horizon, stretch.size - FIRST_ORIGIN - ORIGINS_PER_HORIZON + 1)
        name = tuple(candidates)[test.best]
        value = candidates[name](stretch, length)
        reach = calibration.quantile[:length] * test.scale[-1]
        found.append(
            Forecast(
                method=name,
                value=np.clip(value, *bounds),
                lower=np.clip(value - reach, *bounds),
                upper=np.clip(value + reach, *bounds),
                naive=naive(stretch, length),
                mase=float(np.nanmean(test.of_picked)),
                naive_mase=float(np.nanmean(test.scaled[0])),
                coverage=calibration.coverage,
                coverage_points=calibration.judged,
                points=stretch.size,
                reason="",
            )
        )
    return found


def forecast(
    values: Values,
    starts: Values,
    ends: Values,
    is_break: Flags,
    horizon: int = 5,
    candidates: Mapping[str, Method] = CANDIDATES,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Forecast:
    """Forecast of a single series; its interval rests on its own errors alone and its coverage on few points."""
    return forecast_panel([since_break(values, starts, ends, is_break)], horizon, candidates, bounds)[0]


def _refused(points: int, reason: str) -> Forecast:
    nothing, nan = np.empty(0), float("nan")
    return Forecast("", nothing, nothing, nothing, nothing, nan, nan, nan, 0, points, reason)
