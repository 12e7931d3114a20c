"""INKAR, BA, GISD, Gemeindeverzeichnis, Gebietsänderungen and Umsteigeschlüssel on small made-up files.

The real files (BIFF8 among them) are read in tests/real_instances.
"""

from __future__ import annotations

import zipfile
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.formats.amtlich import code_of, parent_of
from ingestion.formats.ba_workbook import period_in
from ingestion.formats.base import ParsedDelivery
from ingestion.formats.registry import adapter
from ingestion.formats.sheets import label
from ingestion.formats.umsteigeschluessel import ags_of_number
from tests.ingestion.test_formats import parse, rules, source

Rows = list[list[Any]]


def write(path: Path, sheets: dict[str, Rows]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def rows_of(parsed: ParsedDelivery, table: str) -> list[dict[str, Any]]:
    return [dict(row) for row in parsed.tables[table].to_pylist()]  # type: ignore[union-attr]


INKAR_OPTIONS: dict[str, Any] = {
    "levels": {"Gemeinden": {"level": "gemeinde", "digits": 8}, "Kreise": {"level": "kreis", "digits": 5}},
    "indicators": {
        "Arbeitslose": {"measure": "unemployed_annual", "period_type": "jahr"},
        "Beschäftigte": {"measure": "employed_residence", "period_type": "stichtag", "day": "06-30"},
        "Einkommensteuer": {"measure": "income_tax", "period_type": "jahr"},
    },
    "ignored": ["Nebensache"],
}
KEYS = ["Kennziffer", "Raumeinheit", "Aggregat"]
INKAR_ROWS: Rows = [
    [*KEYS, "Arbeitslose", "Arbeitslose", "Beschäftigte"],
    ["", "", "", "2020", "2021", "2021"],
    ["01001", "Flensburg, Stadt", "Kreise", 5000, None, 31000.0],
    ["16077", "Altenburger Land", "Kreise", 3000, 2900, 33565],
]


def inkar(tmp_path: Path, sheets: dict[str, Rows]) -> ParsedDelivery:
    return parse(write(tmp_path / "x.xlsx", sheets), source("inkar", INKAR_OPTIONS, ("observation",)))


def test_inkar_years_become_periods_and_blanks_missing(tmp_path: Path) -> None:
    parsed = inkar(tmp_path, {"Daten": INKAR_ROWS, "Metadaten": [["Indikator"]]})
    assert parsed.issues == ()
    found = {
        (row["area_level"], row["area_code"], row["measure_id"], row["period_start"], row["period_end"]): (
            row["value"],
            row["obs_status"],
        )
        for row in rows_of(parsed, "observation")
    }
    year = (date(2021, 1, 1), date(2021, 12, 31))
    day = (date(2021, 6, 30), date(2021, 6, 30))
    assert found["kreis", "01001", "unemployed_annual", *year] == (None, "O")
    assert found["kreis", "16077", "unemployed_annual", *year] == (2900, "A")
    assert found["kreis", "01001", "employed_residence", *day] == (31000, "A")
    assert len(found) == 6


def test_inkar_keys_that_became_numbers_get_their_zero_back(tmp_path: Path) -> None:
    parsed = inkar(tmp_path, {"Daten": [*INKAR_ROWS[:2], [1001, "Flensburg", "Kreise", 1, 2, 3]]})
    assert {row["area_code"] for row in rows_of(parsed, "observation")} == {"01001"}


@pytest.mark.parametrize(
    ("sheets", "rule", "refused"),
    [
        ({"Werte": INKAR_ROWS}, "Blatt umbenannt", False),
        ({"Daten": [["INKAR-Export"], [], *INKAR_ROWS]}, "Kopfzeile verschoben", False),
        ({"Daten": [[*INKAR_ROWS[0], "Neues"], *INKAR_ROWS[1:]]}, "Unbekannter Indikator", False),
        ({"Eins": [["Titel"]], "Zwei": [["Text"]]}, "Blatt fehlt", True),
        ({"Eins": INKAR_ROWS, "Zwei": INKAR_ROWS}, "Blatt fehlt", True),
        ({"Daten": INKAR_ROWS[1:]}, "Kopfzeile fehlt", True),
        ({"Daten": []}, "Kopfzeile fehlt", True),
        ({"Daten": INKAR_ROWS[:2]}, "Keine Werte", True),
        ({"Daten": [INKAR_ROWS[0], ["", "", "", "2020", "", "2021"], *INKAR_ROWS[2:]]}, "Jahr fehlt", True),
        ({"Daten": [INKAR_ROWS[0], ["", "", "", "2021", "2021", "2021"], *INKAR_ROWS[2:]]}, "Jahr doppelt", True),
        ({"Daten": [*INKAR_ROWS, INKAR_ROWS[2]]}, "Doppelte Kennziffer", True),
        ({"Daten": [*INKAR_ROWS, ["1001", "x", "Kreise", 1, 2, 3]]}, "Unbekannte Kennziffer", True),
        ({"Daten": [*INKAR_ROWS, ["01002", "x", "Kreise", "viele", 2, 3]]}, "Keine Zahl", True),
        ({"Daten": [[*KEYS, "Nebensache"], ["", "", "", "2021"], ["01001", "x", "Kreise", 1]]}, "Keine Werte", True),
    ],
)  # fmt: skip
def test_inkar_says_what_is_wrong(tmp_path: Path, sheets: dict[str, Rows], rule: str, refused: bool) -> None:
    parsed = inkar(tmp_path, sheets)
    assert rules(parsed) == [rule]
    assert parsed.refused is refused
    assert bool(parsed.tables) is not refused


def test_a_formula_instead_of_a_value_is_refused(tmp_path: Path) -> None:
    parsed = inkar(tmp_path, {"Daten": [*INKAR_ROWS, ["01002", "Kiel", "Kreise", "=1+1", 2, 3]]})
    assert parsed.refused
    assert rules(parsed) == ["Formel statt Wert"]
    assert parsed.issues[0].value == "D5"


def test_iris_csv_is_read_by_the_same_adapter(tmp_path: Path) -> None:
    path = tmp_path / "IRIS.csv"
    lines = [
        "Einkommensteuer;;;",
        "Gebietskennziffer;Name;Einkommensteuer 2020;Einkommensteuer 2021",
        "01001;Flensburg, Stadt;1.234,5;480,2",
        "05334002;Würselen;512,0;",
    ]
    path.write_bytes("\r\n".join(lines).encode("cp1252"))
    parsed = parse(path, source("inkar", INKAR_OPTIONS, ("observation",)))
    assert parsed.issues == ()
    found = [
        (row["area_level"], row["area_code"], row["period_end"].year, row["value"])
        for row in rows_of(parsed, "observation")
    ]
    assert found == [
        ("kreis", "01001", 2020, 1234.5),
        ("kreis", "01001", 2021, 480.2),
        ("gemeinde", "05334002", 2020, 512.0),
        ("gemeinde", "05334002", 2021, None),
    ]


BA_OPTIONS: dict[str, Any] = {
    "figures": [
        {"measure": "svb", "words": ["insgesamt"]},
        {"measure": "svb", "group": "abschluss=ohne", "words": ["ohne berufs"]},
    ]
}
JUNE = [date(2020, 6, 30), date(2021, 6, 30)]
BA_ROWS: Rows = [
    ["Statistik der Bundesagentur für Arbeit"],
    ["Tabelle 1: Beschäftigte am Wohnort (WO)"],
    [],
    ["Region", "davon", None, None, None],
    [None, "Insgesamt", None, "ohne Berufs-\nabschluss", None],
    [None, *JUNE, *JUNE],
    ["01001 Flensburg, Stadt", 33000, 33500, 4500, "*"],
    ["01002 Kiel, Landeshauptstadt", "-", ".", 10.0, "1.234"],
    ["*) Aus Gründen der Geheimhaltung anonymisiert.", None, None, None, None],
    ["© Statistik der Bundesagentur für Arbeit"],
]


def test_ba_workbook_finds_its_table_by_structure(tmp_path: Path) -> None:
    path = write(tmp_path / "ba.xlsx", {"Impressum": [["Titel"]], "Kreise": BA_ROWS})
    parsed = parse(path, source("ba_workbook", BA_OPTIONS, ("observation",)))
    assert parsed.issues == ()
    found = {
        (row["area_code"], row["group_id"], row["period_end"].year): (
            row["value"],
            row["obs_status"],
            row["conf_status"],
        )
        for row in rows_of(parsed, "observation")
    }
    assert found["01001", "total", 2021] == (33500, "A", "F")
    assert found["01001", "abschluss=ohne", 2021] == (None, "A", "C")
    assert found["01002", "total", 2020] == (0, "A", "F")
    assert found["01002", "total", 2021] == (None, "A", "C")
    assert found["01002", "abschluss=ohne", 2021] == (1234, "A", "F")
    assert len(found) == 8


@pytest.mark.parametrize(
    ("rows", "rule"),
    [
        ([["Region", "Insgesamt"]], "Tabelle fehlt"),
        ([row for row in BA_ROWS if row[:2] != [None, "Insgesamt"]], "Spalte fehlt"),
        ([*BA_ROWS[:5], *BA_ROWS[6:]], "Zeitraum fehlt"),
        ([*BA_ROWS, BA_ROWS[6]], "Doppelte Angabe"),
        ([*BA_ROWS, ["01003 Lübeck", "viele", 1, 1, 1]], "Keine Zahl"),
    ],
)
def test_ba_workbook_says_what_is_wrong(tmp_path: Path, rows: Rows, rule: str) -> None:
    path = write(tmp_path / "ba.xlsx", {"Kreise": rows})
    parsed = parse(path, source("ba_workbook", BA_OPTIONS, ("observation",)))
    assert parsed.refused and rule in rules(parsed)


@pytest.mark.parametrize(
    ("text", "period_type", "end"),
    [
        ("Stichtag: 30. Juni 2021", "stichtag", date(2021, 6, 30)),
        ("Juni 2021", "stichtag", date(2021, 6, 30)),
        ("31.12.2012", "stichtag", date(2012, 12, 31)),
        ("Berichtsjahr 2019", "jahr", date(2019, 12, 31)),
        ("Februar 2024", "monat", date(2024, 2, 29)),
        ("31.02.2021", "stichtag", None),
        ("ohne Angabe", "jahr", None),
    ],
)
def test_periods_of_the_ba_are_read(text: str, period_type: Any, end: date | None) -> None:
    period = period_in(text, period_type)
    assert (period.end if period else None) == end


GISD_OPTIONS: dict[str, Any] = {
    "levels": {"kreis_id": {"system": "amtlich", "level": "kreis", "characters": 5}},
    "measures": {"gisd_score": "gisd_score", "gisd_5": "gisd_quintile"},
}
GISD_HEADER = "kreis_id,kreis_name,year,gisd_score,gisd_5"


@pytest.mark.parametrize(
    ("lines", "rule"),
    [
        (["id,name,year,gisd_score"], "Kopfzeile fehlt"),
        ([], "Kopfzeile fehlt"),
        ([GISD_HEADER], "Keine Werte"),
        ([GISD_HEADER, "1001,Flensburg,2021,0.8,5"], "Unbekannter Schlüssel"),
        ([GISD_HEADER, "01001,Flensburg,21,0.8,5"], "Jahr unlesbar"),
        ([GISD_HEADER, "01001,Flensburg,2021,hoch,5"], "Keine Zahl"),
        ([GISD_HEADER, "01001,Flensburg,2021,nan,5"], "Keine Zahl"),
        ([GISD_HEADER, "01001,Flensburg,2021,0.8"], "Zeile unvollständig"),
        ([GISD_HEADER, "01001,F,2021,0.8,5", "01001,F,2021,0.8,5"], "Doppelte Zeile"),
    ],
)
def test_gisd_says_what_is_wrong(tmp_path: Path, lines: list[str], rule: str) -> None:
    path = tmp_path / "gisd.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    parsed = parse(path, source("gisd", GISD_OPTIONS, ("observation",)))
    assert parsed.refused and rules(parsed) == [rule]


def test_gisd_names_the_areas_of_a_system_that_nothing_else_names(tmp_path: Path) -> None:
    path = tmp_path / "gisd.csv"
    path.write_text(
        "ror_id,ror_name,year,gisd_score\n0101,Mitte,2020,0.5\n0101,Mitte,2021,NA\n", encoding="utf-8"
    )
    options = {
        "levels": {"ror_id": {"system": "raumordnung", "level": "raumordnungsregion", "characters": 4}},
        "measures": {"gisd_score": "gisd_ror_score"},
        "areas": True,
        "root": {"level": "bund", "code": "DG", "name": "Deutschland"},
    }
    parsed = parse(path, source("gisd", options, ("observation", "area")))
    assert [(row["area_code"], row["parent_code"]) for row in rows_of(parsed, "area")] == [
        ("DG", None),
        ("0101", "DG"),
    ]
    assert [(row["value"], row["obs_status"]) for row in rows_of(parsed, "observation")] == [
        (0.5, "A"),
        (None, "O"),
    ]


def test_official_keys() -> None:
    assert (code_of("010560002002"), parent_of("010560002002")) == ("01056002", "010560002")
    assert [parent_of(ars) for ars in ("01", "010", "01056", "010560002")] == ["DG", "01", "010", "01056"]
    assert (ags_of_number(1001000.0), ags_of_number("16077052")) == ("01001000", "16077052")
    assert label("Satz-\nart") == label("Satz-art") == "Satzart"
    assert label("Bevölkerung2)") == "Bevölkerung"


GV_ROWS: Rows = [
    ["Gemeinden in Deutschland nach Fläche, Bevölkerung und Postleitzahl"],
    [],
    ["Satz-art", "Text-kenn-zeichen", "Amtlicher Regionalschlüssel (ARS)", None, None, None, None, "Gemeindename",
     "Fläche km2 1)", "Bevölkerung2)", None, None, None, "Postleit-zahl3)", "Koordinaten", None],
    [None, None, "Land", "RB", "Kreis", "VB", "Gem", None, None, "insgesamt", "männlich", "weiblich", "je km2", None,
     "Längengrad", "Breitengrad"],
    [None, None, "Gebietsstand am 31.12.2021 (Jahr)"],
    [],
    ["10", None, "01", None, None, None, None, "Schleswig-Holstein"],
    ["40", "41", "01", "0", "01", None, None, "Flensburg, Stadt"],
    ["50", "50", "01", "0", "01", "0000", None, "Flensburg, Stadt"],
    ["60", "61", "01", "0", "01", "0000", "000", "Flensburg, Stadt",
     56.73, 91113, 45336, 45777, 1606, "24937", "9,43751", "54,78252"],
    ["50", "50", "01", "0", "00", "9999", None, "Hoheitsgebiet"],
    ["60", "66", "01", "0", "00", "9999", "999", "Hoheitsgebiet", 6.2, 0, 0, 0, 0, None, "0", "0"],
    [],
    ["Quelle: Gemeindeverzeichnis-Informationssystem GV-ISys"],
]  # fmt: skip


def gv(tmp_path: Path, rows: Rows, sheet: str = "Onlineprodukt_Gemeinden31122021") -> ParsedDelivery:
    path = write(tmp_path / "gv.xlsx", {"Inhalt": [["Titel"]], sheet: rows})
    return parse(path, source("gemeindeverzeichnis", {}, ("area", "observation")))


def test_gemeindeverzeichnis_builds_the_whole_chain(tmp_path: Path) -> None:
    parsed = gv(tmp_path, GV_ROWS)
    assert rules(parsed) == ["Ohne Kreis"]
    chain = [(row["area_level"], row["area_code"], row["parent_code"]) for row in rows_of(parsed, "area")]
    assert set(chain) == {
        ("bund", "DG", None),
        ("land", "01", "DG"),
        ("regierungsbezirk", "010", "01"),  # a Land without Regierungsbezirke is its own one
        ("kreis", "01001", "010"),
        ("gemeindeverband", "010010000", "01001"),
        ("gemeinde", "01001000", "010010000"),
    }
    assert {row["state_date"] for row in rows_of(parsed, "area")} == {date(2021, 12, 31)}
    figures = {(row["measure_id"], row["group_id"]): row["value"] for row in rows_of(parsed, "observation")}
    assert figures == {
        ("population", "total"): 91113,
        ("population", "sex=m"): 45336,
        ("population", "sex=f"): 45777,
        ("area_km2", "total"): 56.73,
    }


def _changed(row: int, column: int, value: Any) -> Rows:
    return [
        [value if (number, position) == (row, column) else item for position, item in enumerate(cells)]
        for number, cells in enumerate(GV_ROWS)
    ]


@pytest.mark.parametrize(
    ("rows", "rule"),
    [
        (_changed(4, 2, ""), "Gebietsstand fehlt"),
        (_changed(3, 9, "Anzahl"), "Spalte fehlt"),
        (_changed(6, 0, "11"), "Unbekannte Satzart"),
        (_changed(9, 6, "00"), "Schlüssel unvollständig"),
        (_changed(9, 7, ""), "Name fehlt"),
        (_changed(9, 9, "viele"), "Keine Zahl"),
        (_changed(9, 9, -3), "Keine Zahl"),
        (_changed(9, 10, 1), "Summe weicht ab"),
        (_changed(9, 14, "94,3751"), "Koordinaten unplausibel"),
        (_changed(9, 13, "2493"), "Postleitzahl unplausibel"),
        ([*GV_ROWS, GV_ROWS[9]], "Schlüssel doppelt"),
        ([row for number, row in enumerate(GV_ROWS) if number != 6], "Übergeordnetes Gebiet fehlt"),
        (GV_ROWS[:9], "Keine Gemeinden"),
        (GV_ROWS[4:], "Blatt fehlt"),
    ],
)
def test_gemeindeverzeichnis_says_what_is_wrong(tmp_path: Path, rows: Rows, rule: str) -> None:
    sheet = "Onlineprodukt_Gemeinden" if rule != "Blatt fehlt" else "Andere"
    parsed = gv(tmp_path, rows, sheet)
    assert rule in rules(parsed)
    assert parsed.refused is (rule not in ("Koordinaten unplausibel", "Postleitzahl unplausibel"))


def _change(
    unit: str,
    from_: tuple[str, str],
    kind: Any,
    figures: tuple[Any, Any],
    to: tuple[str, str],
    day: str = "01.01.2024",
) -> list[Any]:
    def side(ars: str, name: str) -> list[str]:
        return [ars, ars[:5] + ars[9:] if len(ars) == 12 else "", name]

    return ["16/2024/1-R", unit, *side(*from_), kind, *figures, *side(*to), day, day]


CHANGES_HEAD: Rows = [
    ["Gebietsänderungen vom 01.01. - 31.12.2024"],
    ["Kennziffer", "Regionaleinheit", "Abgebende / Aufgelöste Gemeinde", None, None, None, None, None,
     "Aufnehmende / Neugebildete Gemeinde", None, None, "Wirksamkeitsdatum", None],
    [None, None, "Amtlicher Regionalschlüssel (ARS)", "Amtlicher Gemeinde-schlüssel (AGS)", "Name", "Änderungs-art 1)",
     "Fläche qm", "Einwohner", "Amtlicher Regionalschlüssel (ARS)", "Amtlicher Gemeinde-schlüssel (AGS)", "Name",
     "juristisch", "statistisch"],
    [],
]  # fmt: skip
A, B, C = ("160640001001", "A"), ("160640002002", "B"), ("160640003003", "C")
CHANGES: Rows = [
    # A is dissolved into B and C, by inhabitants 3 : 1; its Verband follows its Gemeinde.
    _change("Gemeindeverband", ("160640001", "A"), 1.0, ("", ""), ("160640002", "B")),
    _change("Gemeindeverband", ("160640001", "A"), 1.0, ("", ""), ("160640003", "C")),
    _change("Gemeinde", A, 1.0, (100.0, 300.0), B),
    _change("Gemeinde", A, 1.0, (900.0, 100.0), C),
    # D, where nobody lives, gives a tenth of its land away and stays.
    _change("Gemeinde", ("160650004004", "D"), "2", (10, 0), ("160650005005", "E"), "01.06.2024"),
    _change("Gemeinde", ("160650004004", "D"), "2", (90, 0), ("160650004004", "D"), "01.06.2024"),
    # F changes Verband and name; its AGS stays.
    _change("Gemeinde", ("160660006006", "F"), "3, 4", ("", ""), ("160665007006", "F am See"), "01.02.2024"),
]


def changes(tmp_path: Path, rows: Rows) -> ParsedDelivery:
    path = write(
        tmp_path / "2024.xlsx",
        {"Deckblatt": [["x"]], "Gebietsaenderungen": [*CHANGES_HEAD, *rows, [], ["1) Änderungsart:"]]},
    )
    return parse(path, source("gebietsaenderungen", {}, ("area", "area_crosswalk")))


def test_gebietsaenderungen_become_weights_and_validities(tmp_path: Path) -> None:
    parsed = changes(tmp_path, CHANGES)
    assert parsed.issues == ()
    weights = {
        (row["area_level"], row["from_code"], row["to_code"]): (round(row["weight"], 6), row["method"])
        for row in rows_of(parsed, "area_crosswalk")
    }
    assert weights == {
        ("gemeindeverband", "160640001", "160640002"): (0.75, "population"),
        ("gemeindeverband", "160640001", "160640003"): (0.25, "population"),
        ("gemeinde", "16064001", "16064002"): (0.75, "population"),
        ("gemeinde", "16064001", "16064003"): (0.25, "population"),
        ("gemeinde", "16065004", "16065005"): (0.1, "area"),
        ("gemeinde", "16065004", "16065004"): (0.9, "area"),
        ("gemeinde", "16066006", "16066006"): (1.0, "exact"),
    }
    areas = {(row["area_code"], row["valid_from"]): row for row in rows_of(parsed, "area")}
    assert areas["16064001", date(2023, 12, 31)]["valid_to"] == date(2023, 12, 31)
    assert areas["16064002", date(2024, 1, 1)]["valid_to"] is None
    moved = areas["16066006", date(2024, 2, 1)]
    assert (moved["area_name"], moved["parent_code"], moved["valid_to"]) == ("F am See", "160665007", None)
    assert ("16065004", date(2024, 5, 31)) not in areas


def test_a_verband_without_any_figures_ends_without_weights(tmp_path: Path) -> None:
    parsed = changes(tmp_path, CHANGES[:2])
    assert rules(parsed) == ["Gewicht nicht bestimmbar"]
    assert parsed.tables["area_crosswalk"].num_rows == 0
    assert {row["area_code"] for row in rows_of(parsed, "area")} == {"160640001", "160640002", "160640003"}


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (_change("Gemeinde", ("1606400010", "A"), 1, (1, 1), B), "Zeile unlesbar"),
        (_change("Gemeinde", A, 7, (1, 1), B), "Zeile unlesbar"),
        (_change("Gemeinde", A, 1, ("viel", 1), B), "Zeile unlesbar"),
        (_change("Gemeinde", A, 1, (1, 1), B, "31.02.2024"), "Zeile unlesbar"),
        (_change("Dorf", A, 1, (1, 1), B), "Unbekannte Regionaleinheit"),
        ([], "Keine Änderungen"),
    ],
)
def test_gebietsaenderungen_say_what_is_wrong(tmp_path: Path, row: list[Any], rule: str) -> None:
    parsed = changes(tmp_path, [row] if row else [])
    assert parsed.refused and rules(parsed) == [rule]


