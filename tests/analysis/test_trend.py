"""A trend is stated only where its preconditions hold; correlation comes with n, interval and caution."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.trend import correlate, trend

YEAR = 365.0


def days(count: int) -> tuple[np.ndarray, np.ndarray]:
    ends = np.arange(1, count + 1) * YEAR
    return ends - YEAR + 1, ends


def test_rising_and_unfavourable() -> None:
    found = trend(np.array([1, 2, 3, 4, 5, 7.0]), *days(6), np.zeros(6, dtype=bool))
    assert found.direction == "rising"
    assert found.words("lower_better") == "steigend und ungünstig"
    assert found.words("higher_better") == "steigend und günstig"
    assert found.slope == pytest.approx(1.0)


def test_four_points_are_too_few() -> None:
    found = trend(np.array([1, 2, 3, 4.0]), *days(4), np.zeros(4, dtype=bool))
    assert found.direction == "none"
    assert found.words("lower_better") == "zu wenige Zeitpunkte (4 von 5)"


def test_only_the_stretch_since_the_break_counts() -> None:
    is_break = np.zeros(8, dtype=bool)
    is_break[5] = True
    found = trend(np.array([1, 2, 3, 4, 5, 1, 2, 3.0]), *days(8), is_break)
    assert found.reason == "zu wenige Zeitpunkte seit dem letzten Bruch der Reihe (3 von 5)"


def test_overlapping_periods_are_refused() -> None:
    starts, ends = days(6)
    found = trend(np.arange(6.0), starts - YEAR, ends, np.zeros(6, dtype=bool))
    assert found.reason == "die Zeiträume überschneiden sich"


def test_a_hidden_year_makes_the_spacing_uneven() -> None:
    values = np.array([1, 2, np.nan, 4, 5, 6.0])
    found = trend(values, *days(6), np.zeros(6, dtype=bool))
    assert found.reason == "die Zeitpunkte liegen ungleich weit auseinander"


def test_noise_is_no_trend() -> None:
    generator = np.random.default_rng(2)
    stated_anyway = [
        trend(generator.normal(size=8), *days(8), np.zeros(8, dtype=bool)).direction != "none"
        for _ in range(400)
    ]
    assert np.mean(stated_anyway) <= 0.07


def test_correlation_of_few_areas_is_no_number() -> None:
    found = correlate(np.arange(9.0), np.arange(9.0))
    assert np.isnan(found.value) and found.n == 9


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_interval_of_a_correlation_covers(method: str) -> None:
    generator = np.random.default_rng(4)
    inside = []
    for _ in range(400):
        first = generator.normal(size=60)
        second = 0.5 * first + np.sqrt(0.75) * generator.normal(size=60)
        found = correlate(first, second, method)  # type: ignore[arg-type]
        true = 0.5 if method == "pearson" else 6 / np.pi * np.arcsin(0.25)
        inside.append(found.lower <= true <= found.upper)
    assert 0.92 <= np.mean(inside) <= 0.98
