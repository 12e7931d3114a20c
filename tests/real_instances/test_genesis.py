"""The 15 original ffcsv deliveries: what lands equals an independent reading of the files, and the totals agree."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter, defaultdict
from datetime import date
from functools import cache
from typing import Any

import pandas as pd
import pytest

from ingestion.connectors.folder import source_files
from lagebild.instance import Instance
from lagebild.paths import data_dir
from tests.real_instances.official import landed, need, parsed

pytestmark = pytest.mark.real

ROWS = {
    "genesis_11111_02_01_4": 489,
    "genesis_12211_0001": 225,
    "genesis_12211_z_11": 1956,
    "genesis_13111_0005": 384,
    "genesis_13111_01_03_4": 3300,
    "genesis_2000s_2003": 54,  # 72 rows; the totals of two depths of a classification stand in the file twice
    "genesis_23111_0001": 272,
    "genesis_3000g_1008": 20,
    "genesis_32121_01_02_4": 3423,
    "genesis_41312_01_01_4": 5379,
    "genesis_52411_02_01_4": 2445,
    "genesis_61511_01_03_4": 3912,
    "genesis_71311_0001": 600,
    "genesis_81000_0001": 280,
    "genesis_ai_n_01_2_5": 27132,
}
STATUS = {".": ("A", "C"), "...": ("O", "F"), "/": ("L", "F"), "x": ("M", "F")}


@pytest.fixture(autouse=True)
def _data() -> None:
    need("genesis-ffcsv")


@cache
def raw(source_id: str) -> list[dict[str, str]]:
    """The same file by the csv module alone."""
    instance = Instance("deutschland")
    (path,) = source_files(instance, instance.sources[source_id])
    with zipfile.ZipFile(path) as archive:
        text = archive.read(archive.namelist()[0]).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=";"))


def value(source_id: str, area: str, measure: str, group: str = "total", end: date | None = None) -> Any:
    frame = landed(source_id)
    chosen = frame[(frame.area_code == area) & (frame.measure_id == measure) & (frame.group_id == group)]
    if end is not None:
        chosen = chosen[chosen.period_end == end]
    assert len(chosen) == 1
    return chosen.value.iloc[0]


def test_every_delivery_has_a_source() -> None:
    instance = Instance("deutschland")
    flat = [source for source in instance.sources.values() if source.format == "ffcsv"]
    covered = Counter(path.name for source in flat for path in source_files(instance, source))
    files = {path.name for path in (data_dir() / "genesis-ffcsv").glob("*.zip")}
    assert set(covered) == files and set(covered.values()) == {1}
    assert {name for name, source in instance.sources.items() if source.format == "ffcsv"} == set(ROWS)


@pytest.mark.parametrize("source_id", ROWS)
def test_rows_and_signs_equal_an_independent_reading(source_id: str) -> None:
    assert parsed(source_id).issues == ()
    frame = landed(source_id)
    assert len(frame) == ROWS[source_id]
    rows = dict(enumerate(raw(source_id), start=2))
    places = defaultdict(set)
    for row in rows.values():
        places[row["1_variable_attribute_code"], row["time"]].add(row["value"])
    for item in frame.itertuples():
        written = rows[item.source_row]
        text = written["value"]
        if text == "-":
            whole = places[written["1_variable_attribute_code"], written["time"]] == {"-"}
            assert (pd.isna(item.value), item.conf_status) == (item.obs_status in "LM", "F")
            assert item.obs_status != "L" or whole
            assert item.value == 0 or item.obs_status in "LM"
        elif text in STATUS:
            assert pd.isna(item.value)
            assert (item.obs_status, item.conf_status) == STATUS[text]
        else:
            assert item.value == float(text.replace(",", "."))
            uncertain = "()" in (written.get("value_q") or "")
            assert (item.obs_status, item.conf_status) == ("E" if uncertain else "A", "F")
        assert str(item.area_code) == written["1_variable_attribute_code"]
    if len(frame) == len(rows):
        signs = Counter(row["value"] for row in rows.values())
        hidden = int((frame.conf_status == "C").sum())
        assert hidden == signs["."]


def test_counts_of_signs() -> None:
    def counts(source_id: str) -> dict[tuple[str, str, bool], int]:
        frame = landed(source_id)
        return dict(Counter(zip(frame.obs_status, frame.conf_status, frame.value.notna(), strict=True)))

    # 398 Kreise with a figure, 76 dissolved ones, 15 hidden parts of Kreise
    assert counts("genesis_11111_02_01_4") == {
        ("A", "F", True): 398,
        ("M", "F", False): 76,
        ("A", "C", False): 15,
    }
    assert counts("genesis_12211_z_11") == {
        ("A", "F", True): 893,
        ("E", "F", True): 14,
        ("L", "F", False): 1049,
    }
    assert counts("genesis_13111_01_03_4") == {
        ("A", "F", True): 330,
        ("L", "F", False): 2898,
        ("A", "C", False): 72,
    }
    assert counts("genesis_12211_0001") == {("A", "F", True): 210, ("M", "F", False): 9, ("L", "F", False): 6}
    cattle = landed("genesis_41312_01_01_4")
    assert int((cattle.value == 0).sum()) == 904 and int((cattle.conf_status == "C").sum()) == 605


def test_known_values() -> None:
    assert value("genesis_11111_02_01_4", "01056", "gemeinden_number") == 49
    assert (
        value("genesis_13111_0005", "10", "employed_svb_workplace_quarterly", "sex=m", date(2023, 12, 31))
        == 211786
    )
    assert value("genesis_23111_0001", "DG", "hospital_patients", end=date(2016, 12, 31)) == 19532779
    assert value("genesis_3000g_1008", "DG", "census_buildings_pct", "energietraeger=ENERG-GAS") == 53.9
    assert value("genesis_3000g_1008", "DG", "census_buildings", "energietraeger=ENERG-GAS") == 10755706
    assert value("genesis_ai_n_01_2_5", "12065136", "settlement_area_change_pct") == -0.3
    assert value("genesis_2000s_2003", "DG", "census_persons") == 80777360
    assert value("genesis_61511_01_03_4", "09474", "land_price_eur_per_m2") == 191.67
    # Offenbach keeps no cattle: a true zero; Nürnberg is not in the survey's table: no value.
    assert value("genesis_41312_01_01_4", "06413", "cattle") == 0
    assert pd.isna(value("genesis_12211_z_11", "09564", "mz_living_arrangements_1000"))


def test_areas_are_text_with_leading_zeros_on_their_levels() -> None:
    levels = defaultdict(set)
    for source_id in ROWS:
        for level, code in zip(landed(source_id).area_level, landed(source_id).area_code, strict=True):
            levels[level].add(code)
    lengths = {"bund": 2, "land": 2, "regierungsbezirk": 3, "kreis": 5, "gemeinde": 8, "bezirk": 8}
    assert {level: {len(code) for code in codes} for level, codes in levels.items()} == {
        level: {length} for level, length in lengths.items()
    }
    assert levels["bund"] == {"DG"} and len(levels["land"]) == 16 and len(levels["bezirk"]) == 12


def test_parts_give_their_whole() -> None:
    employed = landed("genesis_13111_01_03_4")
    totals = employed[(employed.group_id == "total") & employed.value.notna()]
    nation = float(totals[totals.area_level == "bund"].value.iloc[0])
    lands = totals[totals.area_level == "land"]
    # 2,160 people at work at no known place in Germany are in the national figure only.
    assert len(lands) == 16 and nation - lands.value.sum() == 2160
    regions = totals[totals.area_level == "regierungsbezirk"]
    by_land = regions.groupby(regions.area_code.str[:2]).value.sum()
    assert by_land.to_dict() == lands.set_index("area_code").value.to_dict()
    by_sex = (
        employed[employed.group_id.isin(["sex=m", "sex=f"])]
        .groupby("area_code")
        .value.sum(min_count=2)
        .dropna()
    )
    assert by_sex.to_dict() == totals.set_index("area_code").value.to_dict()


def test_two_tables_of_one_statistic_agree() -> None:
    quarterly = landed("genesis_13111_0005")
    yearly = landed("genesis_13111_01_03_4")
    day = yearly.period_end.iloc[0]
    one = (
        quarterly[(quarterly.period_end == day) & (quarterly.group_id == "total")]
        .set_index("area_code")
        .value
    )
    other = yearly[(yearly.area_level == "land") & (yearly.group_id == "total")].set_index("area_code").value
    # Corrections reach the two databases at different times: single persons, never more than five in a Land.
    assert set(one.index) == set(other.index) and (one - other).abs().max() <= 5


def test_cattle_and_insolvencies_add_up_where_nothing_is_hidden() -> None:
    for source_id, measure in (
        ("genesis_41312_01_01_4", "cattle"),
        ("genesis_52411_02_01_4", "insolvencies_business"),
    ):
        frame = landed(source_id)
        frame = frame[frame.measure_id == measure]
        complete = frame.groupby("area_code").value.apply(lambda values: values.notna().all())
        frame = frame[frame.area_code.isin(complete[complete].index)]
        parts = frame[frame.group_id != "total"].groupby("area_code").value.sum()
        whole = frame[frame.group_id == "total"].set_index("area_code").value
        if source_id == "genesis_41312_01_01_4":
            # Milk cows and other cows are parts beside the age classes: all ten parts make the herd.
            assert frame.group_id.nunique() == 11
        assert len(whole) > 300 and parts.sort_index().to_dict() == whole.sort_index().to_dict()


def test_period_of_a_delivery() -> None:
    single = parsed("genesis_11111_02_01_4")
    assert single.period is not None and single.period.end == date(2024, 12, 31)
    assert single.part == "11111-02-01-4"
    several = parsed("genesis_13111_0005")
    assert several.period is None and landed("genesis_13111_0005").period_end.nunique() == 8
