"""Forecasts: refused where the history does not carry them, never worse than they say, intervals that hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from analysis import rolling_origin
from analysis.forecast import CANDIDATES, NAIVE, SIMPLE, Forecast, forecast, forecast_panel, since_break
from analysis.need import Estimate, need
from analysis.rolling_origin import FIRST_ORIGIN, back_test

YEAR = 365.0
HORIZON = 5


def days(count: int) -> tuple[np.ndarray, np.ndarray]:
    ends = np.arange(1, count + 1) * YEAR
    return ends - YEAR + 1, ends


def no_break(count: int) -> np.ndarray:
    return np.zeros(count, dtype=bool)


def autoregressive(generator: np.random.Generator, count: int) -> np.ndarray:
    noise = generator.normal(size=count)
    for step in range(1, count):
        noise[step] += 0.6 * noise[step - 1]
    return noise


PROCESSES: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "random walk": lambda generator, count: generator.normal(size=count).cumsum(),
    "random walk with drift": lambda generator, count: (generator.normal(size=count) + 0.7).cumsum(),
    "trend": lambda generator, count: 0.7 * np.arange(count) + generator.normal(size=count),
    "AR(1)": autoregressive,
    "noise": lambda generator, count: generator.normal(size=count),
    "level shifts": lambda generator, count: (
        generator.normal(size=count)
        + (4 * generator.normal(size=count) * (generator.random(count) < 0.08)).cumsum()
    ),
}


def hits(series: np.ndarray, found: Forecast, known: int) -> np.ndarray:
    ahead = series[known : known + found.value.size]
    return (found.lower <= ahead) & (ahead <= found.upper)


@pytest.mark.parametrize(("series", "points"), [(1, 15), (1, 25), (12, 15)])
def test_intervals_hold_on_points_nobody_has_seen(series: int, points: int) -> None:
    """Nominal 80 %: between 75 % and 85 % over the processes, none far off."""
    shares = {}
    for name, process in PROCESSES.items():
        generator = np.random.default_rng(20)
        inside = []
        for _ in range(70 if series == 1 else 15):
            drawn = [process(generator, points + HORIZON) for _ in range(series)]
            for full, found in zip(
                drawn, forecast_panel([(full[:points], "") for full in drawn], HORIZON, SIMPLE), strict=True
            ):
                if not found.reason:
                    inside.append(hits(full, found, points))
        shares[name] = float(np.concatenate(inside).mean())
    print("\n", series, points, {name: round(share, 3) for name, share in shares.items()})
    assert 0.75 <= np.mean(list(shares.values())) <= 0.85
    assert min(shares.values()) >= 0.68 and max(shares.values()) <= 0.92


@pytest.mark.thorough
def test_intervals_hold_with_every_candidate() -> None:
    generator = np.random.default_rng(21)
    inside = []
    for process in PROCESSES.values():
        for _ in range(6):
            full = process(generator, 14 + HORIZON)
            inside.append(hits(full, forecast_panel([(full[:14], "")], HORIZON, CANDIDATES)[0], 14))
    share = float(np.concatenate(inside).mean())
    print(f"\nall candidates: {share:.3f}")
    assert 0.7 <= share <= 0.9


def test_reported_coverage_is_the_one_before_the_fact() -> None:
    """The record of a long panel agrees with what happens afterwards."""
    generator = np.random.default_rng(5)
    full = [PROCESSES["random walk"](generator, 30 + HORIZON) for _ in range(40)]
    found = forecast_panel([(series[:30], "") for series in full], HORIZON, SIMPLE)
    assert 0.75 <= found[0].coverage <= 0.85 and found[0].coverage_points > 1000
    after = np.concatenate([hits(a, b, 30) for a, b in zip(full, found, strict=True)]).mean()
    assert abs(after - found[0].coverage) < 0.12


def test_a_clear_trend_is_found_and_beats_the_naive_method() -> None:
    generator = np.random.default_rng(1)
    values = 10 + 2 * np.arange(12.0) + generator.normal(size=12) * 0.5
    found = forecast(values, *days(12), no_break(12))
    assert found.reason == "" and found.method != NAIVE
    assert found.mase < found.naive_mase
    assert found.value == pytest.approx(10 + 2 * np.arange(12, 17), abs=2.5)
    assert (found.lower < found.value).all() and (found.value < found.upper).all()
    assert found.naive.tolist() == [values[-1]] * 5
    assert (np.diff(found.upper - found.lower) >= -1e-9).all()


def test_a_random_walk_is_not_dressed_up() -> None:
    generator = np.random.default_rng(2)
    methods = [
        forecast_panel([(generator.normal(size=20).cumsum(), "")], 3, SIMPLE)[0].method for _ in range(60)
    ]
    assert methods.count(NAIVE) >= 45


def test_short_histories_are_refused() -> None:
    found = forecast(np.arange(7.0), *days(7), no_break(7), candidates=SIMPLE)
    assert found.reason == "zu wenige Zeitpunkte (7 von 8)"
    assert found.value.size == 0 and np.isnan(found.mase)


def test_only_the_stretch_since_the_break_counts() -> None:
    is_break = no_break(15)
    is_break[8] = True
    found = forecast(np.arange(15.0), *days(15), is_break, candidates=SIMPLE)
    assert found.reason == "zu wenige Zeitpunkte seit dem letzten Bruch der Reihe (7 von 8)"
    is_break[8], is_break[5] = False, True
    values = np.concatenate([np.full(5, 900.0), np.random.default_rng(3).normal(size=10)])
    found = forecast(values, *days(15), is_break, candidates=SIMPLE)
    assert found.points == 10 and np.abs(found.upper).max() < 50


def test_a_withheld_figure_ends_the_history() -> None:
    values = np.arange(12.0)
    values[6] = np.nan
    found = since_break(values, *days(12), no_break(12))
    assert found[1] == "zu wenige Zeitpunkte seit der letzten Lücke (5 von 8)"
    values[-1] = np.nan
    assert since_break(values, *days(12), no_break(12))[1] == "der jüngste Wert fehlt"


def test_other_preconditions() -> None:
    starts, ends = days(10)
    assert since_break(np.arange(10.0), starts - YEAR, ends, no_break(10))[1] == (
        "die Zeiträume überschneiden sich"
    )
    uneven = ends.copy()
    uneven[5:] += 3 * YEAR
    assert since_break(np.arange(10.0), uneven - 30, uneven, no_break(10))[1] == (
        "die Zeitpunkte liegen ungleich weit auseinander"
    )
    assert since_break(np.full(10, 3.0), *days(10), no_break(10))[1] == (
        "die Werte ändern sich zu selten für eine Prognose"
    )


def test_horizons_without_a_back_test_are_not_forecast() -> None:
    generator = np.random.default_rng(4)
    lengths = [
        forecast_panel([(generator.normal(size=points), "")], 5, SIMPLE)[0].value.size
        for points in (8, 10, 12, 20)
    ]
    assert lengths == [1, 3, 5, 5]


def test_a_panel_whose_intervals_never_held_gets_none() -> None:
    """Every area accelerates alike: past errors say nothing about the next."""
    series = [(np.exp(0.6 * np.arange(10.0)) * (1 + area / 50), "") for area in range(12)]
    found = forecast_panel(series, 5, SIMPLE)
    assert {item.reason.split(" (")[0] for item in found} == {
        "die Unsicherheit lässt sich nicht verlässlich angeben"
    }


def test_shares_stay_shares() -> None:
    generator = np.random.default_rng(6)
    values = np.clip(97 + generator.normal(size=12), 0, 100)
    found = forecast(values, *days(12), no_break(12), candidates=SIMPLE, bounds=(0.0, 100.0))
    assert (found.upper <= 100).all() and (found.lower >= 0).all()


def test_nothing_later_than_the_origin_is_used() -> None:
    """Changing the last points leaves every earlier error and pick as they were."""
    generator = np.random.default_rng(7)
    series = generator.normal(size=20).cumsum()
    changed = series.copy()
    changed[15:] += 1000
    before, after = back_test(series, 3, SIMPLE), back_test(changed, 3, SIMPLE)
    earlier = 15 - FIRST_ORIGIN - 3 + 1
    assert (before.scaled[:, :earlier] == after.scaled[:, :earlier]).all()
    assert (before.picks[: 15 - FIRST_ORIGIN] == after.picks[: 15 - FIRST_ORIGIN]).all()


def test_need_carries_both_uncertainties() -> None:
    generator = np.random.default_rng(8)
    z = 1.2815515655446004
    rate = Estimate(np.array([0.4, 0.9]), np.array([0.4, 0.9]) - z * 0.03, np.array([0.4, 0.9]) + z * 0.03)
    persons = Estimate(np.array([500.0, 900.0]), np.array([500, 900]) - z * 40, np.array([500, 900]) + z * 40)
    found = need(rate, persons)
    drawn = (
        (rate.value + 0.03 * generator.normal(size=(40_000, 2)))
        * (persons.value + 40 * generator.normal(size=(40_000, 2)))
    ).sum(axis=1)
    assert found.value == pytest.approx(1010.0)
    assert np.mean((found.lower <= drawn) & (drawn <= found.upper)) == pytest.approx(0.8, abs=0.01)
    assert need(rate, persons, independent=False).upper > found.upper
    certain = Estimate(persons.value, persons.value, persons.value)
    assert need(rate, certain).upper < found.upper
    with pytest.raises(ValueError, match="enclose"):
        need(rate, Estimate(persons.value, persons.upper, persons.lower))


def test_a_calm_beginning_does_not_count_the_shock_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of 0.1, then one of 3: errors in the small changes of the beginning, times the large one of the end, would
    make an interval several times as wide as any error ever was."""
    steps = np.array([0.1, -0.1, 0.1, 0.1, -0.1, 0.1, 3.0, 0.1, -0.1, 0.1, 0.1, -0.1])
    series = 10 + np.append(0.0, np.cumsum(steps))

    def reach() -> float:
        found = forecast_panel([(series, "")], HORIZON, SIMPLE)[0]
        return float(found.upper[0] - found.lower[0]) / 2

    limited = reach()
    monkeypatch.setattr(rolling_origin, "CALM_LIMIT", 0.0)
    assert 1.0 < limited < 0.75 * reach()
