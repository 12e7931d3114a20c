"""Relations between indicators: rank correlation over areas and over time, with what has to be said about it.

Which pairs are compared is decided in comparable.py. Sources: Spearman (1904); Bonett & Wright (2000), interval of
Spearman's coefficient; Yule (1926) on series with a trend; Robinson (1950) on areas and persons.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtr
from scipy.stats import norm

from analysis.frames import groupwise, wording
from analysis.frames.labels import labels

CONFIDENCE: Final = 0.95
LEVEL: Final = 0.05
MINIMUM_PAIRS: Final = 10
"""Fewer areas or years give no number."""
OLDEST: Final = 4
"""A pair is compared at its latest common year, at most this many years before the latest of the level."""


def correlations(pairs: pd.DataFrame, observed: pd.DataFrame) -> pd.DataFrame:
    """Rank correlation of every pair in every `scope` at its latest common year.

    `pairs`: as of `comparable_pairs`; `observed`: kind (areas | time), scope (number of the level), unit_key (area, or
    year), year (of the comparison: one for all years of kind time), indicator_key, value. Returns kind, scope,
    indicator_key_x, indicator_key_y, year, n, r, r_low, r_high, p_value, p_adjusted (over the pairs of kind and scope),
    relation_label, caution.
    """
    found = [
        _of_scope(pairs, of).assign(kind=str(kind), scope=int(str(scope)))
        for (kind, scope), of in observed.dropna(subset="value").groupby(["kind", "scope"])
    ]
    columns = ["indicator_key_x", "indicator_key_y", "shares_denominator", "year", "n", "r", "kind", "scope"]
    result = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=columns)
    r, n = result["r"].to_numpy(dtype=np.float64), result["n"].to_numpy(dtype=np.float64)
    result["r_low"], result["r_high"] = spearman_interval(r, n, CONFIDENCE)
    result["p_value"] = spearman_p(r, n)
    group = np.asarray(result.groupby(["kind", "scope"], sort=False).ngroup(), dtype=np.int64)
    result["p_adjusted"] = groupwise.adjusted_p(result["p_value"].to_numpy(dtype=np.float64), group)
    significant = result["p_adjusted"] < LEVEL
    result["is_significant"] = significant
    result["relation_label"] = [
        wording.relation(value, significant=bool(sure)) for value, sure in zip(r, significant, strict=True)
    ]
    result["caution"] = labels(_caution, result["kind"], result["shares_denominator"]).to_numpy()
    result["confidence"] = CONFIDENCE
    types = {"year": "int32", "n": "int32", "scope": "int64", "is_significant": "bool", "r": "float64"}
    texts = ["kind", "indicator_key_x", "indicator_key_y", "relation_label", "caution"]
    numbers = ["r_low", "r_high", "confidence", "p_value", "p_adjusted"]
    return result[[*texts, *types, *numbers]].astype(types | dict.fromkeys(texts, "string"))


def _of_scope(pairs: pd.DataFrame, observed: pd.DataFrame) -> pd.DataFrame:
    """Year, n and r of the pairs within one level (or one area over time)."""
    open_pairs = pairs
    found = []
    years = sorted(set(observed["year"].tolist()), reverse=True)
    for year in (year for year in years if year >= years[0] - OLDEST):
        of_year = observed[observed["year"] == year]
        wide = of_year.pivot(index="unit_key", columns="indicator_key", values="value")
        both = wide.notna().astype(np.float64)
        counts = both.T @ both
        here = open_pairs[
            open_pairs["indicator_key_x"].isin(wide.columns)
            & open_pairs["indicator_key_y"].isin(wide.columns)
        ]
        n = _at(counts, here)
        here, n = here[n >= MINIMUM_PAIRS], n[n >= MINIMUM_PAIRS]
        if here.empty:
            continue
        used = sorted({*here["indicator_key_x"], *here["indicator_key_y"]})
        r = _at(wide[used].corr(method="spearman", min_periods=MINIMUM_PAIRS), here)
        found.append(here.assign(year=int(year), n=n.astype(np.int64), r=r))
        open_pairs = open_pairs.drop(here.index)
    if not found:
        return pairs.iloc[:0].assign(year=0, n=0, r=0.0)
    # No rank order where one of the two is the same everywhere.
    return pd.concat(found).dropna(subset="r")


def _at(matrix: pd.DataFrame, pairs: pd.DataFrame) -> NDArray[np.float64]:
    rows = matrix.index.get_indexer(pd.Index(pairs["indicator_key_x"]))
    columns = matrix.columns.get_indexer(pd.Index(pairs["indicator_key_y"]))
    return np.asarray(matrix.to_numpy(dtype=np.float64)[rows, columns])


def _caution(kind: str, shares_denominator: bool) -> str:
    return wording.CAUTION[kind] + (f" {wording.SHARED_DENOMINATOR}" if shares_denominator else "")


def spearman_p(r: NDArray[np.float64], n: NDArray[np.float64]) -> NDArray[np.float64]:
    """Two-sided p-value of "no relation" by the t distribution, as scipy.stats.spearmanr."""
    with np.errstate(divide="ignore"):
        t = np.abs(r) * np.sqrt((n - 2) / np.maximum((1 - r) * (1 + r), 0.0))
    return np.asarray(2 * stdtr(n - 2, -t))


def spearman_interval(
    r: NDArray[np.float64], n: NDArray[np.float64], confidence: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both ends by Fisher's z with the variance of Bonett & Wright (2000)."""
    z = np.arctanh(np.clip(r, -0.999999, 0.999999))
    reach = norm.ppf(0.5 + confidence / 2) * np.sqrt((1 + r**2 / 2) / (n - 3))
    return np.tanh(z - reach), np.tanh(z + reach)


def yearly_changes(series: pd.DataFrame) -> pd.DataFrame:
    """Changes from year to year, so that two series with a trend do not correlate by their trend alone.

    `series`: scope, indicator_key, year, value (one row per year), is_break. A change over a break or a missing
    year is no change. Returns the columns of `observed` with kind time; `year` is the last one of the scope.
    """
    ordered = series.sort_values(["scope", "indicator_key", "year"]).reset_index(drop=True)
    before = ordered.groupby(["scope", "indicator_key"])[["year", "value"]].shift()
    follows = (ordered["year"] - before["year"] == 1) & ~ordered["is_break"]
    changes = ordered.assign(
        value=(ordered["value"] - before["value"]).where(follows), unit_key=ordered["year"].astype("string")
    )
    changes["year"] = changes.groupby("scope")["year"].transform("max")
    changes["kind"] = "time"
    return changes[["kind", "scope", "unit_key", "year", "indicator_key", "value"]]
