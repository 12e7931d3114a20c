"""Composite indices: standardise, weigh, aggregate, classify.

Rows are areas, columns are indicators; NaN is a missing or withheld figure. An area with a missing part has no index:
the mean of the parts that happen to be there would compare areas by different yardsticks. How much the result depends
on these choices is in `index_sensitivity`.

Sources: OECD/JRC, Handbook on Constructing Composite Indicators (2008), ch. 5-7; Senatsverwaltung Berlin, Monitoring
Soziale Stadtentwicklung (z-scores); RKI, German Index of Socioeconomic Deprivation (quantile classes, factor weights);
Hyndman & Fan (1996), Sample Quantiles in Statistical Packages (type 9).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Values = NDArray[np.float64]
Standardisation = Literal["z_score", "min_max", "rank", "none"]
Aggregation = Literal["sum", "mean", "geometric_mean"]
Rescale = Literal["none", "z_score", "min_max"]


@dataclass(frozen=True)
class Method:
    """How indicators become one number. `weights` None: equal."""

    standardisation: Standardisation = "z_score"
    aggregation: Aggregation = "sum"
    weights: tuple[float, ...] | None = None
    rescale: Rescale = "none"
    """What happens to the aggregate: `z_score` as in Berlin before classes are formed, `min_max` as in the GISD."""


@dataclass(frozen=True)
class Index:
    """Result for n areas and k indicators."""

    value: Values
    """Index per area; NaN where a part is missing."""
    standardised: Values
    """n x k, oriented: higher always means the direction of the index."""
    contribution: Values
    """n x k: what each indicator adds to the aggregate before it is standardised again. For the geometric mean the
    logarithms add up."""


def standardise(values: Values, method: Standardisation) -> Values:
    """Column by column over the areas that have a value. A constant column becomes 0 (z-score) or 0.5 (others).

    z_score: population standard deviation (ddof 0). min_max: 0 … 1. rank: average ranks scaled to (0, 1).
    none: as it is.
    """
    if method == "none":
        return values
    if method == "z_score":
        centred = values - np.nanmean(values, axis=0)
        spread = np.nanstd(values, axis=0)
        return np.asarray(
            np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0) + 0 * values
        )
    if method == "min_max":
        low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
        out = np.full_like(values, 0.5)
        return np.asarray(np.divide(values - low, high - low, out=out, where=high > low) + 0 * values)
    ranks = np.full_like(values, np.nan)
    for column in range(values.shape[1]):
        known = ~np.isnan(values[:, column])
        ranks[known, column] = (rankdata(values[known, column]) - 0.5) / max(known.sum(), 1)
    return ranks


def composite(values: Values, orientation: Sequence[int], method: Method) -> Index:
    """The index of every area.

    `values`: n x k; `orientation`: +1 where a high figure raises the index, -1 where it lowers it.
    Raises ValueError where shapes disagree, weights are not positive, or a geometric mean meets standardised values
    that are not positive.
    """
    if values.ndim != 2 or len(orientation) != values.shape[1] or set(orientation) - {1, -1}:
        raise ValueError("one orientation (+1 or -1) per indicator is needed")
    complete = np.where(np.isnan(values).any(axis=1, keepdims=True), np.nan, values)
    signs = np.asarray(orientation, dtype=np.float64)
    standardised = standardise(complete * signs, method.standardisation)
    weights = _weights(method.weights, values.shape[1])
    if method.aggregation == "geometric_mean":
        if (standardised[~np.isnan(standardised)] <= 0).any():
            raise ValueError("a geometric mean needs positive values: use ranks")
        contribution = np.log(standardised) * weights / weights.sum()
        value = np.exp(contribution.sum(axis=1))
    else:
        contribution = standardised * weights
        if method.aggregation == "mean":
            contribution = contribution / weights.sum()
        value = contribution.sum(axis=1)
    value = standardise(value[:, None], method.rescale)[:, 0]
    return Index(value, standardised, contribution)


def _weights(weights: tuple[float, ...] | None, count: int) -> Values:
    found = np.ones(count) if weights is None else np.asarray(weights, dtype=np.float64)
    if found.size != count or not (found > 0).all():
        raise ValueError("one positive weight per indicator is needed")
    return found


def classes_by_bounds(
    value: Values, bounds: Sequence[float], *, upper_inclusive: bool = True
) -> NDArray[np.int64]:
    """Class 1 … len(bounds)+1 by fixed bounds; 0 where there is no value.

    `upper_inclusive`: a value on a bound belongs to the class below it (Berlin: `<= 1` is still "mittel").
    """
    side: Literal["left", "right"] = "left" if upper_inclusive else "right"
    found = np.searchsorted(np.asarray(bounds, dtype=np.float64), value, side=side) + 1
    return np.asarray(np.where(np.isnan(value), 0, found), dtype=np.int64)


def classes_by_quantile(value: Values, count: int) -> NDArray[np.int64]:
    """Class 1 … count by the sample's own quantiles (type 9), the maximum in the top class; 0 where there is no value.

    A value on a bound opens the class above it, as R's `findInterval` does (RKI, GISD).
    """
    known = value[~np.isnan(value)]
    bounds = np.quantile(known, np.arange(1, count) / count, method="normal_unbiased")
    return classes_by_bounds(value, bounds.tolist(), upper_inclusive=False)


def principal_weights(values: Values) -> Values:
    """Loadings of the first principal component of the correlation matrix, oriented to a positive sum (GISD method).

    Complete rows only. Raises ValueError with fewer complete areas than indicators.
    """
    complete = values[~np.isnan(values).any(axis=1)]
    if complete.shape[0] <= complete.shape[1]:
        raise ValueError("fewer complete areas than indicators")
    eigenvalues, vectors = np.linalg.eigh(np.corrcoef(complete, rowvar=False))
    loadings = vectors[:, -1] * np.sqrt(eigenvalues[-1])
    return np.asarray(loadings * (1.0 if loadings.sum() >= 0 else -1.0))


@dataclass(frozen=True)
class Classes:
    """How an index is cut into classes; class 1 holds the lowest values."""

    method: Literal["bounds", "quantiles"]
    count: int
    bounds: tuple[float, ...] = ()
    upper_inclusive: bool = True

    def of(self, value: Values) -> NDArray[np.int64]:
        """Class per area; 0 where there is no value."""
        if self.method == "quantiles":
            return classes_by_quantile(value, self.count)
        return classes_by_bounds(value, self.bounds, upper_inclusive=self.upper_inclusive)


def ranks(value: Values) -> Values:
    """Rank 1 is the highest index; areas with the same value share the better rank. NaN where there is no value."""
    found = np.full(value.shape, np.nan)
    known = ~np.isnan(value)
    found[known] = rankdata(-value[known], method="min")
    return found
