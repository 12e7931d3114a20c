"""The table formats on small files: header search, notations, totals, signs, areas, periods."""

from __future__ import annotations

import sqlite3
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from ingestion.formats.base import ParsedDelivery
from ingestion.formats.registry import adapter
from ingestion.formats.values import age_on, day, decimal, integer, uses_other_sign
from lagebild.instance import SourceConfig


def source(format_name: str, options: dict[str, Any], tables: tuple[str, ...] = ("case",)) -> SourceConfig:
    return SourceConfig.model_validate(
        {
            "id": "probe",
            "label": "Probe",
            "supplier": "Amt",
            "contact": "amt@beispiel.example",
            "legal_basis": "Beschluss",
            "format": format_name,
            "files": "${INBOX}/*",
            "tables": tables,
            "cycle": "yearly",
            "reference_day": "31.12.",
            "options": options,
        }
    )


def parse(path: Path, configured: SourceConfig) -> ParsedDelivery:
    return adapter(configured.format).parse(path, configured)


def rules(parsed: ParsedDelivery) -> list[str]:
    return [issue.rule for issue in parsed.issues]


COSTS: dict[str, Any] = {
    "file_pattern": r"kosten_(?P<year>\d{4})\.csv",
    "period": {"type": "jahr"},
    "parts": [
        {
            "table": "case",
            "constants": {"case_type": "egh"},
            "columns": {"amount_eur": {"header": "Kosten", "kind": "decimal"}, "age": {"header": "Alter"}},
        }
    ],
}


@pytest.mark.parametrize(
    ("cells", "amounts", "warned"),
    [
        (["1234,50", "7"], [1234.5, 7.0], False),
        (["1.234,50", "12.000"], [1234.5, 12000.0], False),
        (["1234.50", "7"], [1234.5, 7.0], True),  # the supplier switched to a decimal point
    ],
)
def test_decimal_sign(tmp_path: Path, cells: list[str], amounts: list[float], warned: bool) -> None:
    path = tmp_path / "kosten_2024.csv"
    path.write_text("Kosten;Alter\n" + "".join(f"{cell};30\n" for cell in cells))
    parsed = parse(path, source("delimited", COSTS))
    assert not parsed.refused
    assert parsed.tables["case"]["amount_eur"].to_pylist() == amounts
    assert rules(parsed) == (["Dezimalzeichen geändert"] if warned else [])


def test_mixed_decimal_signs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "kosten_2024.csv"
    path.write_text("Kosten;Alter\n1234,50;30\n99.50;31\n")
    parsed = parse(path, source("delimited", COSTS))
    assert parsed.refused and not parsed.tables
    assert [(issue.rule, issue.row, issue.value) for issue in parsed.issues] == [("Keine Zahl", 3, "99.50")]


def test_title_lines_blank_lines_and_bom(tmp_path: Path) -> None:
    path = tmp_path / "kosten_2024.csv"
    path.write_bytes(
        b"\xef\xbb\xbf# Titel\r\n# noch einer; mit Semikolon\r\nKosten;Alter\r\n1,5;30\r\n\r\n2,5;31\r\n"
    )
    table = parse(path, source("delimited", COSTS)).tables["case"]
    assert table["amount_eur"].to_pylist() == [1.5, 2.5]
    assert table["source_row"].to_pylist() == [4, 6]
    assert set(table["period_end"].to_pylist()) == {date(2024, 12, 31)}


def test_quoted_fields_and_incomplete_row_number(tmp_path: Path) -> None:
    path = tmp_path / "kosten_2024.csv"
    path.write_text('"Kosten";"Alter"\n"1,5";"30"\n"2,5"\n"3,5";"32"\n')
    parsed = parse(path, source("delimited", COSTS))
    assert [(issue.rule, issue.row) for issue in parsed.issues] == [("Zeile unvollständig", 3)]


def book(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)  # type: ignore[arg-type]
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(row)
    workbook.save(path)
    return path


HOUSING: dict[str, Any] = {
    "file_pattern": r"W_(?P<year>\d{4})\.xlsx",
    "period": {"type": "stichtag"},
    "parts": [
        {
            "table": "observation",
            "sheet": "Blatt",
            "ignored": ["Name"],
            "signs": {"zero": ["-"], "hidden": ["."]},
            "area": {
                "header": "Schlüssel",
                "system": "sozialraum",
                "rules": [
                    {"match": r"99901\d{3}S\d\d", "level": "sozialraum"},
                    {"match": "Summe.*", "level": "kreis", "code": "99901"},
                ],
            },
            "figures": [
                {"measure": "dwellings", "header": "Wohnungen"},
                {"measure": "rent_sum_eur", "header": "Mieten", "contributors": "Angebote"},
                {"measure": "both", "sum_of": ["Wohnungen", "Mieten"]},
                {"measure": "rest", "header": "Wohnungen", "minus": ["Mieten"]},
            ],
        }
    ],
}


