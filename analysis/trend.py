"""Is a series going anywhere? A trend is stated only where its preconditions hold.

Preconditions: at least five points, no break between them, periods that do not overlap, evenly spaced. Then
Mann-Kendall (no assumption on the shape, few outliers do no harm) with Sen's slope. The words for the reader follow
from direction and polarity; the cause never does.

Sources: Mann (1945), Kendall (1975), Sen (1968); Fisher (1921); Bonett & Wright (2000), Sample Size Requirements for
Estimating Pearson, Kendall and Spearman Correlations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau, norm, pearsonr, spearmanr, theilslopes

Values = NDArray[np.float64]
Polarity = Literal["higher_better", "lower_better", "neutral"]
Direction = Literal["rising", "falling", "none"]

MINIMUM_POINTS = 5

_WORDS: dict[tuple[Direction, Polarity], str] = {
    ("rising", "higher_better"): "steigend und günstig",
    ("rising", "lower_better"): "steigend und ungünstig",
    ("rising", "neutral"): "steigend",
    ("falling", "higher_better"): "fallend und ungünstig",
    ("falling", "lower_better"): "fallend und günstig",
    ("falling", "neutral"): "fallend",
}


@dataclass(frozen=True)
class Trend:
    """What can be said about a series. `reason` is a German half-sentence where nothing can."""

    direction: Direction
    slope: float
    """Sen's slope per period, in the unit of the indicator; NaN where no trend can be stated."""
    p_value: float
    points: int
    reason: str

    def words(self, polarity: Polarity) -> str:
        """German wording for the reader."""
        return _WORDS.get((self.direction, polarity), self.reason or "kein gesicherter Trend")


def trend(
    values: Values, starts: Values, ends: Values, is_break: NDArray[np.bool_], level: float = 0.05
) -> Trend:
    """Trend of one series in order of time.

    `values`: NaN for missing or withheld; `starts`, `ends`: first and last day of each period as day numbers;
    `is_break`: the period opens a new series. Only the stretch since the last break counts.
    """
    first = int(np.flatnonzero(is_break)[-1]) if is_break.any() else 0
    known = ~np.isnan(values[first:])
    series, begin, end = values[first:][known], starts[first:][known], ends[first:][known]
    if series.size < MINIMUM_POINTS:
        since = " seit dem letzten Bruch der Reihe" if first else ""
        return _nothing(series.size, f"zu wenige Zeitpunkte{since} ({series.size} von {MINIMUM_POINTS})")
    if (begin[1:] <= end[:-1]).any():
        return _nothing(series.size, "die Zeiträume überschneiden sich")
    gaps = np.diff(end)
    if gaps.max() > 1.5 * gaps.min():
        return _nothing(series.size, "die Zeitpunkte liegen ungleich weit auseinander")
    order = np.arange(series.size, dtype=np.float64)
    if np.ptp(series) == 0:
        return Trend("none", 0.0, 1.0, series.size, "unverändert")
    p_value = float(kendalltau(order, series).pvalue)
    slope = float(theilslopes(series, order)[0])
    if p_value >= level or slope == 0:
        return Trend("none", slope, p_value, series.size, "kein gesicherter Trend")
    return Trend("rising" if slope > 0 else "falling", slope, p_value, series.size, "")


def _nothing(points: int, reason: str) -> Trend:
    return Trend("none", float("nan"), float("nan"), points, reason)


@dataclass(frozen=True)
class Correlation:
    """Rank or product-moment correlation of two indicators over areas (or over time)."""

    value: float
    lower: float
    upper: float
    p_value: float
    n: int
    caution: str
    """German sentence that has to stand beside the number."""


def correlate(
    first: Values,
    second: Values,
    method: Literal["pearson", "spearman"] = "spearman",
    confidence: float = 0.95,
) -> Correlation:
    """Correlation over the pairs where both have a value.

    Interval by Fisher's z; for Spearman with the variance of Bonett & Wright (2000). Fewer than ten pairs: no number.
    """
    both = ~np.isnan(first) & ~np.isnan(second)
    n = int(both.sum())
    caution = "Ein Zusammenhang über Gebiete belegt keine Ursache und gilt nicht für einzelne Menschen."
    if n < 10 or np.ptp(first[both]) == 0 or np.ptp(second[both]) == 0:
        nan = float("nan")
        return Correlation(nan, nan, nan, nan, n, f"Zu wenige vergleichbare Gebiete oder Zeitpunkte ({n}).")
    found = (
        pearsonr(first[both], second[both]) if method == "pearson" else spearmanr(first[both], second[both])
    )
    value = float(found.statistic)
    spread = np.sqrt((1 + value**2 / 2) / (n - 3)) if method == "spearman" else 1 / np.sqrt(n - 3)
    z, reach = np.arctanh(np.clip(value, -0.999999, 0.999999)), norm.ppf(0.5 + confidence / 2) * spread
    return Correlation(
        value, float(np.tanh(z - reach)), float(np.tanh(z + reach)), float(found.pvalue), n, caution
    )
