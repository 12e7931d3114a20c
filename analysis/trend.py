"""Is a series going anywhere? Mann-Kendall test and Sen's slope for many series of the same length at once.

Mann-Kendall makes no assumption on the shape of a trend, and few outliers do no harm. Does not belong here: which
points of a series may be used and what is said about it (frames/trend.py).

Sources: Mann (1945); Kendall (1975), Rank Correlation Methods; Sen (1968); exact distribution of the number of
discordant pairs: Knuth (1973), TAOCP 3, 5.1.1 (inversion table).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc

Values = NDArray[np.float64]

EXACT_UP_TO = 33
"""Longer series use the normal approximation, which is closer than a promille there (as scipy.stats.kendalltau)."""


def mann_kendall(series: Values) -> Values:
    """Two-sided p-value per row of `series` (rows × points in order of time, no gaps) of "no trend".

    Exact without ties, with ties by the normal approximation with tie correction. A constant row has 1.
    """
    rows, size = series.shape
    first, second = np.triu_indices(size, k=1)
    signs = np.sign(series[:, second] - series[:, first])
    score = signs.sum(axis=1)
    ordered = np.sort(series, axis=1)
    tied = (signs == 0).any(axis=1)
    # sum over groups of t equal values of t (t - 1) (2t + 5); position k within its group adds 6 t² - 6.
    position = np.zeros((rows, size))
    for column in range(1, size):
        position[:, column] = np.where(
            ordered[:, column] == ordered[:, column - 1], position[:, column - 1] + 1, 0
        )
    group = position + 1
    ties = (6 * group**2 - 6).sum(axis=1)
    variance = (size * (size - 1) * (2 * size + 5) - ties) / 18
    with np.errstate(divide="ignore", invalid="ignore"):
        normal = erfc(np.abs(score) / np.sqrt(variance) / np.sqrt(2))
    normal = np.where(variance > 0, normal, 1.0)
    if size > EXACT_UP_TO:
        return np.asarray(normal)
    pairs = size * (size - 1) // 2
    fewer = ((pairs - np.abs(score)) / 2).astype(np.int64)
    exact = np.minimum(1.0, 2 * _inversions(size)[np.where(tied, 0, fewer)])
    return np.asarray(np.where(tied, normal, exact))


@cache
def _inversions(size: int) -> Values:
    """P(at most k discordant pairs) in a random order of `size` values, k = 0 …"""
    counts = np.ones(1)
    for length in range(2, size + 1):
        counts = np.convolve(counts, np.full(length, 1 / length))
    return np.cumsum(counts)


def sen_slope(series: Values, times: Values) -> Values:
    """Median of the slopes between all pairs of points per row; `times` as `series`, the slope is per unit of time."""
    first, second = np.triu_indices(series.shape[1], k=1)
    slopes = (series[:, second] - series[:, first]) / (times[:, second] - times[:, first])
    return np.asarray(np.median(slopes, axis=1))
