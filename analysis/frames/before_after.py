"""What an indicator did where a measure was carried out, against areas where it was not: difference in differences.

Belongs here: windows, comparison areas, differences. Does not belong here: wording (SQL of the mart), files.

The design is the plain one of Card & Krueger (1994): the change in the area of the measure minus the mean change of the
comparison areas over the same periods. What it rests on – without the measure the area would have moved like the
others – cannot be checked with so few periods, which is why every row of the release carries its caution. The spread of
the comparison areas says how large a difference occurs without any measure.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

WINDOW: Final = 3
"""Periods on a side, at most."""
NEEDED: Final = 2
"""Periods on a side, at least: a single figure is noise."""
AREAS_NEEDED: Final = 3
"""Comparison areas with a figure in every period of the window."""
PEERS: Final = "ähnliche Gebiete"
LEVEL: Final = "Gebiete derselben Ebene"

COLUMNS: Final = {
    "recommendation_id": "string",
    "indicator_id": "string",
    "area_key": "string",
    "before_from": "string",
    "before_to": "string",
    "after_from": "string",
    "after_to": "string",
    "before_value": "float64",
    "after_value": "float64",
    "change": "float64",
    "neighbours": "int32",
    "neighbours_label": "string",
    "neighbours_change": "float64",
    "neighbours_low": "float64",
    "neighbours_high": "float64",
    "difference": "float64",
    "is_estimate": "bool",
}


def before_after(measures: pd.DataFrame, series: pd.DataFrame, peers: pd.DataFrame) -> pd.DataFrame:
    """One row per measure whose area and comparison areas have enough figures on both sides; see `COLUMNS`.

    `measures`: recommendation_id, indicator_id, area_key, begun_on, done_on (NaT: under way), one row each;
    `series`: indicator_id, area_key, area_level, period_label, period_start, period_end, value, obs_status and
    is_estimate in the boundaries of today; `peers`: area_key, peer_area_key. Values are means over the periods of a
    side; the time between begin and end of a measure belongs to neither.
    """
    rows = []
    treated = {
        indicator: set(group["area_key"]) for indicator, group in measures.groupby("indicator_id", sort=True)
    }
    similar = peers.groupby("area_key")["peer_area_key"].agg(list).to_dict()
    by_indicator = dict(list(series.groupby("indicator_id", sort=True)))
    for record in measures.sort_values("recommendation_id").to_dict("records"):
        item = _Measure.of(record)
        figures = by_indicator.get(item.indicator_id)
        if figures is None:
            continue
        row = _compare(item, figures, treated[item.indicator_id], similar.get(item.area_key, []))
        if row is not None:
            rows.append(row)
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


@dataclass(frozen=True)
class _Measure:
    """A measure that was begun; `over` is the day after which its figures count as after."""

    recommendation_id: str
    indicator_id: str
    area_key: str
    begun: pd.Timestamp
    over: pd.Timestamp

    @classmethod
    def of(cls, record: Mapping[Hashable, Any]) -> _Measure:
        begun, done = pd.Timestamp(record["begun_on"]), record["done_on"]
        return cls(
            record["recommendation_id"],
            record["indicator_id"],
            record["area_key"],
            begun,
            begun if pd.isna(done) else pd.Timestamp(done),
        )


def _compare(
    item: _Measure, figures: pd.DataFrame, treated: set[str], similar: list[str]
) -> dict[str, object] | None:
    area_key = item.area_key
    own = figures[(figures["area_key"] == area_key) & figures["value"].notna()].sort_values("period_end")
    if own.empty:
        return None
    # Of figures that come twice a year only one season is compared.
    own = own[own["period_end"].dt.month == own["period_end"].iloc[-1].month]
    before, after = _windows(own, item)
    if len(before) < NEEDED or len(after) < NEEDED:
        return None
    periods = [*before["period_end"], *after["period_end"]]
    if _broken(own, periods):
        return None
    level = own["area_level"].iloc[0]
    others = figures[(figures["area_level"] == level) & ~figures["area_key"].isin(treated | {area_key})]
    changes = _changes(others, list(before["period_end"]), list(after["period_end"]))
    nearest = changes[changes.index.isin(similar)]
    chosen, label = (nearest, PEERS) if len(nearest) >= AREAS_NEEDED else (changes, LEVEL)
    if len(chosen) < AREAS_NEEDED:
        return None
    change = float(after["value"].mean() - before["value"].mean())
    return {
        "recommendation_id": item.recommendation_id,
        "indicator_id": item.indicator_id,
        "area_key": area_key,
        "before_from": before["period_label"].iloc[0],
        "before_to": before["period_label"].iloc[-1],
        "after_from": after["period_label"].iloc[0],
        "after_to": after["period_label"].iloc[-1],
        "before_value": float(before["value"].mean()),
        "after_value": float(after["value"].mean()),
        "change": change,
        "neighbours": len(chosen),
        "neighbours_label": label,
        "neighbours_change": float(chosen.mean()),
        "neighbours_low": float(chosen.min()),
        "neighbours_high": float(chosen.max()),
        "difference": change - float(chosen.mean()),
        "is_estimate": bool(pd.concat([before, after])["is_estimate"].any()),
    }


def _windows(own: pd.DataFrame, item: _Measure) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The last periods that ended by the begin, and the first ones that started after the end (or the begin)."""
    return own[own["period_end"] <= item.begun].tail(WINDOW), own[own["period_start"] > item.over].head(
        WINDOW
    )


def _broken(figures: pd.DataFrame, periods: list[pd.Timestamp]) -> bool:
    within = figures[(figures["period_end"] > min(periods)) & (figures["period_end"] <= max(periods))]
    return bool((within["obs_status"] == "B").any())


def _changes(others: pd.DataFrame, before: list[pd.Timestamp], after: list[pd.Timestamp]) -> pd.Series[float]:
    """Change per area that has an unbroken figure in every period of both windows."""
    within = others[(others["period_end"] > min(before)) & (others["period_end"] <= max(after))]
    broken = set(within.loc[within["obs_status"] == "B", "area_key"])
    table = others[~others["area_key"].isin(broken)].pivot_table(
        index="area_key", columns="period_end", values="value", aggfunc="first"
    )
    table = table.reindex(columns=[*before, *after]).dropna()
    return pd.Series(
        np.asarray(table[after].mean(axis=1) - table[before].mean(axis=1), dtype=float), index=table.index
    )


__all__ = ["COLUMNS", "before_after"]