KEY_HEAD = ["Gemeinden\n 31.12.2022", "Gemeindename 2022", "flächen-\nproportionaler\nUmsteige-schlüssel",
            "bevölkerungs- \nproportionaler \nUmsteige- \nschlüssel", "Fläche am 31.12.2022 in km²",
            "Bevölkerung am 31.12.2022",
            "Gemeinden\n 31.12.2023", "Gemeindename 2023"]  # fmt: skip
KEY_ROWS: Rows = [
    KEY_HEAD,
    [1001000.0, "Flensburg", 1.0, 1.0, 56.7, 92550.0, 1001000.0, "Flensburg"],
    [16064014.0, "Dünwald", 0.858, 0.9668, 28.9, 2265.0, 16061118.0, "Dingelstädt"],
    [16064014.0, "Dünwald", 0.142, 0.0332, 28.9, 2265.0, 16064071.0, "Unstruttal"],
    [9374451.0, "Forst", 0.7, 0.3333, 5.9, 0.0, 9374129.0, "Kirchenthumbach"],
    [9374451.0, "Forst", 0.3, 0.3333, 5.9, 0.0, 9472180.0, "Prebitz"],
]


def key(tmp_path: Path, rows: Rows, **options: Any) -> ParsedDelivery:
    path = write(tmp_path / "ref.xlsx", {"2022": rows})
    return parse(path, source("umsteigeschluessel", options, ("area", "area_crosswalk")))


