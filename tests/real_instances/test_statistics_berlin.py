"""The statistics on the figures Berlin really published: they hold against other implementations row by row."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, kendalltau, theilslopes
from statsmodels.stats.proportion import proportion_confint

from analysis.frames.basis import basis
from analysis.frames.ranking import rankings
from analysis.frames.statistic import statistics
from analysis.trend import mann_kendall, sen_slope
from lagebild.paths import PROJECT_ROOT

RELEASE = PROJECT_ROOT / "var" / "berlin" / "published" / "current.duckdb"

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not RELEASE.exists(), reason="Berlin ist nicht veröffentlicht: make refresh INSTANCE=berlin"
    ),
]


@pytest.fixture(scope="module")
def release() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(RELEASE), read_only=True) as connection:
        connection.execute("set memory_limit = '500MB'")
        yield connection


@pytest.fixture(scope="module")
def latest(release: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """The foreign share of every area at its latest period, as the dbt model hands it over."""
    return release.sql("""
        with root as (
            select period_key, 100 * numerator / denominator as benchmark_value
            from fct_indicator join dim_area using (area_key)
            where indicator_id = 'foreign_share' and level_rank = 0
        )
        select row_number() over () as count_id, 'wilson' as method, fact.numerator, fact.denominator, fact.value,
            100.0 as factor, case when level_rank > 0 then benchmark_value end as benchmark_value,
            level_rank as group_id,
            'stadt' as root_level, 0 as min_denominator, 'neutral' as polarity, area_level
        from fct_indicator as fact join dim_area using (area_key) left join root using (period_key)
        where indicator_id = 'foreign_share' and is_latest and value is not null and not is_unassigned
    """).df()


def test_every_planungsraum_agrees_with_statsmodels_and_scipy(latest: pd.DataFrame) -> None:
    assert (latest["area_level"] == "planungsraum").sum() > 400
    found = latest.merge(
        statistics(latest.drop(columns="value")).drop(columns="benchmark_value"), on="count_id"
    )
    assert (
        (found["interval_low"] <= found["value"] + 0.05) & (found["value"] <= found["interval_high"] + 0.05)
    ).all()
    for row in found[found["area_level"] == "planungsraum"].sample(40, random_state=1).itertuples():
        low, high = proportion_confint(row.numerator, row.denominator, method="wilson")
        assert (row.interval_low, row.interval_high) == pytest.approx((100 * low, 100 * high))
        tails = [
            binomtest(
                int(row.numerator), int(row.denominator), row.benchmark_value / 100, alternative=side
            ).pvalue
            for side in ("less", "greater")
        ]
        assert row.p_value == pytest.approx(min(1.0, 2 * min(tails)), rel=1e-6, abs=1e-12)


def test_smaller_areas_are_less_certain_and_their_order_as_well(latest: pd.DataFrame) -> None:
    found = latest.merge(
        statistics(latest.drop(columns="value")).drop(columns="benchmark_value"), on="count_id"
    )
    width = (found["interval_high"] - found["interval_low"]).groupby(found["area_level"]).median()
    assert (
        width["stadt"]
        < width["bezirk"]
        < width["prognoseraum"]
        < width["bezirksregion"]
        < width["planungsraum"]
    )
    groups = latest.groupby("group_id").size().rename("areas").reset_index()
    groups = groups[groups["areas"] > 1].assign(rank_id=groups["group_id"])
    part = rankings(groups, latest).set_index("rank_id")["pairs_distinguishable"]
    assert part.is_monotonic_decreasing and part.iloc[0] > 0.9


def test_delivered_scores_of_the_mss_have_no_interval(release: duckdb.DuckDBPyConnection) -> None:
    indicators = release.sql("select indicator_key, kind from dim_indicator where is_active").df()
    parts = release.sql("select * from dim_indicator_part").df()
    measures = release.sql("select measure_id, unit, value_kind from dim_measure").df()
    found = basis(indicators, parts, measures).set_index("indicator_key")
    scores = found[found.index.str.startswith("mss_")]
    assert (
        len(scores) >= 10 and scores["method"].isna().all() and scores["note"].str.contains("Punktwert").all()
    )
    assert found.loc["foreign_share@1", "method"] == "wilson"
    assert found.loc["old_age_ratio@1", "method"] == "wilson_quotient"
    assert "keine gezählten" in found.loc["population_density@1", "note"]


def test_trend_of_the_bezirke_agrees_with_scipy(release: duckdb.DuckDBPyConnection) -> None:
    wide = (
        release.sql("""
        select area_key, year, numerator / denominator as share
        from fct_indicator join dim_area using (area_key) join dim_period using (period_key)
        where indicator_id = 'foreign_share' and area_level = 'bezirk' and month(period_end) = 12 and value is not null
    """)
        .df()
        .pivot(index="area_key", columns="year", values="share")
        .dropna(axis=1)
    )
    assert len(wide) == 12 and wide.shape[1] >= 5
    years = np.tile(wide.columns.to_numpy(dtype=float), (12, 1))
    p_values, slopes = mann_kendall(wide.to_numpy()), sen_slope(wide.to_numpy(), years)
    for series, time, p_value, slope in zip(wide.to_numpy(), years, p_values, slopes, strict=True):
        assert p_value == pytest.approx(kendalltau(time, series).pvalue)
        assert slope == pytest.approx(theilslopes(series, time)[0])
    # The share of foreigners rose in every Bezirk over these years (Einwohnerregisterstatistik).
    assert (slopes > 0).all() and (p_values < 0.05).all()