def test_workbook_signs_totals_and_title_block(tmp_path: Path) -> None:
    rows = [
        ["Wohnungen 2024 (synthetisch)"],
        [None],
        ["Schlüssel", "Name", "Wohnungen", "Mieten", "Angebote"],
        ["99901001S01", "Hafen", 120, 55.5, 4],
        ["99901001S02", "Heide", "-", ".", "."],
        ["99901001S03", "Moor", None, "12,5", 1],
        [None],
        ["Summe", None, 120, 80, 7],
    ]
    path = book(tmp_path / "W_2024.xlsx", {"Blatt": rows})
    parsed = parse(path, source("workbook", HOUSING, ("observation",)))
    assert not parsed.issues
    found = {
        (row["area_code"], row["measure_id"]): (
            row["value"],
            row["obs_status"],
            row["conf_status"],
            row["contributors"],
        )
        for row in parsed.tables["observation"].to_pylist()
    }
    assert found["99901001S01", "dwellings"] == (120, "A", "F", None)
    assert found["99901001S02", "dwellings"] == (0, "A", "F", None)  # a dash is a true zero
    assert found["99901001S03", "dwellings"] == (None, "O", "F", None)  # blank: not delivered, not zero
    assert found["99901001S01", "rent_sum_eur"] == (55.5, "A", "F", 4)
    assert found["99901001S02", "rent_sum_eur"] == (None, "A", "C", None)  # hidden by the supplier
    assert found["99901001S03", "rent_sum_eur"] == (12.5, "A", "F", 1)
    assert found["99901001S01", "both"] == (175.5, "A", "F", None)
    assert found["99901001S02", "both"] == (None, "A", "C", None)
    assert found["99901001S01", "rest"] == (64.5, "A", "F", None)
    assert found["99901001S02", "rest"] == (None, "A", "C", None)  # stays hidden
    assert found["99901001S03", "rest"] == (None, "O", "F", None)
    assert found["99901", "dwellings"] == (120, "A", "F", None)
    assert {row["source_row"] for row in parsed.tables["observation"].to_pylist()} == {4, 5, 6, 8}


def test_unknown_sheet_and_unknown_area_are_refused(tmp_path: Path) -> None:
    configured = source("workbook", HOUSING, ("observation",))
    missing = parse(book(tmp_path / "W_2023.xlsx", {"Anderes": [["x"]]}), configured)
    assert [(issue.rule, issue.sheet) for issue in missing.issues] == [("Tabellenblatt fehlt", "Blatt")]
    rows = [["Schlüssel", "Wohnungen", "Mieten", "Angebote"], ["Nirgendwo", 1, 2, 3]]
    unknown = parse(book(tmp_path / "W_2024.xlsx", {"Blatt": rows}), configured)
    assert [(issue.rule, issue.row, issue.value) for issue in unknown.issues] == [
        ("Unbekanntes Gebiet", 2, "Nirgendwo")
    ]
    broken = tmp_path / "W_2022.xlsx"
    broken.write_bytes(b"PK\x03\x04 halb")
    assert rules(parse(broken, configured)) == ["Keine Excel-Datei"]


def test_places_are_summed_with_contributors_and_true_zeros(tmp_path: Path) -> None:
    options = {
        "file_pattern": r"P_(?P<year>\d{4})\.csv",
        "period": {"type": "stichtag", "day": "12-15"},
        "parts": [
            {
                "table": "observation",
                "area": {
                    "header": "AGS",
                    "system": "sozialraum",
                    "rules": [{"match": r"\d{8}", "level": "gemeinde"}],
                },
                "figures": [
                    {
                        "measure": "care_places",
                        "header": "Plaetze",
                        "where": {"header": "Art", "match": "stationär"},
                    }
                ],
                "aggregate": True,
                "complete_areas": [{"first": 99901001, "last": 99901004, "without": [99901003]}],
            }
        ],
    }
    path = tmp_path / "P_2021.csv"
    path.write_text(
        "AGS;Art;Plaetze\n99901001;stationär;40\n99901001;stationär;60\n99901001;Tag;9\n99901002;stationär;30\n"
    )
    table = parse(path, source("delimited", options, ("observation",))).tables["observation"]
    found = {
        row["area_code"]: (row["value"], row["contributors"], row["largest"], row["second_largest"])
        for row in table.to_pylist()
    }
    assert found == {
        "99901001": (100, 2, 60, 40),
        "99901002": (30, 1, 30, None),
        "99901004": (0, 0, None, None),
    }