def test_umsteigeschluessel_gets_zeros_and_the_right_weights(tmp_path: Path) -> None:
    parsed = key(tmp_path, KEY_ROWS)
    assert parsed.issues == ()
    weights = {
        (row["from_code"], row["to_code"]): (round(row["weight"], 4), row["method"])
        for row in rows_of(parsed, "area_crosswalk")
    }
    assert weights == {
        ("16064014", "16061118"): (0.9668, "population"),
        ("16064014", "16064071"): (0.0332, "population"),
        ("09374451", "09374129"): (0.7, "area"),  # nobody lives there
        ("09374451", "09472180"): (0.3, "area"),
    }
    assert {row["reform_date"] for row in rows_of(parsed, "area_crosswalk")} == {date(2023, 1, 1)}
    by_area = rows_of(key(tmp_path, KEY_ROWS, weight="area"), "area_crosswalk")
    assert [(round(row["weight"], 3), row["method"]) for row in by_area[:2]] == [
        (0.858, "area"),
        (0.142, "area"),
    ]


@pytest.mark.parametrize(
    ("rows", "rule", "options"),
    [
        ([KEY_HEAD[:6]], "Kopfzeile fehlt", {}),
        ([], "Kopfzeile fehlt", {}),
        (KEY_ROWS, "Blatt fehlt", {"sheets": ["2019"]}),
        (KEY_ROWS[:2], "Keine Änderungen", {}),
        (KEY_ROWS[:3], "Anteile ergeben nicht 1", {}),
        ([*KEY_ROWS, [99064014.0, "x", 1, 1, 1, 1, 16061118.0, "y"]], "Zeile unlesbar", {}),
        ([*KEY_ROWS, [16064014.0, "x", 2.5, 1, 1, 1, 16061118.0, "y"]], "Zeile unlesbar", {}),
    ],
)  # fmt: skip
def test_umsteigeschluessel_says_what_is_wrong(
    tmp_path: Path, rows: Rows, rule: str, options: dict[str, Any]
) -> None:
    parsed = key(tmp_path, rows, **options)
    assert parsed.refused
    assert rule in rules(parsed)


