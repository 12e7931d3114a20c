"""Published figures against the simulated persons: what the dashboard shows is what is true, or nothing."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pandas as pd
import pytest

from superset_assets.identifiers import asset_uuid
from superset_assets.roles import read_logins
from superset_assets.server import chart_data, dashboard_answers
from tests.e2e.conftest import Installation
from tests.e2e.truth import INDICATORS
from tests.running_superset import running_superset, state_folder

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

LAST_DAY = "2025-12-31"
"""The small Musterkreis has the latest three years, 2023 to 2025."""
ROUNDING = 0.05 + 1e-9
"""Half a unit of the one decimal that rates are released with; counts have to be equal within it as well."""


def published(released: Installation, indicator: str, day: str) -> pd.Series:
    """Released values of an indicator by (area_level, area_code), hidden ones left out."""
    with duckdb.connect(str(released.current), read_only=True) as connection:
        frame = connection.execute(
            """
            select area_level, area_code, value
            from mart_indicator
            where indicator_id = ? and period_end = ? and area_system = 'sozialraum' and value is not null
            """,
            [indicator, day],
        ).df()
    return frame.set_index(["area_level", "area_code"])["value"]


@pytest.mark.parametrize("indicator", INDICATORS)
@pytest.mark.parametrize("day", ["2024-12-31", LAST_DAY])
def test_every_released_value_equals_the_count_of_persons(
    released: Installation, indicator: str, day: str
) -> None:
    truth = INDICATORS[indicator](released.truth, day)
    values = published(released, indicator, day)
    checked = values[[key in truth.index for key in values.index]]
    assert ("kreis", "99901") in checked.index or (indicator == "hze_rate" and day == LAST_DAY)
    assert ((checked - truth.reindex(checked.index)).abs() <= ROUNDING).all()


def test_a_late_jugendamt_leaves_the_kreis_empty_and_the_others_filled(released: Installation) -> None:
    """Fault F01: Jugendamt 99901004 has not delivered the last year."""
    with duckdb.connect(str(released.current), read_only=True) as connection:
        rows = connection.execute(
            """
            select area_code, value, empty_reason
            from mart_indicator
            where indicator_id = 'hze_rate' and period_end = ? and area_code in ('99901', '99901004', '99901001')
            """,
            [LAST_DAY],
        ).fetchall()
    found = {code: (value, reason) for code, value, reason in rows}
    assert found["99901"] == (None, "noch nicht geliefert")
    assert found["99901004"] == (None, "noch nicht geliefert")
    assert found["99901001"][0] is not None


def test_small_counts_of_the_truth_are_never_published(released: Installation) -> None:
    """Independent of the macros: no released count of disabled persons hides a true count of 1 or 2."""
    cases = pd.read_parquet(released.truth / "cases_schwerbehinderung.parquet")
    cases = cases[(cases["period_end"].astype(str) == LAST_DAY) & cases["block_delivered"]]
    small = cases.groupby("sozialraum_code").size().loc[lambda counts: counts < 3]
    with duckdb.connect(str(released.current), read_only=True) as connection:
        values = connection.execute(
            """
            select area_code, value
            from mart_measure
            where measure_id = 'disability_persons' and breakdown = 'total' and area_level = 'sozialraum'
                and period_end = ?
            """,
            [LAST_DAY],
        ).df()
    values = values.set_index("area_code")["value"]
    assert values.notna().sum() > 20
    assert len(small) > 0
    assert values.reindex(small.index).isna().all()


@pytest.fixture(scope="module")
def superset(released: Installation) -> Iterator[str]:
    with state_folder(released.var), running_superset(released.var) as url:
        yield url


@pytest.mark.superset
def test_every_chart_of_the_executive_dashboard_answers(superset: str) -> None:
    answer = dashboard_answers(superset, read_logins()["fuehrung"], "lage-musterkreis")
    assert answer.ok, answer.problems or answer.error
    assert len(answer.charts) >= 8


@pytest.mark.superset
@pytest.mark.parametrize("indicator", ["population_total", "population_65plus_share", "sgb2_rate"])
def test_headline_numbers_of_the_dashboard_equal_the_persons(
    released: Installation, superset: str, indicator: str
) -> None:
    """The number an executive reads, fetched as the browser fetches it, against a count of simulated persons."""
    chart = asset_uuid("musterkreis", "charts", f"kennzahl_{indicator}")
    rows = chart_data(superset, read_logins()["fuehrung"], "lage-musterkreis", chart)
    latest = max(rows, key=lambda row: row["period_end"])
    assert pd.to_datetime(latest["period_end"], unit="ms").date().isoformat() == LAST_DAY
    assert abs(latest["wert"] - INDICATORS[indicator](released.truth, LAST_DAY)["kreis", "99901"]) <= ROUNDING
