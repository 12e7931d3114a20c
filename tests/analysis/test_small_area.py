"""Intervals against published examples, their coverage against simulation, shrinkage and ranking by what they mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import small_area


def test_wilson_agrees_with_the_published_example() -> None:
    # Newcombe (1998), table I: 81 of 263, 0 of 20, 1 of 29.
    found = small_area.wilson(np.array([81.0, 0.0, 1.0]), np.array([263.0, 20.0, 29.0]))
    assert found.lower == pytest.approx([0.2553, 0.0, 0.0061], abs=5e-5)
    assert found.upper == pytest.approx([0.3662, 0.1611, 0.1718], abs=5e-5)


def test_byar_agrees_with_the_exact_poisson_limits() -> None:
    # Exact limits (Ulm 1990): 0 -> 0 to 3.689, 5 -> 1.623 to 11.668, 20 -> 12.217 to 30.888, 100 -> 81.364 to 121.627.
    events = np.array([0.0, 5.0, 20.0, 100.0])
    found = small_area.byar(events, np.ones(4))
    assert found.lower == pytest.approx([0, 1.623, 12.217, 81.364], abs=0.02)
    assert found.upper == pytest.approx([3.689, 11.668, 30.888, 121.627], abs=0.02)


def test_an_area_without_inhabitants_has_no_interval() -> None:
    for found in (small_area.wilson, small_area.byar):
        assert np.isnan(found(np.array([0.0]), np.array([0.0])).upper).all()


@given(st.integers(0, 200), st.integers(1, 200))
def test_intervals_hold_the_estimate(events: int, more: int) -> None:
    persons = events + more
    found = small_area.wilson(np.array([float(events)]), np.array([float(persons)]))
    assert 0 <= found.lower[0] <= events / persons + 1e-12
    assert events / persons - 1e-12 <= found.upper[0] <= 1


def test_wilson_covers_what_it_promises() -> None:
    generator = np.random.default_rng(3)
    for share in (0.03, 0.2, 0.5):
        events = generator.binomial(60, share, 20_000).astype(float)
        found = small_area.wilson(events, np.full(events.size, 60.0))
        assert 0.93 <= ((found.lower <= share) & (share <= found.upper)).mean() <= 0.98


def test_false_alarms_stay_rare_when_nothing_differs() -> None:
    generator = np.random.default_rng(5)
    persons = generator.integers(30, 3000, 400).astype(float)
    alarms = [
        small_area.significant(
            small_area.share_differs(generator.binomial(persons.astype(int), 0.1).astype(float), persons, 0.1)
        ).any()
        for _ in range(100)
    ]
    assert np.mean(alarms) <= 0.08


def test_a_real_deviation_is_found() -> None:
    persons = np.full(50, 800.0)
    events = np.full(50, 80.0)
    events[7] = 160
    assert np.flatnonzero(
        small_area.significant(small_area.share_differs(events, persons, 0.1))
    ).tolist() == [7]


def test_funnel_narrows_with_size_and_holds_the_share() -> None:
    persons = np.array([20.0, 200.0, 2000.0, 20000.0])
    found = small_area.funnel_limits(0.12, persons)
    width = found.upper - found.lower
    assert (np.diff(width) < 0).all()
    assert ((found.lower <= 0.12) & (found.upper >= 0.12)).all()
    # Normal approximation at the large end.
    assert width[-1] == pytest.approx(2 * 1.96 * np.sqrt(0.12 * 0.88 / 20000), rel=0.02)


def test_shrinkage_is_closer_to_the_truth_than_the_raw_rate() -> None:
    generator = np.random.default_rng(11)
    base = generator.integers(20, 2000, 300).astype(float)
    truth = generator.gamma(20, 0.1 / 20, 300)
    events = generator.poisson(truth * base).astype(float)
    error_raw = np.mean((events / base - truth) ** 2)
    error_shrunk = np.mean((small_area.shrink(events, base) - truth) ** 2)
    assert error_shrunk < 0.7 * error_raw


def test_without_real_differences_every_area_gets_the_overall_rate() -> None:
    base = np.full(40, 100.0)
    events = np.full(40, 10.0)
    assert small_area.shrink(events, base) == pytest.approx(np.full(40, 0.1))


def test_ranking_is_refused_where_noise_turns_it() -> None:
    base = np.full(30, 40.0)
    noise = small_area.ranking(np.random.default_rng(1).poisson(4, 30).astype(float), base)
    assert not noise.is_reliable
    clear = small_area.ranking(np.arange(30.0) * 200 + 50, np.full(30, 10_000.0))
    assert clear.is_reliable
    assert clear.rank[0] == 30 and clear.rank[-1] == 1
    assert ((clear.lower <= clear.rank) & (clear.rank <= clear.upper)).all()