QUERY = {
    "file_pattern": r"db_(?P<year>\d{4})\..+",
    "period": {"type": "jahr"},
    "parts": [
        {
            "table": "case",
            "query": "select ags, block, betrag_cent / 100.0 as eur from t order by ags",
            "constants": {"case_type": "wohngeld"},
            "columns": {
                "gemeinde_code": {"header": "ags"},
                "block_code": {"header": "block"},
                "amount_eur": {"header": "eur", "kind": "decimal"},
            },
        }
    ],
}


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
def test_database_files(tmp_path: Path, engine: str) -> None:
    path = tmp_path / f"db_2024.{engine}"
    connection: Any = sqlite3.connect(path) if engine == "sqlite" else duckdb.connect(str(path))
    connection.execute("create table t(ags varchar, block varchar, betrag_cent integer)")
    connection.execute("insert into t values ('99901001', null, 12345), ('99901002', '99901002B0001', 50)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    table = parse(path, source("database", QUERY)).tables["case"]
    assert table["amount_eur"].to_pylist() == [123.45, 0.5]
    assert table["block_code"].to_pylist() == [None, "99901002B0001"]
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == [path.name]  # no journal beside it

    other = QUERY | {"parts": [QUERY["parts"][0] | {"query": "select ags from nirgends"}]}  # type: ignore[index]
    assert rules(parse(path, source("database", other))) == ["Tabelle oder Spalte fehlt"]


def test_broken_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "db_2024.sqlite"
    path.write_bytes(b"SQLite format 3\x00" + b"\x01" * 500)
    assert rules(parse(path, source("database", QUERY))) == ["Datenbank nicht lesbar"]
    path.write_bytes(b"keine Datenbank")
    assert rules(parse(path, source("database", QUERY))) == ["Datenbank nicht lesbar"]


def akg(path: Path, key: str = "Gebietsschlüssel", month: str = "202412") -> Path:
    """A minimal AkG workbook: all features of each sheet, values 1, 2, 3 … and one star."""
    from ingestion.formats.ba_akg import SHEETS

    areas = [
        ("99901001", "001001001"),
        ("99901001", "001001999"),
        ("99901001", "001001SUM"),
        (None, "001SUMSUM"),
        ("99901", "SUMSUMSUM"),
    ]
    sheets: dict[str, list[list[Any]]] = {"Deckblatt": [["synthetisch"]]}
    for name, figures in SHEETS.items():
        rows: list[list[Any]] = [["Titel"], ["Stand"], ["Quelle"], [None]]
        rows.append(["Berichtsmonat", "AGS", key, "Gebietsname", *[figure.header for figure in figures]])
        for number, (ags, code) in enumerate(areas):
            cells: list[Any] = [10 + number] * len(figures)
            if number == 0:
                cells[0] = "*"
            rows.append([month, ags, code, "Name", *cells])
        rows += [[None], ["* Zahlenwerte von 1 bis 9"], ["Erstellungsdatum: 01.02.2025"]]
        sheets[name] = rows
    return book(path, sheets)


def test_ba_akg_areas_stars_and_period(tmp_path: Path) -> None:
    configured = source("ba_akg", {"kreis_code": "99901"}, ("observation",))
    parsed = parse(akg(tmp_path / "akg.xlsx"), configured)
    assert not parsed.issues
    assert parsed.period is not None and parsed.period.end == date(2024, 12, 31)
    rows = [row for row in parsed.tables["observation"].to_pylist() if row["measure_id"] == "unemployed"]
    total = {(row["area_level"], row["area_code"]): row for row in rows if row["group_id"] == "total"}
    assert set(total) == {
        ("sozialraum", "99901001S01"),
        ("sozialraum", "99901001-NZ"),
        ("gemeinde", "99901001"),
        ("amt", "99901A01"),
        ("kreis", "99901"),
    }
    starred = total["sozialraum", "99901001S01"]
    assert (starred["value"], starred["obs_status"], starred["conf_status"]) == (None, "A", "C")
    assert total["kreis", "99901"]["value"] == 14
    groups = {row["group_id"] for row in rows}
    assert groups >= {
        "total",
        "sex=m",
        "age=55+",
        "nationality=foreign",
        "rechtskreis=sgb2",
        "rechtskreis=sgb3",
    }


def test_ba_akg_renamed_key_is_accepted_and_bad_month_refused(tmp_path: Path) -> None:
    configured = source("ba_akg", {"kreis_code": "99901"}, ("observation",))
    renamed = parse(akg(tmp_path / "a.xlsx", key="Kleinräumige Gliederung"), configured)
    assert rules(renamed) == ["Spaltenname geändert"] * 3
    assert renamed.tables["observation"].num_rows > 0
    assert set(rules(parse(akg(tmp_path / "b.xlsx", month="Dezember"), configured))) == {"Berichtsmonat"}


AREAS = """Gebietssystem;Ebene;Schluessel;Name;Uebergeordnet;GueltigAb;GueltigBis
sozialraum;kreis;99901;Musterkreis;;2000-01-01;
sozialraum;gemeinde;99901049;Altdorf;99901;2000-01-01;2017-12-31
"""
STEPS = """Gebietssystem;Ebene;Von;Nach;Reformdatum;Gewicht;Methode
sozialraum;gemeinde;99901049;99901051;2018-01-01;1.0;exakt
"""
SHAPES = (
    '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"schluessel":"99901","name":"x"},'
    '"geometry":{"type":"Polygon","coordinates":[[[9,54],[9,55],[10,55],[9,54]]]}}]}'
)


def zipped(path: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def test_geobasis(tmp_path: Path) -> None:
    configured = source("geobasis", {}, ("area", "area_crosswalk"))
    members = {"gebiete.csv": AREAS, "umstieg.csv": STEPS, "kreis.geojson": SHAPES}
    parsed = parse(zipped(tmp_path / "geo.zip", members), configured)
    assert rules(parsed) == ["Geometrie fehlt"]  # the old Gemeinde has none here
    areas = parsed.tables["area"].to_pylist()
    assert areas[0]["geometry"].startswith('{"type":"Polygon"') and areas[1]["geometry"] is None
    assert areas[1]["valid_to"] == date(2017, 12, 31) and areas[0]["valid_to"] is None
    steps = parsed.tables["area_crosswalk"].to_pylist()
    assert (steps[0]["weight"], steps[0]["method"]) == (1.0, "exact")


@pytest.mark.parametrize(
    ("members", "rule"),
    [
        ({"../boese.csv": "x"}, "Unzulässiger Name im ZIP"),
        ({"/etc/boese.csv": "x"}, "Unzulässiger Name im ZIP"),
        ({"gebiete.csv": "0" * 30_000_000}, "ZIP unzulässig"),
        ({"gebiete.csv": AREAS}, "Datei im ZIP fehlt"),
        ({"gebiete.csv": AREAS, "umstieg.csv": STEPS, "kreis.geojson": "{"}, "GeoJSON nicht lesbar"),
    ],
)
def test_geobasis_refuses_what_is_unsafe_or_incomplete(
    tmp_path: Path, members: dict[str, str], rule: str
) -> None:
    configured = source("geobasis", {}, ("area", "area_crosswalk"))
    parsed = parse(zipped(tmp_path / "geo.zip", members), configured)
    assert parsed.refused and not parsed.tables
    assert rules(parsed) == [rule]


def test_layouts_choose_by_file_name(tmp_path: Path) -> None:
    layouts = {
        "common": {
            "file_pattern": r"H_(?P<kommune>\d+)_(?P<year>\d{4})\.csv",
            "period": {"type": "jahr"},
            "kommune": "{kommune}",
        },
        "layouts": [
            {
                "files": r"H_1_.*",
                "format": "delimited",
                "options": {
                    "delimiter": ",",
                    "parts": [
                        {
                            "table": "case",
                            "constants": {"case_type": "hze", "gemeinde_code": "{kommune}"},
                            "columns": {
                                "category": {
                                    "header": "hilfe",
                                    "extract": r"§ (\d+a?)",
                                    "template": "p{value}",
                                },
                                "block_code": {"header": "nr", "template": "{kommune}B{value:04d}"},
                            },
                        }
                    ],
                },
            }
        ],
    }
    configured = source("layouts", layouts)
    path = tmp_path / "H_1_2024.csv"
    path.write_text("hilfe,nr\n§ 31,17\n§ 35a,\n")
    parsed = parse(path, configured)
    assert parsed.kommune_code == "1"
    rows = parsed.tables["case"].to_pylist()
    assert [(row["category"], row["block_code"], row["gemeinde_code"]) for row in rows] == [
        ("p31", "1B0017", "1"),
        ("p35a", None, "1"),
    ]
    other = tmp_path / "H_2_2024.csv"
    other.write_text("x")
    assert rules(parse(other, configured)) == ["Dateiname"]


def test_numbers_and_dates() -> None:
    assert decimal("1.234,5", ",") == 1234.5
    assert decimal("1,234.5", ".") == 1234.5
    assert decimal(7, ",") == 7.0
    assert integer("1.234") == 1234
    assert not uses_other_sign(["1.234", "5,5"], ",")
    assert uses_other_sign(["1234.5"], ",")
    assert not uses_other_sign([], ",")
    assert day("31.12.2024") == day("2024-12-31") == date(2024, 12, 31)
    assert age_on(date(2010, 12, 31), date(2024, 12, 31)) == 14
    assert age_on(date(2011, 1, 1), date(2024, 12, 31)) == 13
    for cell in ("12,5x", "", "1,2,3", "--1"):
        with pytest.raises(ValueError):
            decimal(cell, ",")
    for cell in ("31.02.2024", "gestern", "2024-13-01"):
        with pytest.raises(ValueError):
            day(cell)
