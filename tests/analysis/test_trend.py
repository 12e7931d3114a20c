"""Mann-Kendall and Sen's slope of many series at once agree with scipy, one series at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau, theilslopes

from analysis.trend import mann_kendall, sen_slope


@settings(deadline=None, max_examples=60)
@given(st.integers(5, 36).flatmap(lambda size: st.lists(st.integers(0, 40), min_size=size, max_size=size)))
def test_test_and_slope_are_those_of_scipy_ties_or_not(values: list[int]) -> None:
    series = np.array([values], dtype=float)
    times = np.cumsum(1.0 + np.arange(len(values)) % 3)
    expected = kendalltau(times, values).pvalue if len(set(values)) > 1 else 1.0
    assert mann_kendall(series)[0] == pytest.approx(expected, rel=1e-9)
    assert sen_slope(series, times[None, :])[0] == pytest.approx(theilslopes(values, times)[0])


@settings(deadline=None, max_examples=20)
@given(st.permutations(range(12)))
def test_exact_where_no_value_occurs_twice(values: list[int]) -> None:
    expected = kendalltau(range(12), values, method="exact").pvalue
    assert mann_kendall(np.array([values], dtype=float))[0] == pytest.approx(expected, rel=1e-9)


def test_noise_is_rarely_a_trend() -> None:
    series = np.random.default_rng(2).normal(size=(4000, 8))
    assert (mann_kendall(series) < 0.05).mean() <= 0.055
