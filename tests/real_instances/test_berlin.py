"""Berlin: every file of the population lands and adds up, the MSS reproduces its published index, areas close."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import pytest
import shapely

from analysis.index import Method, classes_by_bounds, composite
from ingestion.formats.base import ParsedDelivery
from lagebild.instance import Instance
from tests.real_instances.conftest import frame

pytestmark = pytest.mark.real

Read = Callable[[str], dict[str, ParsedDelivery]]

LEVEL_COUNTS_OLD = {"stadt": 1, "bezirk": 12, "prognoseraum": 60, "bezirksregion": 138}
LEVEL_COUNTS_NEW = {"stadt": 1, "bezirk": 12, "prognoseraum": 58, "bezirksregion": 143, "planungsraum": 542}


def population(berlin: Read) -> pd.DataFrame:
    return pd.concat(
        [frame(berlin("lor_population_t1"), "observation"), frame(berlin("lor_population_t2"), "observation")]
    )


def areas(berlin: Read) -> pd.DataFrame:
    found = frame(berlin("lor_areas"), "area")
    return found.assign(valid_to=found.valid_to.fillna(date(9999, 12, 31)))


def test_all_files_are_accepted(berlin: Read) -> None:
    files = {source: berlin(source) for source in Instance("berlin").sources}
    assert {source: len(parsed) for source, parsed in files.items()} == {
        "lor_areas": 5,
        "lor_crosswalk": 1,
        "lor_population_t1": 100,
        "lor_population_t2": 100,
        "mss": 32,
    }
    refused = [name for parsed in files.values() for name, delivery in parsed.items() if delivery.refused]
    assert refused == []


def test_population_has_every_area_of_every_half_year(berlin: Read) -> None:
    total = population(berlin).query("group_id == 'total'")
    counted = total.groupby(["period_end", "area_level"]).area_code.nunique().unstack()
    assert len(counted) == 20
    for day, row in counted.iterrows():
        if day >= date(2021, 1, 1):
            expected = LEVEL_COUNTS_NEW
        else:
            expected = LEVEL_COUNTS_OLD | {"planungsraum": 447 if day < date(2019, 1, 1) else 448}
        assert row.to_dict() == expected, day


def test_every_level_adds_up_to_the_city(berlin: Read) -> None:
    sums = population(berlin).groupby(["period_end", "group_id", "area_level"]).value.sum().unstack()
    assert (sums.nunique(axis=1) == 1).all()
    assert sums.loc[(date(2024, 12, 31), "total"), "stadt"] == 3_897_145
    assert sums.loc[(date(2018, 12, 31), "total"), "stadt"] == 3_748_148


def test_breakdowns_add_up_to_the_total(berlin: Read) -> None:
    values = population(berlin).pivot_table(
        index=["period_end", "area_level", "area_code"], columns="group_id", values="value"
    )
    for breakdown in ("age", "sex", "nationality", "migration"):
        columns = [name for name in values if name.startswith(f"{breakdown}=") and ";" not in name]
        assert (values[columns].sum(axis=1) == values["total"]).all(), breakdown
    cross = [
        "migration=no;nationality=de",
        "migration=yes;nationality=de",
        "migration=yes;nationality=foreign",
    ]
    assert (values[cross].sum(axis=1) == values["total"]).all()


def test_no_figure_lands_twice(berlin: Read) -> None:
    everything = pd.concat([population(berlin), frame(berlin("mss"), "observation")])
    grain = ["area_system", "area_level", "area_code", "period_type", "period_end", "measure_id", "group_id"]
    # The wave of 2019 delivers table 2-2 twice (once named 2017): one content, one delivery.
    repeated = everything[everything.duplicated(grain, keep=False)]
    assert set(repeated.measure_id) <= set(frame(berlin("mss"), "observation").measure_id)
    assert set(repeated.area_level) == {"bezirksregion"}
    assert (repeated.groupby(grain).value.nunique() <= 1).all()


def test_every_figure_has_an_area_valid_on_its_day(berlin: Read) -> None:
    known = areas(berlin)
    figures = pd.concat([population(berlin), frame(berlin("mss"), "observation")])
    places = figures[["area_level", "area_code", "period_end"]].drop_duplicates()
    joined = places.merge(known, on=["area_level", "area_code"], how="left")
    valid = joined[(joined.valid_from <= joined.period_end) & (joined.period_end <= joined.valid_to)]
    matches = places.merge(
        valid.groupby(["area_level", "area_code", "period_end"]).size().rename("n").reset_index(), how="left"
    )
    assert (matches.n == 1).all()


def test_hierarchy_closes(berlin: Read) -> None:
    known = areas(berlin)
    levels = ["stadt", "bezirk", "prognoseraum", "bezirksregion", "planungsraum"]
    parents = {(row.area_level, row.area_code): [] for row in known.itertuples()}
    for row in known.itertuples():
        parents[row.area_level, row.area_code].append((row.valid_from, row.valid_to))
    for row in known.itertuples():
        if row.area_level == "stadt":
            assert row.parent_code is None
            continue
        above = levels[levels.index(row.area_level) - 1]
        spans = [
            span
            for span in parents.get((above, row.parent_code), [])
            if span[0] <= row.valid_to and row.valid_from <= span[1]
        ]
        days = sum((min(end, row.valid_to) - max(start, row.valid_from)).days + 1 for start, end in spans)
        assert days == (row.valid_to - row.valid_from).days + 1, row


def test_areas_per_year(berlin: Read) -> None:
    known = areas(berlin)

    def count(day: date) -> dict[str, int]:
        return known[(known.valid_from <= day) & (day <= known.valid_to)].area_level.value_counts().to_dict()

    assert count(date(2018, 12, 31)) == LEVEL_COUNTS_OLD | {"planungsraum": 447}
    assert count(date(2019, 1, 1)) == LEVEL_COUNTS_OLD | {"planungsraum": 448}
    assert count(date(2024, 12, 31)) == LEVEL_COUNTS_NEW


def test_borders(berlin: Read) -> None:
    known = areas(berlin)
    with_border = known.dropna(subset=["geometry"])
    shapes = shapely.from_geojson(with_border.geometry.to_numpy())
    assert shapely.is_valid(shapes).all()
    assert set(shapely.get_type_id(shapes)) <= {3, 6}
    without = known[known.geometry.isna()]
    assert (without.valid_from == date(2021, 1, 1)).all()
    # Derived from the predecessors' polygons: nearly all Prognoseräume, hardly more than half of the Planungsräume.
    assert without.area_level.value_counts().to_dict() == {
        "planungsraum": 216,
        "bezirksregion": 7,
        "prognoseraum": 2,
    }
    # The map of the dashboard needs every area of its level and Stichtag.
    assert not without.valid_from.lt(date(2020, 12, 31)).any()


def test_planungsraum_with_the_key_of_its_namesake(berlin: Read) -> None:
    known = areas(berlin).query(
        "area_name == 'Schloßstraße' and area_level == 'planungsraum' and valid_to.astype('str') < '2021'"
    )
    assert sorted(known.area_code) == ["04030417", "06010102"]
    charlottenburg = shapely.from_geojson(known.set_index("area_code").geometry["04030417"])
    assert charlottenburg.centroid.y > 52.5


def test_crosswalk_weights_sum_to_one(berlin: Read) -> None:
    weights = frame(berlin("lor_crosswalk"), "area_crosswalk")
    sums = weights.groupby(["reform_date", "area_level", "from_code"]).weight.sum()
    assert sums.between(0.999, 1.0000001).all()
    rows = weights.groupby(["reform_date", "area_level"]).agg(
        old=("from_code", "nunique"), new=("to_code", "nunique")
    )
    assert rows.loc[(date(2021, 1, 1), "planungsraum")].to_list() == [448, 542]
    assert rows.loc[(date(2021, 1, 1), "bezirksregion")].to_list() == [138, 143]
    assert rows.loc[(date(2021, 1, 1), "prognoseraum")].to_list() == [60, 58]
    assert rows.loc[(date(2019, 1, 1), "planungsraum")].to_list() == [3, 4]


def test_crosswalk_joins_areas_before_and_after(berlin: Read) -> None:
    weights = frame(berlin("lor_crosswalk"), "area_crosswalk")
    known = areas(berlin)
    for reform, rows in weights.groupby("reform_date"):
        before = known[(known.valid_from < reform) & (known.valid_to < reform)]
        after = known[known.valid_from == reform]
        assert set(zip(rows.area_level, rows.from_code, strict=True)) <= set(
            zip(before.area_level, before.area_code, strict=True)
        )
        assert set(zip(rows.area_level, rows.to_code, strict=True)) <= set(
            zip(after.area_level, after.area_code, strict=True)
        )


def test_reform_of_2019_follows_from_the_register(berlin: Read) -> None:
    register = population(berlin).query("area_level == 'planungsraum'")
    values = register.pivot_table(
        index=["area_code", "group_id"], columns="period_end", values="value", fill_value=0
    )
    before, after = values[date(2018, 12, 31)], values[date(2019, 6, 30)]
    new = {code for code, group in after.index if after[code, group] > 0 and group == "total"} - {
        code for code, group in before.index if before[code, group] > 0 and group == "total"
    }
    assert new == {"09041403"}
    # Nobody else lost so many persons; the loss of Kietzer Feld is the new area, age band by age band.
    lost = (before - after).xs("total", level="group_id").sort_values(ascending=False)
    assert lost.index[0] == "09041301"
    loss, gain = (before - after)["09041301"], after["09041403"]
    bands = [group for group in gain.index if group.startswith("age=")]
    assert np.corrcoef(loss[bands], gain[bands])[0, 1] > 0.99
    weights = frame(berlin("lor_crosswalk"), "area_crosswalk").query("area_level == 'planungsraum'")
    weights = weights[weights.reform_date == date(2019, 1, 1)].set_index(["from_code", "to_code"]).weight
    moved = after["09041403", "total"]
    assert weights["09041301", "09041403"] == pytest.approx(
        moved / (moved + after["09041301", "total"]), abs=1e-6
    )
    assert weights["09041501", "09041401"] == pytest.approx(
        lost["09041501"] / before["09041501", "total"], abs=1e-6
    )
    coarse = frame(berlin("lor_crosswalk"), "area_crosswalk").query("area_level == 'bezirksregion'")
    coarse = coarse[coarse.reform_date == date(2019, 1, 1)].set_index(["from_code", "to_code"]).weight
    share = before["09041301", "total"] / (before["09041301", "total"] + before["09041302", "total"])
    assert coarse["090413", "090414"] == pytest.approx(weights["09041301", "09041403"] * share, abs=1e-6)


# --- Monitoring Soziale Stadtentwicklung -------------------------------------------------------------------------

ORACLE = {
    2013: (434, {1: 80, 2: 264, 3: 52, 4: 38}, {1: 54, 0: 330, -1: 50}),
    2015: (435, {1: 78, 2: 270, 3: 49, 4: 38}, {1: 48, 0: 350, -1: 37}),
    2017: (436, {1: 75, 2: 278, 3: 41, 4: 42}, {1: 49, 0: 339, -1: 48}),
    2019: (436, {1: 67, 2: 283, 3: 47, 4: 39}, {1: 46, 0: 357, -1: 33}),
}


def wave(berlin: Read, year: int) -> pd.DataFrame:
    landed = frame(berlin("mss"), "observation").query("area_level == 'planungsraum'")
    landed = landed[landed.period_end == date(year - 1, 12, 31)]
    return landed.pivot(index="area_code", columns="measure_id", values="value")


@pytest.mark.parametrize("year", ORACLE)
def test_mss_classes(berlin: Read, year: int) -> None:
    found = wave(berlin, year)
    scored, status, dynamics = ORACLE[year]
    assert len(found) == 447
    assert found.mss_status_index.count() == scored
    assert found.mss_status_index.value_counts().to_dict() == status
    assert found.mss_dynamic_index.value_counts().to_dict() == dynamics


@pytest.mark.parametrize("year", ORACLE)
def test_mss_index_can_be_computed_from_what_landed(berlin: Read, year: int) -> None:
    found = wave(berlin, year)
    scored = found[found.mss_status_index.notna()]
    names = [f"mss_s{number}_pct" for number in (1, 2, 3, 4) if year < 2019 or number != 2]
    index = composite(scored[names].to_numpy(), [1] * len(names), Method(rescale="z_score")).value
    published = scored.mss_status_score.notna().to_numpy()
    assert published.sum() >= len(scored) - 1  # tables 3 of 2015 and 2019 have lost one row
    assert np.abs(index[published] - scored.mss_status_score.to_numpy()[published]).max() < 1e-5
    assert (classes_by_bounds(index, [-1, 1, 1.5]) == scored.mss_status_index).all()


@pytest.mark.parametrize("year", ORACLE)
def test_mss_dynamics_can_be_computed_from_what_landed(berlin: Read, year: int) -> None:
    found = wave(berlin, year)
    scored = found[found.mss_status_index.notna()]
    names = [f"mss_d{number}_pct_points" for number in (1, 2, 3, 4) if year < 2019 or number != 2]
    index = composite(scored[names].to_numpy(), [1] * len(names), Method(rescale="z_score")).value
    # Published as +1 (falling burden), 0, -1: class 1 of the index is "+".
    assert (2 - classes_by_bounds(index, [-1, 1]) == scored.mss_dynamic_index).all()


def test_mss_row_of_the_oracle(berlin: Read) -> None:
    row = wave(berlin, 2013).loc["01011103"]
    assert [round(row[f"mss_z_s{number}"], 5) for number in (1, 2, 3, 4)] == [
        0.33357,
        0.27306,
        0.71517,
        0.44329,
    ]
    assert (round(row.mss_status_sum, 5), round(row.mss_status_score, 4)) == (1.76509, 0.4547)
    assert (row.mss_status_index, row.mss_dynamic_index) == (2, -1)


def test_mss_not_computed_is_no_zero(berlin: Read) -> None:
    landed = frame(berlin("mss"), "observation").query(
        "measure_id == 'mss_s1_pct' and area_level == 'planungsraum'"
    )
    unscored = landed[landed.value.isna()]
    assert unscored.groupby("period_end").size().to_list() == [13, 12, 11, 11]
    assert set(unscored.obs_status) == {"M"}
    longterm = frame(berlin("mss"), "observation").query(
        "measure_id == 'mss_s2_pct' and area_level == 'planungsraum'"
    )
    assert set(longterm[longterm.period_end == date(2018, 12, 31)].obs_status) == {"L"}


def test_mss_population_is_the_register_of_the_day_before_the_wave(berlin: Read) -> None:
    register = population(berlin).query("group_id == 'total' and area_level == 'planungsraum'")
    for year in (2017, 2019):
        on_day = register[register.period_end == date(year - 1, 12, 31)].set_index("area_code").value
        assert wave(berlin, year).mss_population.sub(on_day).abs().max() == 0


def test_mss_traps_are_reported(berlin: Read) -> None:
    rules = {
        name.removeprefix("berlin-monitoring-social-urban-development-"): [
            issue.rule for issue in delivery.issues
        ]
        for name, delivery in berlin("mss").items()
    }
    assert rules["2017-00-2-2-district-regions.csv"] == ["Falsche Welle"]
    assert rules["2019-00-2-2-district-regions.csv"] == []
    assert rules["2015-00-4-1-planning-areas.csv"].count("Fremde Zeile") == 2
    assert rules["2019-00-4-3-districts.csv"].count("Fremde Zeile") == 3
    assert "Räume fehlen" in rules["2019-00-4-3-districts.csv"]
    assert all("Überschriften verschoben" in rules[f"{year}-00-3-districts.csv"] for year in ORACLE)
    wrongly_named = next(d for name, d in berlin("mss").items() if "2017-00-2-2" in name)
    assert wrongly_named.period is not None
    assert wrongly_named.period.end == date(2018, 12, 31)
