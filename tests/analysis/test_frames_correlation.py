"""Relations: agree with scipy on incomplete tables, and pairs coupled by definition are not compared."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from analysis.frames.comparable import comparable_pairs
from analysis.frames.correlation import correlations, spearman_interval, yearly_changes

PAIR = pd.DataFrame({"indicator_key_x": ["a"], "indicator_key_y": ["b"], "shares_denominator": [False]})


def observed(first: np.ndarray, second: np.ndarray, year: int = 2024) -> pd.DataFrame:
    columns = {"a": first, "b": second}
    return pd.concat(
        pd.DataFrame(
            {
                "kind": "areas",
                "scope": 2,
                "unit_key": [f"area {place}" for place in range(len(values))],
                "year": year,
                "indicator_key": key,
                "value": values.astype(float),
            }
        )
        for key, values in columns.items()
    )


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 20), st.booleans(), st.booleans()),
        min_size=12,
        max_size=40,
    )
)
def test_number_and_p_value_are_those_of_scipy_over_the_common_areas(
    rows: list[tuple[int, int, bool, bool]],
) -> None:
    first = np.array([x if known else np.nan for x, _, known, _ in rows], dtype=float)
    second = np.array([y if known else np.nan for _, y, _, known in rows], dtype=float)
    both = ~np.isnan(first) & ~np.isnan(second)
    found = correlations(PAIR, observed(first, second))
    constant = both.sum() and (np.ptp(first[both]) == 0 or np.ptp(second[both]) == 0)
    if both.sum() < 10 or constant:
        assert found.empty
        return
    expected = spearmanr(first[both], second[both])
    assert found["n"].item() == both.sum()
    assert found["r"].item() == pytest.approx(expected.statistic, abs=1e-9)
    assert found["p_value"].item() == pytest.approx(expected.pvalue, abs=1e-9)


def test_latest_common_year_is_taken_unless_it_is_long_ago() -> None:
    values = np.arange(12.0)
    late, early = observed(values, values, 2024), observed(values, -values, 2022)
    assert correlations(PAIR, pd.concat([early, late]))["year"].item() == 2024
    only_a = late[late["indicator_key"] == "a"]
    found = correlations(PAIR, pd.concat([early, only_a]))
    assert (found["year"].item(), found["relation_label"].item()) == (2022, "stark, gegenläufig")
    assert correlations(PAIR, pd.concat([observed(values, values, 2019), only_a])).empty


def test_interval_covers_what_it_promises() -> None:
    generator = np.random.default_rng(4)
    true = 6 / np.pi * np.arcsin(0.25)
    inside = []
    for _ in range(400):
        first = generator.normal(size=60)
        second = 0.5 * first + np.sqrt(0.75) * generator.normal(size=60)
        low, high = spearman_interval(np.array([spearmanr(first, second).statistic]), np.array([60.0]), 0.95)
        inside.append(low[0] <= true <= high[0])
    assert 0.92 <= np.mean(inside) <= 0.98


def test_two_trends_alone_are_no_relation_over_time() -> None:
    """Two random walks upwards correlate strongly as levels; their yearly changes do not."""
    generator = np.random.default_rng(9)
    years = np.arange(2010, 2024)
    significant = levels = 0
    for _ in range(60):
        series = pd.concat(
            pd.DataFrame(
                {
                    "scope": 1,
                    "indicator_key": key,
                    "year": years,
                    "value": np.cumsum(1 + generator.normal(size=years.size)),
                    "is_break": False,
                }
            )
            for key in "ab"
        )
        wide = series.pivot(index="year", columns="indicator_key", values="value")
        levels += spearmanr(wide["a"], wide["b"]).pvalue < 0.05
        significant += bool(correlations(PAIR, yearly_changes(series))["is_significant"].item())
    assert levels > 30
    assert significant <= 8


def test_change_over_a_break_or_a_missing_year_is_none() -> None:
    series = pd.DataFrame(
        {
            "scope": 1,
            "indicator_key": "a",
            "year": [2018, 2019, 2020, 2022, 2023],
            "value": [1.0, 2.0, 9.0, 10.0, 13.0],
            "is_break": [False, False, True, False, False],
        }
    )
    changes = yearly_changes(series)
    assert changes["value"].tolist() == pytest.approx([np.nan, 1.0, np.nan, np.nan, 3.0], nan_ok=True)
    assert set(changes["year"]) == {2023}


def test_pairs_coupled_by_definition_are_left_out() -> None:
    # key: theme, numerator, denominator
    definitions = {
        "sgb2": ("poverty", [("sgb2", "total")], [("population", "total")]),
        "unemployed": ("work", [("unemployed", "total")], [("population", "total")]),
        "women": ("work", [("sgb2", "sex=f")], [("sgb2", "total")]),
        "elb": ("work", [("sgb2_elb", "total")], [("population", "total")]),
        "old": ("people", [("population", "age=65+")], [("population", "total")]),
        "foreign": ("migration", [("population", "nationality=foreign")], [("population", "total")]),
        "young": ("children", [("population", "age=0-17")], [("population", "total")]),
        "size": ("housing", [("households", "total")], [("dwellings", "total")]),
        "score": ("people", [], []),
    }
    indicators = pd.DataFrame(
        [
            (key, key, "index" if key == "score" else "rate", theme)
            for key, (theme, _, _) in definitions.items()
        ]
        + [("number", "number", "count", "housing")],
        columns=["indicator_key", "indicator_id", "kind", "theme_id"],
    )
    parts = pd.DataFrame(
        [
            (key, part, measure, group)
            for key, (_, top, below) in definitions.items()
            for part, of in (("numerator", top), ("denominator", below))
            for measure, group in of
        ],
        columns=["indicator_key", "part", "measure_id", "group_key"],
    )
    measures = pd.DataFrame(
        [("sgb2_elb", "sgb2"), ("sgb2", "population"), ("population", None)],
        columns=["measure_id", "part_of"],
    )
    found = comparable_pairs(indicators, parts, measures)
    pairs = {tuple(row) for row in found[["indicator_key_x", "indicator_key_y"]].itertuples(index=False)}
    assert {
        ("sgb2", "unemployed"),
        ("old", "sgb2"),
        ("foreign", "old"),
        ("sgb2", "size"),
        ("score", "sgb2"),
    } <= pairs
    assert ("sgb2", "women") not in pairs, "part of the other's denominator"
    assert ("elb", "sgb2") not in pairs, "contained in it"
    assert ("old", "young") not in pairs, "one takes from the other"
    assert ("unemployed", "women") not in pairs, "one theme"
    assert ("old", "score") not in pairs, "one theme, perhaps a part of the score"
    assert not {pair for pair in pairs if "number" in pair}
    shared = found.set_index(["indicator_key_x", "indicator_key_y"])["shares_denominator"]
    assert shared[("sgb2", "unemployed")] and not shared[("sgb2", "size")]
