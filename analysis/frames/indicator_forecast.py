"""Forecasts of indicators: released series in, forecasts and the record of their back-tests out.

One panel per indicator and level: the areas of a level calibrate one interval together.

Belongs here: series from rows, the long table. Not here: methods and intervals (`analysis.forecast`), German
sentences of
dashboards (published models).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.forecast import CANDIDATES, SIMPLE, Forecast, forecast_panel, since_break
from analysis.rolling_origin import CONFIDENCE, FIRST_ORIGIN, Method

Values = NDArray[np.float64]

FEW_AREAS = 2
"""Panels of at most so many series are tried with fitted methods as well; a fit costs too much for hundreds."""
FITTED = ("gedämpfter Trend (exponentielle Glättung)", "ARIMA (0,1,1)")
FEW: Mapping[str, Method] = SIMPLE | {name: CANDIDATES[name] for name in FITTED}
LONGEST_HISTORY = 30
"""Latest points of a series that are used; older ones say little and each costs a back-test."""
DAYS_OF_A_YEAR = 365.25
TYPES = {
    "indicator_id": "string",
    "area_key": "string",
    "horizon": "int32",
    "period_end": "datetime64[us]",
    "target_year": "Int32",
    "value": "float64",
    "value_low": "float64",
    "value_high": "float64",
    "confidence": "float64",
    "naive_value": "float64",
    "method": "string",
    "points": "int32",
    "origins": "int32",
    "mase": "float64",
    "mase_naive": "float64",
    "coverage": "float64",
    "coverage_points": "int32",
    "is_forecast": "boolean",
    "reason": "string",
}


def forecasts(
    series: pd.DataFrame, points: pd.DataFrame, areas: pd.DataFrame, indicators: pd.DataFrame
) -> pd.DataFrame:
    """One row per area and step; `horizon` 0 is the record of the back-test (or the refusal) of the series.

    `series`: indicator_id, area_system, area_level, horizon, position; `points`: indicator_id, area_key, period_end,
    start_day, end_day, value, is_break – one figure per year, in the boundaries of today, nothing after the latest
    released figure of the indicator; `areas`: area_key, area_system, area_level, is_current, is_unassigned;
    `indicators`: indicator_id, kind, factor.
    """
    rows: list[dict[str, object]] = []
    today = areas[areas["is_current"] & ~areas["is_unassigned"]]
    for wanted in series.sort_values("position").to_dict("records"):
        at_level = (today["area_system"] == wanted["area_system"]) & (
            today["area_level"] == wanted["area_level"]
        )
        keys = sorted(today.loc[at_level, "area_key"])
        own = points[(points["indicator_id"] == wanted["indicator_id"]) & points["area_key"].isin(keys)]
        if own["value"].notna().any():
            about = indicators[indicators["indicator_id"] == wanted["indicator_id"]].iloc[0]
            rows += _panel(str(wanted["indicator_id"]), keys, own, int(wanted["horizon"]), about)
    table = pd.DataFrame(rows, columns=list(TYPES))
    table["period_end"] = pd.to_datetime(table["period_end"])
    return table.astype(TYPES)


def _panel(
    indicator: str, keys: list[str], rows: pd.DataFrame, horizon: int, about: pd.Series
) -> Iterator[dict[str, object]]:
    ends = np.sort(rows["end_day"].unique())[-LONGEST_HISTORY:]
    values, breaks, starts = (
        rows.pivot(index="area_key", columns="end_day", values=name).reindex(index=keys, columns=ends)
        for name in ("value", "is_break", "start_day")
    )
    figures = values.to_numpy(dtype=np.float64, na_value=np.nan)
    marked = breaks.to_numpy(dtype=object) == True  # noqa: E712 - an area may lack a period
    begins = starts.min().to_numpy(dtype=np.float64)
    stretches = [_stretch(row, begins, ends, flags) for row, flags in zip(figures, marked, strict=True)]
    usable = sum(not reason for _, reason in stretches)
    found = forecast_panel(
        stretches, horizon, FEW if usable <= FEW_AREAS else SIMPLE, _bounds(figures, about)
    )
    step = max(round((ends[-1] - ends[-2]) / DAYS_OF_A_YEAR), 1) if ends.size > 1 else 1
    last = pd.Timestamp(0) + pd.Timedelta(days=float(ends[-1]))
    for key, item in zip(keys, found, strict=True):
        yield from _rows(indicator, key, item, last, step)


def _stretch(figures: Values, starts: Values, ends: Values, breaks: NDArray[np.bool_]) -> tuple[Values, str]:
    """What may be used of a series; periods before the first figure are no gap."""
    first = int(np.argmax(~np.isnan(figures))) if (~np.isnan(figures)).any() else 0
    return since_break(figures[first:], starts[first:], ends[first:], breaks[first:])


def _bounds(figures: Values, about: pd.Series) -> tuple[float, float]:
    """What the indicator cannot leave: nothing below zero where nothing ever was, shares up to the whole."""
    lower = 0.0 if not (figures < 0).any() else -np.inf
    return lower, float(about["factor"]) if about["kind"] == "share" else np.inf


def _rows(
    indicator: str, key: str, item: Forecast, last: pd.Timestamp, step: int
) -> Iterator[dict[str, object]]:
    given = not item.reason
    record = {
        "indicator_id": indicator,
        "area_key": key,
        "method": item.method or None,
        "points": item.points,
        "origins": max(item.points - FIRST_ORIGIN, 0) if given else 0,
        "mase": item.mase,
        "mase_naive": item.naive_mase,
        "coverage": item.coverage,
        "coverage_points": item.coverage_points,
        "is_forecast": given,
        "reason": item.reason or None,
    }
    yield {**record, "horizon": 0, "period_end": last}
    for ahead in range(item.value.size):
        end = last + pd.DateOffset(years=step * (ahead + 1))
        yield {
            **record,
            "horizon": ahead + 1,
            "period_end": end,
            "target_year": end.year,
            "value": item.value[ahead],
            "value_low": item.lower[ahead],
            "value_high": item.upper[ahead],
            "confidence": CONFIDENCE,
            "naive_value": item.naive[ahead],
        }


__all__ = ["FEW_AREAS", "TYPES", "forecasts"]
