"""How far chance reaches in every released value that rests on counts: interval, comparison, funnel, shrinkage.

One row in, one row out, all areas of an instance at once. Not here: trends (trend.py), rankings (ranking.py).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.frames import groupwise, wording
from analysis.frames.counts import Counts, Values
from analysis.frames.labels import labels, texts

CONFIDENCE: Final = 0.95
FUNNEL_CONFIDENCE: Final = 0.998
"""Control limits of a funnel plot (Spiegelhalter 2005): about three standard errors, 2 of 1,000 outside by chance."""
FALSE_DISCOVERY_RATE: Final = 0.05

MIN_PERSONS: Final = 30
MIN_EVENTS: Final = 10


def statistics(counted: pd.DataFrame) -> pd.DataFrame:
    """Statistics of counted values.

    `counted`: count_id, method, numerator, denominator, factor, benchmark_value (NaN: none), group_id (indicator ×
    period × level), root_level, min_denominator, polarity. Returns count_id and the columns of fct_indicator_statistic
    with their German labels.
    """
    counts = Counts.of(counted)
    group = counted["group_id"].to_numpy(dtype=np.int64)
    # A count of cases has no benchmark: the whole is larger than its parts.
    plain_count = counted["denominator"].isna().to_numpy(dtype=np.bool_)
    benchmark_value = np.where(plain_count, np.nan, counted["benchmark_value"].to_numpy(dtype=np.float64))
    benchmark = counts.from_unit(benchmark_value)
    value = counts.to_unit(counts.events / counts.base)
    interval = counts.interval(CONFIDENCE)
    low, high = counts.to_unit(interval.lower), counts.to_unit(interval.upper)
    funnel = counts.funnel(benchmark, FUNNEL_CONFIDENCE)
    funnel_low, funnel_high = counts.to_unit(funnel.lower), counts.to_unit(funnel.upper)
    p_value = counts.differs(benchmark)
    p_adjusted = groupwise.adjusted_p(p_value, group)
    comparison = np.select(
        [np.isnan(p_adjusted), p_adjusted > FALSE_DISCOVERY_RATE, value > benchmark_value],
        ["", "none", "above"],
        default="below",
    )
    shrunk = counts.to_unit(groupwise.shrink(counts.events, counts.base, counts.is_binomial, group))
    # Nothing to borrow from: the only area of its level, or a count, which is not comparable between areas.
    alone = pd.Series(group).map(pd.Series(group).value_counts()).to_numpy() < 2
    reliable = _reliable(counts, interval.lower, interval.upper) & (
        counted["denominator"].fillna(np.inf).to_numpy() >= counted["min_denominator"].to_numpy()
    )
    root, polarity = counted["root_level"], counted["polarity"]
    outside = pd.Series((value < funnel_low) | (value > funnel_high), dtype="boolean")
    found = pd.DataFrame(
        {
            "count_id": counted["count_id"].to_numpy(dtype=np.int64),
            "interval_low": low,
            "interval_high": high,
            "confidence": CONFIDENCE,
            "interval_method": counted["method"].to_numpy(),
            "interval_method_label": counted["method"].map(wording.INTERVAL_METHOD).to_numpy(),
            "benchmark_value": benchmark_value,
            "benchmark_label": np.where(
                np.isnan(benchmark_value), "", labels(wording.benchmark_label, root).to_numpy()
            ),
            "p_value": p_value,
            "p_adjusted": p_adjusted,
            "comparison": comparison,
            "comparison_label": labels(_comparison_label, comparison, root).to_numpy(),
            "comparison_assessment": labels(wording.comparison_assessment, comparison, polarity).to_numpy(),
            "funnel_low": funnel_low,
            "funnel_high": funnel_high,
            "is_outside_funnel": outside.where(~np.isnan(funnel_low)),
            "shrunk_value": np.where(alone | plain_count, np.nan, shrunk),
            "is_reliable": reliable,
            "reliability_label": np.where(reliable, wording.RELIABILITY[True], wording.RELIABILITY[False]),
            "note": np.where(reliable, "", wording.unreliable()),
        }
    )
    worded = [name for name in found.columns if name.endswith(("_label", "_assessment"))]
    worded += ["interval_method", "comparison", "note"]
    return found.assign(**{name: texts(found[name]) for name in worded})


def _comparison_label(comparison: str, root_level: str) -> str:
    return wording.comparison_label(comparison, wording.benchmark_label(root_level)) if comparison else ""


def _reliable(counts: Counts, low: Values, high: Values) -> NDArray[np.bool_]:
    """Whether a value may be quoted alone, by the presentation standards of the NCHS.

    Shares (Parker et al. 2017, Vital Health Stat 2/175): at least 30 persons, the interval narrower than 30 percentage
    points, and either narrower than 5 or at most 1.3 times the share. Rates and counts (Parker et al. 2023, 2/200): at
    least 10 events, which keeps the interval below 1.6 times the rate.
    """
    width = high - low
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = width / (counts.events / counts.base)
    share = (counts.base >= MIN_PERSONS) & (width < 0.30) & ((width <= 0.05) | (relative <= 1.30))
    return np.asarray(np.where(counts.is_binomial, share, counts.events >= MIN_EVENTS), dtype=np.bool_)
