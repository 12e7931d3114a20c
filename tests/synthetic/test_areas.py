"""The areas close: counts of every validity, hierarchy, geometry, reforms; no name is one of a real Gemeinde."""

from __future__ import annotations

from datetime import date

import numpy as np
import openpyxl
import pytest
import shapely

from ingestion.synthetic import names
from ingestion.synthetic.areas import MERGER, SPLIT, Areas, build_areas
from lagebild.paths import data_dir

DAYS = {
    date(2016, 1, 1): {"kreis": 1, "amt": 18, "gemeinde": 50, "sozialraum": 93},
    date(2019, 1, 1): {"kreis": 1, "amt": 18, "gemeinde": 49, "sozialraum": 92},
    date(2024, 1, 1): {"kreis": 1, "amt": 18, "gemeinde": 49, "sozialraum": 93},
}


@pytest.fixture(scope="module", params=[7, 20260101])
def areas(request: pytest.FixtureRequest) -> Areas:
    return build_areas(request.param)


@pytest.mark.parametrize("day", DAYS)
def test_counts_of_every_validity(areas: Areas, day: date) -> None:
    found = {level: len(areas.valid_codes("sozialraum", level, day)) for level in DAYS[day]}
    assert found == DAYS[day]
    assert 850 <= len(areas.valid_codes("sozialraum", "block", day)) <= 950
    assert len(areas.valid_codes("schulbezirk", "schulbezirk", day)) == 40
    assert len(areas.valid_codes("kitabezirk", "kitabezirk", day)) == 30


def test_every_parent_is_valid_as_long_as_its_child(areas: Areas) -> None:
    rows = areas.area_rows.assign(end=areas.area_rows["valid_to"].fillna(date.max))
    parents = rows.groupby(["area_system", "area_code"]).agg(
        level=("area_level", "first"), start=("valid_from", "min"), until=("end", "max")
    )
    pairs = rows[rows["parent_code"].notna()].merge(
        parents, left_on=["area_system", "parent_code"], right_index=True, how="left"
    )
    assert pairs["level"].notna().all()
    assert (pairs["start"] <= pairs["valid_from"]).all()
    assert (pairs["until"] >= pairs["end"]).all()
    order = {level: rank for rank, level in enumerate(("kreis", "amt", "gemeinde", "sozialraum"))}
    main = pairs[pairs["area_system"] == "sozialraum"]
    assert (main["area_level"].map({**order, "block": 4}) - main["level"].map(order) == 1).all()


def test_validities_of_a_code_do_not_overlap(areas: Areas) -> None:
    rows = areas.area_rows.assign(end=areas.area_rows["valid_to"].fillna(date.max))
    for _, group in rows.groupby(["area_system", "area_code"]):
        group = group.sort_values("valid_from")
        assert (group["end"].iloc[:-1].to_numpy() < group["valid_from"].iloc[1:].to_numpy()).all()


def test_names_are_unique_within_level_and_day(areas: Areas) -> None:
    for level in ("amt", "gemeinde", "sozialraum"):
        labels = [areas.names[code] for code in areas.valid_codes("sozialraum", level, date(2024, 1, 1))]
        assert len(set(labels)) == len(labels)
    assert any("ü" in name for name in areas.names.values())


@pytest.mark.parametrize("level", ["block", "sozialraum", "gemeinde", "amt", "schulbezirk", "kitabezirk"])
def test_geometry_is_valid_and_covers_the_kreis(areas: Areas, level: str) -> None:
    kreis = areas.geometries["kreis", "99901"]
    system = level if level in ("schulbezirk", "kitabezirk") else "sozialraum"
    for day in DAYS:
        parts = [areas.geometries[level, code] for code in areas.valid_codes(system, level, day)]
        assert all(part.is_valid and not part.is_empty for part in parts)
        union = shapely.union_all(parts)
        assert union.symmetric_difference(kreis).area < 1e-6 * kreis.area
        assert sum(part.area for part in parts) == pytest.approx(kreis.area, rel=1e-6)  # no overlap


def test_coordinates_have_five_decimals(areas: Areas) -> None:
    points = shapely.get_coordinates(list(areas.geometries.values()))
    assert np.abs(points - np.round(points, 5)).max() < 1e-9
    assert 9.0 < points[:, 0].min() < points[:, 0].max() < 10.0
    assert 53.0 < points[:, 1].min() < points[:, 1].max() < 54.5


def test_districts_cross_sozialraeume(areas: Areas) -> None:
    codes = areas.codes_at(date(2024, 1, 1))
    for district in (areas.school, areas.kita):
        pairs = {(sozialraum, code) for sozialraum, code in zip(codes.sozialraum, district, strict=True)}
        crossed = [s for s in set(codes.sozialraum) if sum(pair[0] == s for pair in pairs) > 1]
        assert len(crossed) >= 10


def test_reforms_are_rows_of_the_crosswalk(areas: Areas) -> None:
    cross = areas.crosswalk
    sums = cross.groupby(["area_system", "area_level", "from_code", "reform_date"])["weight"].sum()
    assert sums.to_numpy() == pytest.approx(1.0, abs=2e-6)
    merger = cross[(cross["area_level"] == "gemeinde") & (cross["reform_date"] == MERGER)]
    assert sorted(merger["from_code"]) == ["99901049", "99901050"]
    assert set(merger["to_code"]) == {"99901051"}
    split = cross[(cross["area_level"] == "sozialraum") & (cross["reform_date"] == SPLIT)]
    assert split["from_code"].nunique() == 1
    assert len(split) == 2
    assert set(split["method"]) == {"population"}
    before, after = areas.codes_at(date(2017, 12, 31)), areas.codes_at(MERGER)
    assert (before.block != after.block).sum() == (cross["area_system"].eq("schulbezirk")).sum()


def test_no_place_has_the_name_of_a_real_gemeinde() -> None:
    register = data_dir() / "destatis-gv" / "31122023_Auszug_GV.xlsx"
    if not register.exists():
        pytest.skip("Gemeindeverzeichnis not here (LAGEBILD_DATA)")
    sheet = openpyxl.load_workbook(register, read_only=True).worksheets[-1]
    cells = (value for row in sheet.iter_rows(min_col=8, max_col=8, values_only=True) for value in row)
    real = {value.split(",")[0].strip() for value in cells if isinstance(value, str)}
    assert "Pinneberg" in real
    areas = build_areas(20260101)
    codes = areas.valid_codes("sozialraum", "gemeinde", date(2016, 1, 1))
    assert not real & {areas.names[code] for code in codes}
    assert not real & set(names.town_names())
