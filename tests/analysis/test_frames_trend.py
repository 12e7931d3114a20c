"""Trends and warnings of whole tables: what is said, when nothing is said, and what does not raise an alarm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.frames import wording
from analysis.frames.trend import trends

YEAR = 365.0


def one(values: list[float | None], **about: Any) -> dict[str, Any]:
    """The finding on one series: yearly values, of 1,000 persons each unless `base` says otherwise."""
    return found_of([values], **about)[0]


def found_of(
    series: list[list[float | None]],
    *,
    polarity: str = "lower_better",
    method: str | None = "wilson",
    base: float = 1000,
    breaks: tuple[int, ...] = (),
    overlap: bool = False,
    latest: int | None = None,
) -> list[dict[str, Any]]:
    size = max(len(values) for values in series)
    heads = pd.DataFrame(
        {
            "series_id": range(len(series)),
            "group_id": 1,
            "polarity": polarity,
            "unit": "%",
            "decimals": 1,
            "factor": 100.0,
            "method": method,
            "latest_day": YEAR * (latest or size),
        }
    )
    points = pd.DataFrame(
        [
            (
                number,
                YEAR * year + 1 - (YEAR if overlap else 0),
                YEAR * (year + 1),
                value,
                None if value is None or method is None else value * base / 100,
                None if method is None else base,
                year in breaks,
            )
            for number, values in enumerate(series)
            for year, value in enumerate(values)
        ],
        columns=["series_id", "start_day", "end_day", "value", "numerator", "denominator", "is_break"],
    ).astype({"value": "float64", "numerator": "float64", "denominator": "float64"})
    periods = points[["start_day", "end_day"]].drop_duplicates()
    periods["period_label"] = [str(2010 + int(end / YEAR)) for end in periods["end_day"]]
    rows = trends(heads, points, periods).to_dict("records")
    return [{str(name): None if value is pd.NA else value for name, value in row.items()} for row in rows]


RISING: list[float | None] = [5, 6, 7, 8, 9, 10, 11, 12]


def test_words_follow_direction_and_polarity() -> None:
    assert one(RISING)["wording"] == "steigend und ungünstig"
    assert one(RISING, polarity="higher_better")["wording"] == "steigend und günstig"
    assert one(RISING, polarity="neutral")["wording"] == "steigend"
    assert one(RISING[::-1], polarity="higher_better")["wording"] == "fallend und ungünstig"
    assert one([5, 7, 5, 7, 5, 7, 5, 7])["wording"] == "ohne erkennbare Richtung"
    assert one([5.0] * 8)["wording"] == "ohne erkennbare Richtung"
    found = one(RISING)
    assert found["slope_per_year"] == pytest.approx(365.25 / 365)
    assert (found["slope_label"], found["points"]) == ("+1,00 Prozentpunkte pro Jahr", 8)


def test_preconditions_are_named_where_they_fail() -> None:
    assert one([1, 2, 3, 4])["wording"] == "zu wenige Zeitpunkte (4 von 5)"
    assert (
        one(RISING, breaks=(5,))["wording"]
        == "zu wenige Zeitpunkte seit dem letzten Bruch der Reihe (3 von 5)"
    )
    assert one(RISING, overlap=True)["reason"] == "die Zeiträume überschneiden sich"
    assert one([5, 6, 7, None, None, 10, 11, 12])["reason"] == "zu große Lücken zwischen den Zeitpunkten"
    assert one([5, 6, 7, None, 9, 10, 11, 12])["direction"] == "rising"
    for failed in (one([1, 2, 3, 4]), one(RISING, breaks=(5,)), one([None] * 8)):
        assert failed["direction"] == "unknown" and np.isnan(failed["p_value"]) and not failed["is_warning"]


def test_the_stretch_after_a_break_is_judged_alone() -> None:
    """Falling before the break, rising after it: the older half must not hide the newer one."""
    found = one([30, 28, 26, 24, *RISING], breaks=(4,))
    assert found["direction"] == "rising" and found["points"] == 8


def test_persistent_unfavourable_movement_warns_and_says_since_when() -> None:
    found = one(RISING)
    assert found["is_warning"] and found["warning_kind"] == "trend"
    assert found["warning_text"].startswith(
        "Seit 2011 anhaltend gestiegen und ungünstig (+7,0 Prozentpunkte bis 2018)"
    )
    assert not one(RISING, polarity="higher_better")["is_warning"]
    assert not one(RISING, polarity="neutral")["is_warning"]


def test_movement_that_counts_explain_by_chance_does_not_warn() -> None:
    """Of 40 persons, two to five: the order of the years is a trend, the difference of the counts is not."""
    found = one(RISING, base=40)
    assert found["direction"] == "rising" and not found["is_warning"]


def test_what_is_withheld_at_the_end_or_lies_before_a_break_does_not_warn() -> None:
    assert not one([*RISING, None])["is_warning"]
    assert not one(RISING, latest=9)["is_warning"]
    assert not one([5, 5, 5, 5, 5, 30], breaks=(5,))["is_warning"]


def test_jump_beyond_everything_before_warns() -> None:
    found = one([10, 10.5, 10, 10.4, 10.1, 18.0])
    assert found["warning_kind"] == "jump"
    assert found["warning_text"].startswith(
        "Von 2015 auf 2016 deutlich gestiegen und ungünstig (+7,9 Prozentpunkte)"
    )
    assert not one([10, 10.5, 10, 10.4, 10.1, 18.0], base=50)["is_warning"]
    assert not one([10, 18.5, 10, 18.4, 10.1, 18.0])["is_warning"]
    assert not one([10, 10.5, 10, 10.4, 10.1, 2.0])["is_warning"]


def test_one_odd_series_among_many_quiet_ones_needs_more_evidence() -> None:
    short: list[float | None] = [5, 6, 7, 8, 9, 12]
    quiet: list[list[float | None]] = [[9, 10, 9, 10, 9, 10]] * 60
    assert found_of([short])[0]["is_warning"]
    assert not found_of([short, *quiet])[0]["is_warning"]


def test_areas_that_only_fluctuate_give_hardly_any_warning() -> None:
    generator = np.random.default_rng(7)
    drawn = (generator.binomial(400, 0.1, size=(500, 12)) / 4.0).tolist()
    found = found_of(drawn, base=400)
    assert sum(row["is_warning"] for row in found) <= 2
    assert 0.01 <= np.mean([row["direction"] != "none" for row in found]) <= 0.08


def test_values_without_counts_have_a_trend_but_no_jump() -> None:
    assert one(RISING, method=None)["warning_kind"] == "trend"
    assert not one([10, 10.5, 10, 10.4, 10.1, 18.0], method=None)["is_warning"]


def test_words_of_numbers() -> None:
    assert wording.change_label(-1234.56, 1, "Personen") == "−1.234,6 Personen"
    assert wording.change_label(0.02, 1, "%") == "±0,0 Prozentpunkte"
    assert wording.too_few_points(4, 5) == "zu wenige Zeitpunkte (4 von 5)"
    assert wording.relation(-0.5, significant=True) == "mittel, gegenläufig"
    assert wording.relation(0.9, significant=False) == "nicht gesichert"
    assert wording.comparison_label("below", wording.benchmark_label("stadt")) == (
        "unter dem Wert der Stadt (statistisch gesichert)"
    )
