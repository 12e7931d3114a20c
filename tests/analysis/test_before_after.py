"""Before and after with comparison areas: windows, who is compared, what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from analysis.frames.before_after import LEVEL, PEERS, before_after

YEARS = range(2015, 2025)


def series(areas: dict[str, Callable[[int], float | None]], broken: str = "") -> pd.DataFrame:
    """Yearly figures at 31 December of areas of one level."""
    rows = [
        {
            "indicator_id": "i",
            "area_key": area,
            "area_level": "gemeinde",
            "period_label": str(year),
            "period_start": pd.Timestamp(year, 12, 31),
            "period_end": pd.Timestamp(year, 12, 31),
            "value": value(year),
            "obs_status": "B" if area == broken and year == 2020 else "A",
            "is_estimate": False,
        }
        for area, value in areas.items()
        for year in YEARS
    ]
    return pd.DataFrame(rows).astype({"value": "float64"})


def measures(begun: str = "2018-06-01", done: str | None = "2020-06-01", *areas: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "recommendation_id": f"HE-{number}",
            "indicator_id": "i",
            "area_key": area,
            "begun_on": pd.Timestamp(begun),
            "done_on": pd.Timestamp(done) if done else pd.NaT,
        }
        for number, area in enumerate(areas or ("A",))
    )


def peers(*areas: str) -> pd.DataFrame:
    return pd.DataFrame({"area_key": ["A"] * len(areas), "peer_area_key": list(areas)})


LINES: dict[str, Callable[[int], float | None]] = {
    # All rise by one a year; A falls by six once the measure is done.
    "A": lambda year: year - 2015 - (6 if year >= 2020 else 0),
    "B": lambda year: year - 2015,
    "C": lambda year: 10 + year - 2015,
    "D": lambda year: 20 + year - 2015 + (1 if year >= 2020 else 0),
    "E": lambda year: 50 - 3 * (year - 2015),
}


def test_difference_in_differences_against_peers() -> None:
    (row,) = before_after(measures(), series(LINES), peers("B", "C", "D")).to_dict("records")
    assert (row["before_from"], row["before_to"]) == ("2015", "2017")
    assert (row["after_from"], row["after_to"]) == ("2020", "2022")
    assert (row["before_value"], row["after_value"], row["change"]) == (1.0, 0.0, -1.0)
    # B and C rose by 5 over the same years, D by 6: E is no peer and stays out.
    assert (row["neighbours"], row["neighbours_label"]) == (3, PEERS)
    assert row["neighbours_change"] == pytest.approx(16 / 3)
    assert (row["neighbours_low"], row["neighbours_high"]) == (5.0, 6.0)
    assert row["difference"] == pytest.approx(-1 - 16 / 3)


def test_too_few_peers_take_the_level_and_treated_areas_never_count() -> None:
    (row,) = before_after(measures(), series(LINES), peers("B", "C")).to_dict("records")
    assert (row["neighbours"], row["neighbours_label"]) == (4, LEVEL)
    both = before_after(measures("2018-06-01", "2020-06-01", "A", "B"), series(LINES), peers("B", "C", "D"))
    # B carries the measure as well: two peers are left, so all other areas of the level are compared.
    assert both["neighbours"].tolist() == [3, 3]
    assert set(both["neighbours_label"]) == {LEVEL}


def test_a_hidden_figure_takes_the_area_out_of_the_comparison() -> None:
    hidden = LINES | {"D": lambda year: None if year == 2021 else 1.0}
    (row,) = before_after(measures(), series(hidden), peers("B", "C", "E")).to_dict("records")
    assert row["neighbours"] == 3
    without = {name: line for name, line in hidden.items() if name != "E"}
    assert before_after(measures(), series(without), peers("B", "C", "D")).empty


@pytest.mark.parametrize(
    ("begun", "done", "reason"),
    [
        ("2016-06-01", "2020-06-01", "one period before"),
        ("2018-06-01", "2024-06-01", "one period after"),
    ],
)
def test_too_few_periods_on_a_side_give_no_row(begun: str, done: str, reason: str) -> None:
    assert before_after(measures(begun, done), series(LINES), peers("B", "C", "D")).empty, reason


def test_a_break_on_the_way_gives_no_row_and_a_running_measure_counts_from_its_begin() -> None:
    assert before_after(measures(), series(LINES, broken="A"), peers("B", "C", "D")).empty
    (row,) = before_after(measures("2018-06-01", None), series(LINES), peers("B", "C", "D")).to_dict(
        "records"
    )
    assert (row["after_from"], row["after_to"]) == ("2018", "2020")
    empty = before_after(measures().head(0), series(LINES), peers("B"))
    assert empty.empty and empty["neighbours"].dtype == "int32"