GEO_OPTIONS = {"valid_from": "2021-12-31"}
FEATURE = (
    '{"features": [{"properties": {"ARS": "ARS-KEY", "GEN": "x"}, '
    '"geometry": {"type": "Point", "coordinates": [1, 2]}}]}'
)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("{", "Nicht lesbar"),
        ('{"features": [{"properties": {}, "geometry": null}]}', "Nicht lesbar"),
        ('{"features": []}', "Keine Flächen"),
        (FEATURE.replace("ARS-KEY", "0100"), "Schlüssel fehlt"),
        (FEATURE.replace("ARS-KEY", "01001"), "Keine Fläche"),
    ],
)  # fmt: skip
def test_boundaries_say_what_is_wrong(tmp_path: Path, content: str, rule: str) -> None:
    path = tmp_path / "x.geojson"
    path.write_text(content, encoding="utf-8")
    parsed = parse(path, source("vg_geojson", GEO_OPTIONS, ("area",)))
    assert parsed.refused and rules(parsed) == [rule]


CONFIGURED: dict[str, tuple[dict[str, Any], tuple[str, ...], dict[str, Rows]]] = {
    "inkar": (INKAR_OPTIONS, ("observation",), {"Daten": INKAR_ROWS}),
    "ba_workbook": (BA_OPTIONS, ("observation",), {"Kreise": BA_ROWS}),
    "gemeindeverzeichnis": ({}, ("area", "observation"), {"Onlineprodukt_Gemeinden": GV_ROWS}),
    "gebietsaenderungen": ({}, ("area", "area_crosswalk"), {"Gebietsaenderungen": [*CHANGES_HEAD, *CHANGES]}),
    "umsteigeschluessel": ({}, ("area", "area_crosswalk"), {"2022": KEY_ROWS}),
}
ODD = st.one_of(
    st.none(),
    st.text(alphabet="09.,-*/x()\nÄart 31.12.2021", max_size=12),
    st.integers(-(10**6), 10**9),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.dates(min_value=date(1900, 3, 1), max_value=date(2100, 1, 1)),
)


