"""The five adapters on small made-up files: what they refuse and what they say. Needs no real data."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from shapely.geometry import box

from ingestion.formats.lor_areas import Feature, coarser_crosswalk, derive_geometries
from ingestion.formats.lor_mss import LorMssAdapter, actual_wave, is_area_code
from ingestion.formats.lor_population import LorPopulationAdapter, reference_day
from ingestion.formats.sozialatlas_areas import SozialatlasAreasAdapter
from ingestion.formats.sozialatlas_dump import (
    DumpError,
    Figure,
    SozialatlasDumpAdapter,
    figure_value,
    read_dump,
)
from lagebild.instance import Instance

T1 = (
    "id,inhabitants,inhabitants_with_migration_background,inhabitants_germans,"
    "inhabitants_germans_without_migration_background,inhabitants_germans_with_migration_background,"
    "inhabitants_foreigners"
)


def write(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_reference_day() -> None:
    assert (reference_day(2024, 1), reference_day(2024, 2)) == (date(2024, 6, 30), date(2024, 12, 31))


def test_population_lands_with_group_ids_of_the_contract(tmp_path: Path) -> None:
    path = write(tmp_path, "berlin-lor-population-2024-02-t1-districts.csv", T1, "01,10,6,7,4,3,3")
    parsed = LorPopulationAdapter().parse(path, Instance("berlin").sources["lor_population_t1"])
    values = {row["group_id"]: row["value"] for row in parsed.tables["observation"].to_pylist()}
    assert values == {
        "migration=yes": 6,
        "migration=no": 4,
        "migration=no;nationality=de": 4,
        "migration=yes;nationality=de": 3,
        "migration=yes;nationality=foreign": 3,
    }
    assert (parsed.part, parsed.kommune_code) == ("bezirk", None)


@pytest.mark.parametrize(
    ("name", "lines", "rule"),
    [
        ("population.csv", [T1], "Dateiname"),
        ("x-2024-02-t1-districts.csv", [T1.replace(",inhabitants_foreigners", "")], "Spalte fehlt"),
        ("x-2024-02-t1-districts.csv", [T1, "01,11,6,7,4,3,3"], "Summe geht nicht auf"),
        ("x-2024-02-t1-districts.csv", [T1, "1,10,6,7,4,3,3"], "Schlüssel"),
        ("x-2024-02-t1-districts.csv", [T1, "01,10,6,7,4,3,3", "01,10,6,7,4,3,3"], "Doppelte Zeile"),
        ("x-2024-02-t1-districts.csv", [T1, "01,10,,7,4,3,3"], "Keine Zahl"),
        ("x-2024-02-t1-districts.csv", [T1], "Leere Datei"),
    ],
)
def test_population_refuses(tmp_path: Path, name: str, lines: list[str], rule: str) -> None:
    parsed = LorPopulationAdapter().parse(
        write(tmp_path, name, *lines), Instance("berlin").sources["lor_population_t1"]
    )
    assert parsed.refused
    assert [issue.rule for issue in parsed.issues][:1] == [rule]
    assert not parsed.tables


def test_mss_tells_the_wave_by_its_inhabitants() -> None:
    totals = {2017: 3_670_622, 2019: 3_748_148}
    assert actual_wave(2017, 3_670_622, totals) == 2017
    assert actual_wave(2017, 3_748_148, totals) == 2019
    assert actual_wave(2017, 1, totals) is None


def test_mss_refuses_a_complete_table_of_no_known_wave(tmp_path: Path) -> None:
    rows = [f"{number:02},100,1,+" for number in range(1, 13)]
    source = Instance("berlin").sources["mss"]
    source = source.model_copy(update={"options": {**source.options, "areas": {"planungsraum": 12}}})
    lines = [f"{row[:2]}010101{row[2:]}" for row in rows]
    path = write(
        tmp_path, "x-2019-00-1-planning-areas.csv", "id,inhabitants,status_index,dynamic_index", *lines
    )
    parsed = LorMssAdapter().parse(path, source)
    assert [issue.rule for issue in parsed.issues] == ["Einwohnersumme"]
    assert parsed.refused


def test_mss_area_codes() -> None:
    assert is_area_code("12304314", "planungsraum")
    assert not any(is_area_code(code, "planungsraum") for code in ("00000000", "00Nummer", "1230431"))
    assert not is_area_code("00", "bezirk")


def test_derived_border_only_where_the_areas_agree() -> None:
    old = {
        "01010101": Feature(1, "01010101", "A", 100.0, box(0, 0, 1, 1)),
        "01010102": Feature(2, "01010102", "B", 100.0, box(1, 0, 2, 1)),
        "01010103": Feature(3, "01010103", "C", 100.0, box(2, 0, 3, 1)),
    }
    weights = [
        ("01010101", "01100101", 1.0),
        ("01010102", "01100101", 1.0),
        ("01010103", "01100102", 0.6),
        ("01010103", "01100103", 0.4),
    ]
    areas = {"01100101": 200.0, "01100102": 60.0, "01100103": 40.0}
    derived = derive_geometries(weights, old, areas, 8, 0.05)
    assert set(derived) == {"01100101"}
    assert derived["01100101"].equals(box(0, 0, 2, 1))


def test_coarser_crosswalk_weights_by_area() -> None:
    weights = [("01010101", "01100101", 1.0), ("01010102", "02100101", 1.0)]
    coarse = coarser_crosswalk(weights, {"01010101": 300.0, "01010102": 100.0}, 4)
    assert coarse == {("0101", "0110"): 0.75, ("0101", "0210"): 0.25}


def test_dump_reader() -> None:
    text = """
        create table t (id serial primary key, name varchar not null, geom geometry(polygon, 4326), primary key(id));
        insert into t values (1, 'Westliche Höhe', null), (2, 'it''s', null);
        create index t_idx on t (id);
        insert into u (year, value) values (2021, -1.5);
    """
    dump = read_dump(text)
    assert dump["t"].columns == ("id", "name", "geom")
    assert [row for _, row in dump["t"].rows][1] == {"id": 2.0, "name": "it's", "geom": None}
    assert dump["u"].rows == ((1, {"year": 2021.0, "value": -1.5}),)
    with pytest.raises(DumpError):
        read_dump("insert into t (a) values (random())")


def test_figure_with_a_missing_part_is_null() -> None:
    figure = Figure("population", ("a", "b"), minus=("c",))
    assert figure_value(figure, {"a": 5.0, "b": 3.0, "c": 1.0}) == 7
    assert figure_value(figure, {"a": 5.0, "b": None, "c": 1.0}) is None


@pytest.mark.parametrize("text", ["no sql at all (", "insert into fl_district (id) values (now())"])
def test_unreadable_dump_is_refused(tmp_path: Path, text: str) -> None:
    source = Instance("flensburg").sources["sozialatlas"]
    parsed = SozialatlasDumpAdapter().parse(write(tmp_path, "dump.sql", text), source)
    assert parsed.refused


def test_incomplete_dump_names_every_missing_table(tmp_path: Path) -> None:
    source = Instance("flensburg").sources["sozialatlas"]
    text = "insert into fl_district (id, name) values (1, 'Altstadt')"
    parsed = SozialatlasDumpAdapter().parse(write(tmp_path, "dump.sql", text), source)
    assert sum(issue.rule == "Tabelle fehlt" for issue in parsed.issues) == 24


def test_borders_of_another_level_are_refused(tmp_path: Path) -> None:
    source = Instance("flensburg").sources["sozialatlas_areas"]
    feature = (
        '{"type": "Feature", "properties": {"AREA_ID": "STBZ011", "AREA_NAME": "011 St. Nikolai", "LEVEL_ID": "STBZ"},'
        ' "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}}'
    )
    path = write(tmp_path, "x.geojson", f'{{"type": "FeatureCollection", "features": [{feature}]}}')
    parsed = SozialatlasAreasAdapter().parse(path, source)
    assert [issue.rule for issue in parsed.issues] == ["Falsche Ebene"]
