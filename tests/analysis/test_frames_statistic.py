"""Intervals, comparison, funnel, shrinkage, ranking of whole tables: against scipy and statsmodels, and by meaning."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from scipy.stats.contingency import relative_risk
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint, proportions_ztest

from analysis import small_area
from analysis.frames import groupwise, wording
from analysis.frames.basis import basis
from analysis.frames.counts import Counts, change_p
from analysis.frames.ranking import rankings
from analysis.frames.statistic import statistics


def counted(
    rows: list[tuple[str, float, float | None, float | None, int]], factor: float = 100
) -> pd.DataFrame:
    """method, numerator, denominator, benchmark, group."""
    frame = pd.DataFrame(rows, columns=["method", "numerator", "denominator", "benchmark_value", "group_id"])
    frame = frame.astype({"denominator": "float64", "benchmark_value": "float64", "numerator": "float64"})
    return frame.assign(
        count_id=range(len(frame)),
        factor=factor,
        min_denominator=0,
        root_level="kreis",
        polarity="lower_better",
    )


counts_and_bases = st.lists(
    st.tuples(st.integers(0, 300), st.integers(1, 2000)).map(lambda pair: (min(pair), max(pair))),
    min_size=1,
    max_size=20,
)


@settings(deadline=None, max_examples=25)
@given(counts_and_bases)
def test_share_has_the_wilson_interval_of_statsmodels_around_its_value(pairs: list[tuple[int, int]]) -> None:
    found = statistics(counted([("wilson", float(x), float(n), 10.0, 1) for x, n in pairs]))
    for (x, n), low, high in zip(pairs, found["interval_low"], found["interval_high"], strict=True):
        assert (low, high) == pytest.approx(
            [100 * end for end in proportion_confint(x, n, method="wilson")], abs=1e-9
        )
        assert low - 1e-9 <= 100 * x / n <= high + 1e-9


@settings(deadline=None, max_examples=25)
@given(counts_and_bases)
def test_quotient_of_two_groups_contains_itself_and_inverts(pairs: list[tuple[int, int]]) -> None:
    """The interval of x : y is the reciprocal of that of y : x; a formula with a fixed base would not do that."""
    one = statistics(counted([("wilson_quotient", float(x), float(y), None, 1) for x, y in pairs if x], 1.0))
    other = statistics(
        counted([("wilson_quotient", float(y), float(x), None, 1) for x, y in pairs if x], 1.0)
    )
    assert one["interval_low"].to_numpy() == pytest.approx(1 / other["interval_high"].to_numpy())
    assert one["interval_high"].to_numpy() == pytest.approx(1 / other["interval_low"].to_numpy())


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3)), min_size=1, max_size=60),
    st.sets(st.integers(0, 59)),
)
def test_correction_within_groups_is_that_of_statsmodels(
    rows: list[tuple[float, int]], missing: set[int]
) -> None:
    p_values = np.array([np.nan if place in missing else p for place, (p, _) in enumerate(rows)])
    group = np.array([number for _, number in rows], dtype=np.int64)
    found = groupwise.adjusted_p(p_values, group)
    for number in set(group.tolist()):
        known = (group == number) & ~np.isnan(p_values)
        if known.any():
            assert found[known] == pytest.approx(multipletests(p_values[known], method="fdr_bh")[1])
    assert np.isnan(found[np.isnan(p_values)]).all()


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 900), st.integers(0, 2), st.booleans()), min_size=1)
)
def test_shrinkage_in_groups_is_that_of_each_group(rows: list[tuple[int, int, int, bool]]) -> None:
    events = np.array([min(x, n) for x, n, _, _ in rows], dtype=float)
    base = np.array([n for _, n, _, _ in rows], dtype=float)
    group = np.array([number for _, _, number, _ in rows], dtype=np.int64)
    share_of = {number: flag for _, _, number, flag in rows}
    is_share = np.array([share_of[number] for number in group.tolist()])
    found = groupwise.shrink(events, base, is_share, group)
    for number, flag in share_of.items():
        mine = group == number
        assert found[mine] == pytest.approx(
            small_area.shrink(events[mine], base[mine], is_share=flag), nan_ok=True
        )


def test_area_stands_out_only_against_all_areas_of_its_group() -> None:
    # p = 0.03 alone is a finding; among forty areas that are like the Kreis it is not.
    odd = ("wilson", 17.0, 100.0, 10.0, 1)
    usual = [("wilson", 10.0, 100.0, 10.0, 1)] * 40
    assert binomtest(17, 100, 0.1).pvalue < 0.05
    alone, among = statistics(counted([odd])).iloc[0], statistics(counted([odd, *usual])).iloc[0]
    assert alone["comparison"] == "above"
    assert alone["comparison_label"] == "über dem Kreiswert (statistisch gesichert)"
    assert alone["comparison_assessment"] == "ungünstig"
    assert among["comparison"] == "none"
    assert among["p_value"] == alone["p_value"] < among["p_adjusted"]
    assert pd.isna(among["comparison_assessment"])


def test_funnel_keeps_what_chance_allows_and_shows_the_rest() -> None:
    generator = np.random.default_rng(11)
    sizes = generator.integers(50, 5000, 4000)
    for method, draw in (
        ("wilson", generator.binomial(sizes, 0.1)),
        ("byar", generator.poisson(0.1 * sizes)),
    ):
        rows = [(method, float(x), float(n), 10.0, 1) for x, n in zip(draw, sizes, strict=True)]
        found = statistics(counted(rows))
        assert found["is_outside_funnel"].mean() <= 0.008
        assert (found["comparison"] != "none").mean() <= 0.01
    far = statistics(counted([("wilson", 200.0, 1000.0, 10.0, 1)])).iloc[0]
    assert far["is_outside_funnel"] and far["funnel_high"] < 20


def test_small_numbers_are_marked_and_a_count_has_no_benchmark() -> None:
    small, large, count, alone = statistics(
        counted(
            [
                ("wilson", 3.0, 12.0, 10.0, 1),
                ("wilson", 300.0, 1200.0, 10.0, 1),
                ("byar", 20.0, None, 5000.0, 2),
                ("wilson", 5.0, 50.0, None, 3),
            ]
        )
    ).to_dict("records")
    assert not small["is_reliable"] and small["note"] == wording.unreliable()
    assert large["is_reliable"] and pd.isna(large["note"]) and large["reliability_label"] == "belastbar"
    assert small["shrunk_value"] >= large["shrunk_value"] - 10 and abs(large["shrunk_value"] - 25) < 0.01
    assert count["is_reliable"] and np.isnan(count["benchmark_value"]) and pd.isna(count["comparison"])
    assert np.isnan(alone["shrunk_value"]) and pd.isna(alone["is_outside_funnel"])


def test_minimum_population_of_the_indicator_counts() -> None:
    frame = counted([("wilson", 300.0, 1200.0, 10.0, 1)]).assign(min_denominator=2000)
    assert not statistics(frame)["is_reliable"].any()


@settings(deadline=None, max_examples=25)
@given(st.integers(20, 300), st.integers(20, 300), st.integers(320, 900), st.integers(320, 900))
def test_change_of_a_share_is_tested_as_statsmodels_does(x: int, y: int, n: int, m: int) -> None:
    before = Counts.of(counted([("wilson", float(x), float(n), None, 1)]))
    after = Counts.of(counted([("wilson", float(y), float(m), None, 1)]))
    assert change_p(before, after)[0] == pytest.approx(proportions_ztest([x, y], [n, m])[1], abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(100, 900), st.integers(100, 900))
def test_change_of_a_rate_is_tested_by_the_conditional_binomial(x: int, y: int, n: int, m: int) -> None:
    before = Counts.of(counted([("byar", float(x), float(n), None, 1)]))
    after = Counts.of(counted([("byar", float(y), float(m), None, 1)]))
    found = change_p(before, after)[0]
    if x + y:
        tails = [binomtest(y, x + y, m / (n + m), alternative=side).pvalue for side in ("less", "greater")]
        assert found == pytest.approx(min(1.0, 2 * min(tails)))
    assert 0 < found <= 1


def test_relative_risk_far_from_one_is_a_change() -> None:
    assert relative_risk(60, 500, 20, 500).relative_risk == 3
    before = Counts.of(counted([("wilson", 20.0, 500.0, None, 1)]))
    assert change_p(before, Counts.of(counted([("wilson", 60.0, 500.0, None, 1)])))[0] < 1e-4
    assert np.isnan(change_p(before, Counts.of(counted([("wilson", np.nan, 500.0, None, 1)])))[0])


def test_order_is_refused_where_noise_turns_it() -> None:
    near = [("wilson", 10.0 + place, 100.0, None, 1) for place in range(6)]
    far = [("wilson", 1000.0 * place, 10_000.0, None, 2) for place in range(1, 7)]
    two = [("wilson", 10.0, 100.0, None, 3)] * 2
    frame = counted(near + far + two)
    groups = pd.DataFrame({"rank_id": [1, 2, 3, 4], "group_id": [1, 2, 3, None], "areas": [6, 6, 2, 6]})
    noise, clear, few, money = rankings(groups, frame).to_dict("records")
    assert noise["is_rankable"] is False and "Nur 0 % der Gebietspaare" in noise["reason"]
    assert clear["is_rankable"] is True and pd.isna(clear["reason"]) and clear["pairs_distinguishable"] == 1
    assert few["is_rankable"] is False and few["reason"].startswith("Nur 2 Gebiete")
    assert pd.isna(money["is_rankable"]) and money["reason"].startswith("Nicht prüfbar")


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 5)), min_size=2, max_size=30))
def test_pairs_counted_by_sorting_are_those_counted_one_by_one(ranges: list[tuple[float, float]]) -> None:
    low = np.array([start for start, _ in ranges])
    high = low + np.array([width for _, width in ranges])
    found = groupwise.distinguishable_pairs(low, high, np.zeros(low.size, dtype=np.int64))
    apart = sum(high[i] < low[j] or high[j] < low[i] for i in range(low.size) for j in range(i + 1, low.size))
    assert found["pairs_distinguishable"].item() == pytest.approx(apart / (low.size * (low.size - 1) / 2))


def test_only_counted_persons_and_cases_get_an_interval() -> None:
    measures = pd.DataFrame(
        [
            ("cases", "Fälle", "count"),
            ("persons", "Personen", "count"),
            ("eur", "EUR", "money"),
            ("places", "Plätze", "count"),
            ("out", "Fortzüge", "count"),
        ],
        columns=["measure_id", "unit", "value_kind"],
    )
    wanted = {
        "rate": ("rate", [("numerator", "cases", 1), ("denominator", "persons", 1)], "byar"),
        "rest": (
            "share",
            [("numerator", "persons", 1), ("numerator", "cases", -1), ("denominator", "persons", 1)],
            "wilson",
        ),
        "old": ("quotient", [("numerator", "persons", 1), ("denominator", "persons", 1)], "wilson_quotient"),
        "number": ("count", [("numerator", "cases", 1)], "byar"),
        "people": ("count", [("numerator", "persons", 1)], "selbst Bezugsgröße"),
        "net": (
            "rate",
            [("numerator", "cases", 1), ("numerator", "out", -1), ("denominator", "persons", 1)],
            "Saldo",
        ),
        "cost": ("money", [("numerator", "eur", 1), ("denominator", "persons", 1)], "Geldbeträge"),
        "supply": ("ratio", [("numerator", "places", 1), ("denominator", "persons", 1)], "keine gezählten"),
        "size": ("mean", [("numerator", "persons", 1), ("denominator", "cases", 1)], "Mittelwerte"),
        "score": ("index", [], "Punktwert"),
        "given": ("share", [], "fertig geliefert"),
        "half": ("share", [("numerator", "cases", 1)], "fertig geliefert"),
    }
    indicators = pd.DataFrame(
        [(key, kind) for key, (kind, _, _) in wanted.items()], columns=["indicator_key", "kind"]
    )
    parts = pd.DataFrame(
        [
            (key, part, measure, "total", float(sign))
            for key, (_, of, _) in wanted.items()
            for part, measure, sign in of
        ],
        columns=["indicator_key", "part", "measure_id", "group_key", "sign"],
    )
    found = basis(indicators, parts, measures).set_index("indicator_key")
    for key, (_, _, word) in wanted.items():
        row = found.loc[key]
        if pd.isna(row["method"]):
            assert word in row["note"], key
        else:
            assert row["method"] == word and pd.isna(row["note"]), key


def test_instance_without_any_counted_value_gets_empty_tables_of_the_same_types() -> None:
    full = counted([("wilson", 5.0, 50.0, 10.0, 1)])
    nothing, something = statistics(full.iloc[:0]), statistics(full)
    assert nothing.empty and nothing.dtypes.astype(str).to_dict() == something.dtypes.astype(str).to_dict()
    delivered = pd.DataFrame({"rank_id": [1], "group_id": [np.nan], "areas": [12]})
    assert rankings(delivered, full.iloc[:0])["is_rankable"].isna().all()
