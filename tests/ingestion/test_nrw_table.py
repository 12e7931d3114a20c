"""Printed tables of a Landesdatenbank: structure, labels, signs, hierarchy, faults."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ingestion.formats.base import ParsedDelivery
from ingestion.formats.nrw_table import NrwOptions, NrwTableAdapter, read_nrw
from tests.ingestion.tables import PRINTED, printed, rows_of, source, write


def read(text: str = PRINTED, **options: object) -> ParsedDelivery:
    return read_nrw(printed(text), NrwOptions.model_validate(options))


def refusal(parsed: ParsedDelivery) -> str:
    assert parsed.refused and not parsed.tables
    return next(issue.rule for issue in parsed.issues if issue.severity == "refusal")


def cells(parsed: ParsedDelivery, area: str) -> dict[tuple[str, str], tuple[float | None, str, str]]:
    return {
        (row["measure_id"], row["group_id"]): (row["value"], row["obs_status"], row["conf_status"])
        for row in rows_of(parsed)
        if row["area_code"] == area
    }


def test_four_header_rows_spanning_labels_and_units() -> None:
    parsed = read()
    assert cells(parsed, "05") == {
        ("hilfen", "total"): (300.0, "A", "F"),
        ("begonnene_hilfen", "total"): (150.0, "A", "F"),
        ("hilfen", "art_der_hilfe=beratung_par_28"): (30.0, "A", "F"),
        ("begonnene_hilfen", "art_der_hilfe=beratung_par_28"): (15.0, "A", "F"),
    }
    assert not parsed.issues and parsed.part == "99999-01i"
    assert parsed.published_on == date(2025, 11, 27)
    assert parsed.period is not None and parsed.period.period_type == "jahr"
    row = next(row for row in rows_of(parsed) if row["area_code"] == "05154" and row["value"] is None)
    assert (row["source_row"], row["source_column"]) == (11, "Beratung § 28 / Begonnene Hilfen")


def test_signs() -> None:
    group = "art_der_hilfe=beratung_par_28"
    assert cells(read(), "05111")["hilfen", group] == (0.0, "A", "F")
    assert cells(read(), "05111")["begonnene_hilfen", group] == (None, "A", "C")
    assert cells(read(), "05154")["begonnene_hilfen", group] == (None, "L", "F")
    assert cells(read(), "053")["begonnene_hilfen", group] == (None, "O", "F")
    assert list(cells(read(), "05313").values()) == [
        (None, "M", "F"),
        (50.0, "E", "F"),
        (10.0, "E", "F"),
        (5.0, "A", "F"),
    ]


def test_levels_come_from_keys() -> None:
    levels = {row["area_code"]: row["area_level"] for row in rows_of(read())}
    assert levels == {
        "05": "land",
        "051": "regierungsbezirk",
        "053": "regierungsbezirk",
        "05111": "kreis",
        "05154": "kreis",
        "05313": "kreis",
    }


def test_registry_names_what_labels_mean() -> None:
    parsed = read(
        table="99999-01i",
        measures={"Hilfen": "cases", "Begonnene Hilfen": "cases_begun"},
        dimensions={"Art der Hilfe": "hilfeart"},
        members={"Art der Hilfe": {"Beratung § 28": "par_28"}},
    )
    assert ("cases", "hilfeart=par_28") in cells(parsed, "05")


TIME_IN_HEADER = """\
Tabelle: 88888-02i
Sozialberichterstattung:;;;
Quote (Prozent);;;
;;Jahr;
;;2022;2023
05;Nordrhein-Westfalen;11,1;1.211,5
05111;  Düsseldorf, krfr. Stadt;11,5;.
05111000;    Düsseldorf, Stadt;11,5;-
05999998;  Wohnort außerhalb von NRW;x;x
__________
Stand: 18.12.2025 / 14:36:32
"""


def test_time_in_header_measure_in_title() -> None:
    rule = {"match": "05999998", "level": "gemeinde", "code": "05-NZ"}
    parsed = read(TIME_IN_HEADER, area={"rules": [rule]}, nothing={"areas": "zero"})
    found = {
        (row["area_code"], row["period_end"].year): (row["measure_id"], row["value"])
        for row in rows_of(parsed)
    }
    assert found["05", 2022] == ("quote", 11.1) and found["05", 2023] == ("quote", 1211.5)
    assert found["05111", 2023] == ("quote", None) and found["05-NZ", 2022] == ("quote", None)
    assert parsed.period is None and not parsed.issues


ROW_DIMENSION = """\
Tabelle: 77777-03-4
Bevölkerung nach Geschlecht und Altersgruppen -;;;;;
Bevölkerungsstand (Anzahl);;;;;
;;;Insgesamt;männlich;weiblich
05;  Nordrhein-Westfalen;unter 3 Jahre;10;6;4
05;  Nordrhein-Westfalen;3 bis unter 6 Jahre;20;9;11
05;  Nordrhein-Westfalen;75 Jahre und mehr;30;14;16
05;  Nordrhein-Westfalen;Insgesamt;60;29;31
__________
Stand: 18.12.2025 / 12:13:08
"""


def test_dimension_in_rows_and_year_in_title() -> None:
    text = ROW_DIMENSION.replace("Altersgruppen -", "Altersgruppen - Stichtag 31.12.2023")
    parsed = read(text)
    found = {row["group_id"]: row["value"] for row in rows_of(parsed)}
    assert (
        found["age=0-2;sex=f"] == 4
        and found["age=75+"] == 30
        and found["total"] == 60
        and found["sex=m"] == 29
    )
    assert parsed.period is not None and parsed.period.end == date(2023, 12, 31)


def test_unknown_dimension_in_rows_takes_its_name_from_the_registry() -> None:
    text = ROW_DIMENSION.replace("Altersgruppen -", "Altersgruppen - Jahr 2023").replace(
        "unter 3 Jahre", "Kleinkinder"
    )
    assert "altersstufe=kleinkinder" in {
        row["group_id"] for row in rows_of(read(text, row_dimensions=["altersstufe"]))
    }
    assert "merkmal_1=kleinkinder" in {row["group_id"] for row in rows_of(read(text))}


def test_table_without_a_readable_time_is_refused() -> None:
    assert refusal(read(ROW_DIMENSION)) == "Zeitangabe fehlt"
    impossible = ROW_DIMENSION.replace("Altersgruppen -", "Altersgruppen - Stichtag 31.02.2023")
    assert refusal(read(impossible)) == "Zeitangabe"


def test_stichtag_in_rows() -> None:
    parsed = read(PRINTED.replace("\n2023;", "\n31.12.2023;"))
    assert parsed.period is not None and parsed.period.period_type == "stichtag"
    assert refusal(read(PRINTED.replace("\n2023;", "\n2023-12-31;"))) == "Datumsformat"


def test_indentation_against_keys_is_a_warning() -> None:
    parsed = read(PRINTED.replace("05154;    Kleve", "05954;    Kleve"))
    assert [(issue.severity, issue.rule, issue.row) for issue in parsed.issues] == [
        ("warning", "Einrückung", 11)
    ]


def test_areas_of_dashes() -> None:
    text = PRINTED.replace("x;(50)p;10s;5", "-;-;-;-")
    assert {cell[1] for cell in cells(read(text), "05313").values()} == {"L"}
    assert {cell[:2] for cell in cells(read(text, nothing={"areas": "zero"}), "05313").values()} == {
        (0.0, "A")
    }


def test_missing_stand_and_empty_cells_are_warnings() -> None:
    parsed = read(PRINTED.replace("Stand: 27.11.2025", "Am 27.11.2025").replace(";80;40;", ";;40;"))
    assert {issue.rule for issue in parsed.issues} == {"Stand fehlt", "Leere Zellen"}
    assert cells(parsed, "05154")["hilfen", "total"] == (None, "O", "F")


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("Tabelle: 99999-01i", "Auswertung", "Kein Tabellenkopf"),
        ("__________", "", "Ende der Tabelle fehlt"),
        ("2023;05154;    Kleve, Kreis;80;40;20;/", "2023;05154;    Kleve, Kreis;80", "Zeile unvollständig"),
        ("05154", "5154", "Unbekanntes Gebiet"),
        (";80;40;", ";80;viele;", "Keine Zahl"),
        (";80;40;", ";80.5;40;", "Dezimalzeichen"),
        ("Insgesamt;;Beratung § 28;", "2021;2021;2022;2022", "Zwei Zeitangaben"),
    ],
)
def test_fault_is_refused(old: str, new: str, rule: str) -> None:
    assert old in PRINTED
    assert refusal(read(PRINTED.replace(old, new))) == rule


def test_other_table_level_encoding_and_delimiter_are_refused() -> None:
    assert refusal(read(table="12411-02-03-4")) == "Andere Tabelle"
    assert refusal(read(area={"levels": ["land", "kreis"]})) == "Unbekanntes Gebiet"
    utf8 = read_nrw(PRINTED.encode(), NrwOptions())
    assert refusal(utf8) == "Zeichensatz"
    assert "cp1252" in utf8.issues[0].message and "utf-8" in utf8.issues[0].message
    assert refusal(read_nrw(PRINTED.encode("cp850", "replace"), NrwOptions())) == "Zeichensatz"
    assert refusal(read(PRINTED.replace(";", "\t"))) == "Trennzeichen"


def test_adapter_reads_a_file(tmp_path: Path) -> None:
    path = write(tmp_path, "99999-01i_2023.csv", printed())
    assert len(rows_of(NrwTableAdapter().parse(path, source("nrw_table", table="99999-01i")))) == 24
    empty = NrwTableAdapter().parse(write(tmp_path, "leer.csv", b""), source("nrw_table"))
    assert refusal(empty) == "Leere Datei"


def test_table_of_one_area_takes_it_from_the_registry() -> None:
    text = """\
Tabelle: 12411-0001
Bevölkerung: Deutschland, Stichtag;
Fortschreibung des Bevölkerungsstandes;
;Bevölkerungsstand
;Anzahl
31.12.2022;84358845
31.12.2023;83456045
__________
Stand: 18.12.2025 / 12:13:08
"""
    assert refusal(read(text)) == "Gebiet fehlt"
    rows = rows_of(read(text, area={"constant": "DG"}))
    assert [(row["area_level"], row["measure_id"], row["value"]) for row in rows] == [
        ("bund", "bevoelkerungsstand", 84358845.0),
        ("bund", "bevoelkerungsstand", 83456045.0),
    ]
