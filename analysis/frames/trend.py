"""Trends and early warnings of all series of an instance at once.

A trend is stated only where its preconditions hold: five points since the last break, periods that do not overlap, no
long gap. Words come from wording.py, the test from `analysis.trend`. Does not belong here: how points come about (dbt).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.frames import groupwise, wording
from analysis.frames.counts import Counts, change_p
from analysis.frames.labels import labels, texts
from analysis.trend import mann_kendall, sen_slope

MINIMUM_POINTS: Final = 5
LEVEL: Final = 0.05
LONGEST_GAP: Final = 2.5
"""In usual distances between the points: one withheld or missing period is bridged, two in a row are not."""
EARLIER_CHANGES: Final = 3
"""A jump is judged against what the series usually does: this many earlier changes have to be known."""

_DAYS_PER_YEAR: Final = 365.25
_CHUNK: Final = 20_000


def trends(series: pd.DataFrame, points: pd.DataFrame, periods: pd.DataFrame) -> pd.DataFrame:
    """Trend and warning of every series.

    `series`: series_id, group_id (indicator × level), polarity, unit, decimals, factor, method (None: not counted),
    latest_day (last day of the indicator's latest period); `points`: series_id, start_day, end_day, value, numerator,
    denominator, is_break (day numbers); `periods`: start_day, end_day, period_label. One row per series in the columns
    of fct_indicator_trend, first_day and last_day in place of the periods.
    """
    used = _last_stretch(points, series)
    found = _preconditions(series.set_index("series_id"), used)
    tested = used[used["series_id"].map(found["code"]) == ""]
    found = found.join(_tests(tested))
    found["p_adjusted"] = groupwise.adjusted_p(
        found["p_value"].to_numpy(dtype=np.float64), found["group_id"].to_numpy(dtype=np.int64)
    )
    found["direction"] = np.select(
        [
            found["p_value"].isna(),
            found["p_value"] >= LEVEL,
            found["slope_per_year"] > 0,
            found["slope_per_year"] < 0,
        ],
        ["unknown", "none", "rising", "falling"],
        default="none",
    )
    found["reason"] = _reasons(found)
    found["assessment"] = labels(wording.assess, found["direction"], found["polarity"]).to_numpy()
    found["wording"] = labels(
        wording.trend_wording, found["direction"], found["polarity"], found["reason"]
    ).to_numpy()
    found = found.join(_warnings(found, used, periods))
    found["slope_label"] = [
        wording.slope_label(slope, digits, unit) if slope == slope else ""
        for slope, digits, unit in zip(found["slope_per_year"], found["decimals"], found["unit"], strict=True)
    ]
    found["direction_label"] = found["direction"].map(wording.DIRECTION)
    found["assessment_label"] = found["assessment"].map(wording.ASSESSMENT)
    found["warning_kind_label"] = found["warning_kind"].map(wording.WARNING_KIND)
    return _typed(found.reset_index())


def _last_stretch(points: pd.DataFrame, series: pd.DataFrame) -> pd.DataFrame:
    """Points with a value since the last break, in order, with the unrounded value where the parts are released."""
    ordered = points.sort_values(["series_id", "end_day"], kind="stable").merge(
        series[["series_id", "factor", "method"]], on="series_id"
    )
    by_series = ordered.groupby("series_id")["is_break"]
    breaks = by_series.cumsum()
    ordered["after_break"] = by_series.transform("sum") > 0
    last = ordered[(breaks == by_series.transform("sum")) & ordered["value"].notna()].copy()
    # The released value is rounded; ties of rounded values hide a slow movement.
    parts = last["factor"] * last["numerator"] / last["denominator"].where(last["denominator"] != 0, np.nan)
    last["value"] = parts.where(parts.notna() & last["method"].notna(), last["value"])
    last["position"] = last.groupby("series_id").cumcount()
    last["left"] = last.groupby("series_id").cumcount(ascending=False)
    return last


def _preconditions(series: pd.DataFrame, used: pd.DataFrame) -> pd.DataFrame:
    """`series` with points, first_day, last_day, and the code of what forbids a trend (empty: nothing)."""
    groups = used.groupby("series_id")
    before = groups["end_day"].shift()
    gap = (used["end_day"] - before).groupby(used["series_id"])
    found = series.assign(
        points=groups.size(),
        first_day=groups["end_day"].first(),
        last_day=groups["end_day"].last(),
        after_break=groups["after_break"].first(),
        overlap=(used["start_day"] <= before).groupby(used["series_id"]).any(),
        gap=gap.max() / gap.median(),
    )
    found["points"] = found["points"].fillna(0).astype("int64")
    found["code"] = np.select(
        [found["points"] < MINIMUM_POINTS, found["overlap"].eq(True), found["gap"] > LONGEST_GAP],
        ["few", "overlap", "gaps"],
        default="",
    )
    return found


def _tests(tested: pd.DataFrame) -> pd.DataFrame:
    """p_value and slope_per_year by series; series of the same length are tested together."""
    length = tested.groupby("series_id")["value"].transform("size")
    found = []
    for size, same in tested.groupby(length):
        ids = same["series_id"].to_numpy()[:: int(size)]
        values = same["value"].to_numpy(dtype=np.float64).reshape(-1, int(size))
        times = same["end_day"].to_numpy(dtype=np.float64).reshape(-1, int(size)) / _DAYS_PER_YEAR
        for start in range(0, len(ids), _CHUNK):
            rows = slice(start, start + _CHUNK)
            found.append(
                pd.DataFrame(
                    {
                        "p_value": mann_kendall(values[rows]),
                        "slope_per_year": sen_slope(values[rows], times[rows]),
                    },
                    index=pd.Index(ids[rows], name="series_id"),
                )
            )
    return (
        pd.concat(found) if found else pd.DataFrame({"p_value": [], "slope_per_year": []}, dtype=np.float64)
    )


def _warnings(found: pd.DataFrame, used: pd.DataFrame, periods: pd.DataFrame) -> pd.DataFrame:
    """is_warning, warning_kind, warning_text by series.

    Chance is excluded twice: the test over the areas of the level (false discovery rate), and the difference of the
    counts themselves. A series that does not reach the indicator's latest period (withheld, not delivered) gives no
    warning; a break or reform has ended the stretch before.
    """
    ends = {
        name: used[used[column] == row].set_index("series_id").reindex(found.index)
        for name, column, row in (("first", "position", 0), ("previous", "left", 1), ("last", "left", 0))
    }
    last, previous = ends["last"], ends["previous"]
    is_current = (found["last_day"] == found["latest_day"]) & (found["points"] > 1)
    group = found["group_id"].to_numpy(dtype=np.int64)
    counted = found["method"].notna()

    def differs(start: pd.DataFrame) -> NDArray[np.bool_]:
        p_value = change_p(Counts.of(start), Counts.of(last))
        return groupwise.adjusted_p(np.where(counted, p_value, np.nan), group) <= LEVEL

    unfavourable = found["assessment"] == "unfavourable"
    trend = is_current & unfavourable & (found["p_adjusted"] <= LEVEL) & (differs(ends["first"]) | ~counted)

    change = used["value"] - used.groupby("series_id")["value"].shift()
    earlier = change.where(used["left"] > 0).abs().groupby(used["series_id"])
    step = last["value"] - previous["value"]
    moved = pd.Series(np.where(step > 0, "rising", "falling"), index=found.index)
    bad_step = labels(wording.assess, moved, found["polarity"]).to_numpy() == "unfavourable"
    jump = (
        is_current
        & bad_step
        & differs(previous)
        & (earlier.count().reindex(found.index) >= EARLIER_CHANGES)
        & (step.abs() > earlier.max().reindex(found.index))
        & ~trend
    )
    label = {
        (start, end): text
        for start, end, text in periods[["start_day", "end_day", "period_label"]].itertuples(index=False)
    }
    result = pd.DataFrame({"is_warning": trend | jump}, index=found.index)
    result["warning_kind"] = np.select([trend, jump], ["trend", "jump"], default="")
    sentences = pd.Series("", index=found.index)
    digits, units = found["decimals"].to_dict(), found["unit"].to_dict()
    for series_id in found.index[result["is_warning"]]:
        kind = str(result.at[series_id, "warning_kind"])
        start = ends["first" if kind == "trend" else "previous"].loc[series_id]
        end = last.loc[series_id]
        sentences[series_id] = wording.warning_text(
            kind,
            str(found.at[series_id, "direction"] if kind == "trend" else moved[series_id]),
            label[start["start_day"], start["end_day"]],
            label[end["start_day"], end["end_day"]],
            wording.change_label(float(end["value"] - start["value"]), digits[series_id], units[series_id]),
        )
    result["warning_text"] = sentences
    return result


def _reasons(found: pd.DataFrame) -> pd.Series:
    few = [
        wording.too_few_points(points, MINIMUM_POINTS, after_break=after is True or after == 1.0)
        for points, after in zip(found["points"], found["after_break"], strict=True)
    ]
    code = found["code"]
    return pd.Series(
        np.select(
            [code == "few", code == "overlap", code == "gaps"],
            [few, wording.PERIODS_OVERLAP, wording.GAPS],
            default="",
        ),
        index=found.index,
    )


_TEXTS: Final = [
    "direction",
    "direction_label",
    "assessment",
    "assessment_label",
    "wording",
    "warning_kind",
    "warning_kind_label",
    "warning_text",
    "reason",
    "slope_label",
]


def _typed(found: pd.DataFrame) -> pd.DataFrame:
    columns = [
        "series_id",
        "points",
        "first_day",
        "last_day",
        "slope_per_year",
        "p_value",
        "p_adjusted",
        "is_warning",
    ]
    result = found[columns].astype({"points": "int32", "is_warning": "bool"})
    return result.assign(**{name: texts(found[name]) for name in _TEXTS})
