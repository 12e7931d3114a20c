"""Counts as the formulas need them: events out of a base, on the scale of shares or of rates.

A share is x of n. A rate is x events against a base that counts as fixed. A quotient of two groups x : y
(Altenquotient) is the share x of x + y on another scale, p / (1 - p), so that both groups may vary.
Does not belong here: which indicators are what (basis.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binom, norm

from analysis import small_area
from analysis.small_area import Interval

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Counts:
    """Rows of counted values. `unit_factor` turns events / base (or the quotient) into the unit of the indicator."""

    events: Values
    base: Values
    """Persons of a share, base of a rate, both groups together of a quotient; a plain count has 1."""
    is_binomial: Flags
    is_quotient: Flags
    unit_factor: Values

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Counts:
        """From columns method, numerator, denominator (NaN for a plain count), factor."""
        events = frame["numerator"].to_numpy(dtype=np.float64)
        under = frame["denominator"].fillna(1.0).to_numpy(dtype=np.float64)
        quotient = (frame["method"] == "wilson_quotient").to_numpy(dtype=np.bool_)
        return cls(
            events=events,
            base=np.where(quotient, events + under, under),
            is_binomial=quotient | (frame["method"] == "wilson").to_numpy(dtype=np.bool_),
            is_quotient=quotient,
            unit_factor=frame["factor"].to_numpy(dtype=np.float64),
        )

    def to_unit(self, ratio: Values) -> Values:
        """From the scale of events / base to the unit of the indicator; a quotient without second group has no end."""
        with np.errstate(divide="ignore", invalid="ignore"):
            plain = np.where(self.is_quotient, ratio / (1 - ratio), ratio)
        return np.where(np.isfinite(plain), plain, np.nan) * self.unit_factor

    def from_unit(self, value: Values) -> Values:
        """From the unit of the indicator to the scale of events / base."""
        plain = value / self.unit_factor
        return np.asarray(np.where(self.is_quotient, plain / (1 + plain), plain))

    def interval(self, confidence: float) -> Interval:
        """Confidence interval on the scale of events / base: Wilson for shares and quotients, Byar for the others."""
        lower, upper = np.full(self.events.shape, np.nan), np.full(self.events.shape, np.nan)
        for chosen, method in ((self.is_binomial, small_area.wilson), (~self.is_binomial, small_area.byar)):
            if chosen.any():
                found = method(self.events[chosen], self.base[chosen], confidence)
                lower[chosen], upper[chosen] = found.lower, found.upper
        return Interval(lower, upper)

    def differs(self, benchmark: Values) -> Values:
        """Exact two-sided p-value of "the area has the benchmark" (on the scale of events / base); NaN without one."""
        p_value = np.full(self.events.shape, np.nan)
        known = ~np.isnan(benchmark) & (benchmark > 0) & (~self.is_binomial | (benchmark < 1))
        for chosen in (known & self.is_binomial, known & ~self.is_binomial):
            if not chosen.any():
                continue
            events, base, value = self.events[chosen], self.base[chosen], benchmark[chosen]
            p_value[chosen] = (
                small_area.share_differs(events, base, value)
                if self.is_binomial[chosen][0]
                else small_area.rate_differs(events, base * value)
            )
        return p_value

    def funnel(self, benchmark: Values, confidence: float) -> Interval:
        """Funnel limits around the benchmark on the scale of events / base; NaN without one."""
        lower, upper = np.full(self.events.shape, np.nan), np.full(self.events.shape, np.nan)
        known = ~np.isnan(benchmark) & (benchmark > 0) & (~self.is_binomial | (benchmark < 1))
        for chosen in (known & self.is_binomial, known & ~self.is_binomial):
            if not chosen.any():
                continue
            limits = (
                small_area.funnel_limits(benchmark[chosen], self.base[chosen], confidence)
                if self.is_binomial[chosen][0]
                else small_area.rate_funnel_limits(benchmark[chosen], self.base[chosen], confidence)
            )
            lower[chosen], upper[chosen] = limits.lower, limits.upper
        return Interval(lower, upper)


def change_p(before: Counts, after: Counts) -> Values:
    """Two-sided p-value of "nothing changed" between two counts of one series; NaN where one of them is missing.

    Shares: pooled score test of two proportions, where every expected count reaches 5. Rates, and shares too small for
    it: conditional binomial test (Przyborowski & Wilenski 1940), exact for rates and on the safe side for shares.
    Persons counted on both days make the two counts alike, so that the test is on the safe side for stocks.
    """
    events, base = before.events + after.events, before.base + after.base
    known = ~np.isnan(events) & (before.base > 0) & (after.base > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = events / base
        spread = np.sqrt(pooled * (1 - pooled) * (1 / before.base + 1 / after.base))
        z = (after.events / after.base - before.events / before.base) / spread
        smaller = np.minimum(before.base, after.base)
        large = before.is_binomial & (smaller * np.minimum(pooled, 1 - pooled) >= 5)
        share = after.base / base
        count, size = np.where(known, after.events, 0.0), np.where(known, events, 0.0)
        tail = np.minimum(binom.cdf(count, size, share), binom.sf(count - 1, size, share))
    p_value = np.where(large, 2 * norm.sf(np.abs(z)), np.minimum(1.0, 2 * tail))
    return np.asarray(np.where(known, p_value, np.nan))