@pytest.mark.parametrize("name", sorted(CONFIGURED))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_odd_cells_never_raise(tmp_path: Path, name: str, data: st.DataObject) -> None:
    options, tables, sheets = CONFIGURED[name]
    mutated = {title: [list(row) for row in rows] for title, rows in sheets.items()}
    (rows,) = mutated.values()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(rows) - 1))
        what = data.draw(st.sampled_from(["cell", "drop", "double", "shift", "shorten"]))
        if what == "cell" and rows[at]:
            rows[at][data.draw(st.integers(0, len(rows[at]) - 1))] = data.draw(ODD)
        elif what == "drop" and len(rows) > 1:
            del rows[at]
        elif what == "double":
            rows.insert(at, list(rows[at]))
        elif what == "shift":
            rows[at].insert(0, None)
        else:
            rows[at] = rows[at][: len(rows[at]) // 2]
    path = write(tmp_path / "odd.xlsx", mutated)
    parsed = parse(path, source(name, options, tables))
    assert parsed.refused == (not parsed.tables)


@cache
def _workbook(name: str) -> bytes:
    """The good file, written once: its bytes hold the time of writing, and hypothesis wants the same ones again."""
    with TemporaryDirectory() as folder:
        return write(Path(folder) / "good.xlsx", CONFIGURED[name][2]).read_bytes()


@pytest.mark.parametrize("name", sorted({*CONFIGURED, "gisd", "vg_geojson"}))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_never_raise(tmp_path: Path, name: str, data: st.DataObject) -> None:
    if name in CONFIGURED:
        options, tables, _ = CONFIGURED[name]
        good = _workbook(name)
        path = tmp_path / "damaged.xlsx"
    else:
        options, tables = (GISD_OPTIONS, ("observation",)) if name == "gisd" else (GEO_OPTIONS, ("area",))
        good = (GISD_HEADER + "\n01001,Flensburg,2021,0.8,5\n").encode()
        path = tmp_path / "damaged.csv"
    content = bytearray(good)
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content[: data.draw(st.integers(1, len(content)))]))
    parsed = adapter(name).parse(path, source(name, options, tables))
    assert parsed.refused == (not parsed.tables)


def test_a_zip_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hallo")
    parsed = parse(path, source("inkar", INKAR_OPTIONS, ("observation",)))
    assert rules(parsed) == ["Nicht lesbar"]
