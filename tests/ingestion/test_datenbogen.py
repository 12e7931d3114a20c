"""The Datenbogen: what is written, what comes back through the gate, and what is refused."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl.workbook.workbook import Workbook

from ingestion.datenbogen.landed import NoForm, write_forms
from ingestion.datenbogen.model import Form, FormOptions
from ingestion.datenbogen.write import build_form
from ingestion.formats.base import ParsedDelivery
from ingestion.formats.datenbogen import DatenbogenAdapter
from ingestion.landing.land import land_source
from ingestion.landing.manifest import read_manifests
from lagebild.instance import Instance, SourceConfig

OPTIONS: dict[str, Any] = {
    "version": 2,
    "period": "stichtag",
    "area_system": "raum",
    "area_level": "gemeinde",
    "fields": [
        {"measure": "houses", "label": "Häuser", "maximum": 50},
        {"measure": "staff", "group": "sex=f", "label": "Stellen", "decimals": 2},
    ],
}
AREAS = (("91001", "Aue"), ("91002", "=Bruch"), ("91003", "Chor"))


def source(**changes: Any) -> SourceConfig:
    return SourceConfig.model_validate(
        {
            "id": "bogen",
            "label": "Häuser",
            "supplier": "Fachdienst",
            "contact": "amt@beispiel.example",
            "legal_basis": "Beschluss",
            "format": "datenbogen",
            "files": "${INBOX}/bogen/*.xlsx",
            "tables": ("observation",),
            "cycle": "yearly",
            "reference_day": "31.12.",
            "coverage": ("91",),
            "options": OPTIONS,
        }
        | changes
    )


def a_form() -> Form:
    return Form("bogen", "91", "Amt Aue", 2024, AREAS, FormOptions.model_validate(OPTIONS))


FILLED = {
    ("91001", 0): 3,
    ("91001", 1): 1.25,
    ("91002", 0): 0,
    ("91002", 1): 0,
    ("91003", 0): 7,
    ("91003", 1): 2.5,
}

Change = Callable[[Workbook], None]


def returned(
    tmp_path: Path, *changes: Change, name: str = "", config: SourceConfig | None = None
) -> ParsedDelivery:
    """A filled form, changed by hand, as the adapter reads it."""
    form = a_form()
    path = tmp_path / (name or form.file_name)
    build_form(form, source(), {("91001", 0): 2}, FILLED).save(path)
    if changes:
        book = openpyxl.load_workbook(path)
        for change in changes:
            change(book)
        book.save(path)
    return DatenbogenAdapter().parse(path, config or source())


def put(cell: str, value: Any) -> Change:
    def change(book: Workbook) -> None:
        book["Angaben"][cell] = value

    return change


def rules(parsed: ParsedDelivery) -> list[tuple[str, str]]:
    return [(issue.severity, issue.rule) for issue in parsed.issues]


def test_structure_is_locked_and_only_entries_are_open(tmp_path: Path) -> None:
    path = tmp_path / "f.xlsx"
    build_form(a_form(), source(), {("91001", 0): 2}).save(path)
    book = openpyxl.load_workbook(path)
    assert book.security is not None and book.security.lockStructure
    assert all(sheet.protection.sheet and sheet.sheet_state == "visible" for sheet in book)
    sheet = book["Angaben"]
    opened = {cell.coordinate for line in sheet.iter_rows() for cell in line if not cell.protection.locked}
    assert opened == {f"{column}{line}" for column in "CEG" for line in (6, 7, 8)}
    assert (sheet["D5"].value, sheet["D6"].value, sheet["D7"].value) == ("zum Vergleich 2023", 2, None)
    kinds = {item.type: item for item in sheet.data_validations.dataValidation}
    assert set(kinds) == {"whole", "decimal", "list"}
    assert "ganze Zahl von 0 bis 50" in kinds["whole"].error
    assert kinds["list"].formula1 == '"vollständig,liegt nicht vor,trifft nicht zu"'
    # The name of an area comes from a delivery: it must not run.
    assert sheet["B7"].data_type == "s" and sheet["B7"].value == "=Bruch"
    with zipfile.ZipFile(path) as archive:
        assert not [item for item in archive.namelist() if "vba" in item.lower()]


def test_filled_form_becomes_observations(tmp_path: Path) -> None:
    parsed = returned(tmp_path)
    assert parsed.issues == () and parsed.kommune_code == "91"
    assert parsed.period is not None and parsed.period.end == date(2024, 12, 31)
    rows = parsed.tables["observation"].to_pylist()
    assert {(item["area_code"], item["measure_id"], item["group_id"]): item["value"] for item in rows} == {
        (code, measure, group): FILLED[code, number]
        for code, _ in AREAS
        for number, (measure, group) in enumerate((("houses", "total"), ("staff", "sex=f")))
    }
    assert (rows[0]["source_sheet"], rows[0]["source_row"], rows[0]["source_column"]) == (
        "Angaben",
        6,
        "Häuser 2024",
    )


def test_missing_cells_are_warnings_and_stay_missing(tmp_path: Path) -> None:
    parsed = returned(tmp_path, put("C6", None))
    assert rules(parsed) == [("warning", "Angabe fehlt")]
    assert (parsed.issues[0].row, parsed.issues[0].column) == (6, "Häuser 2024")
    first = parsed.tables["observation"].to_pylist()[0]
    assert (first["value"], first["obs_status"]) == (None, "O")


@pytest.mark.parametrize(("state", "status"), [("liegt nicht vor", "O"), ("trifft nicht zu", "M")])
def test_the_drop_down_says_why_a_cell_is_empty(tmp_path: Path, state: str, status: str) -> None:
    parsed = returned(tmp_path, put("C6", None), put("E6", None), put("G6", state))
    assert parsed.issues == ()
    found = parsed.tables["observation"].to_pylist()[:2]
    assert [(item["value"], item["obs_status"]) for item in found] == [(None, status)] * 2


def insert_row(book: Workbook) -> None:
    book["Angaben"].insert_rows(7)


def swap_keys(book: Workbook) -> None:
    sheet = book["Angaben"]
    sheet["A6"], sheet["A7"] = sheet["A7"].value, sheet["A6"].value


def other_kommune(book: Workbook) -> None:
    book["Kennung"]["B3"] = "92"


def other_year(book: Workbook) -> None:
    book["Kennung"]["B4"] = "2023"


def old_version(book: Workbook) -> None:
    book["Kennung"]["B5"] = "1"


def other_source(book: Workbook) -> None:
    book["Kennung"]["B2"] = "kita"


def drop_identity(book: Workbook) -> None:
    del book["Kennung"]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (put("C6", "=1+2"), "Formel statt Zahl"),
        (put("C6", "drei"), "Keine Zahl"),
        (put("C6", 2.5), "Keine ganze Zahl"),
        (put("E6", 2.555), "Zu genau"),
        (put("C6", -1), "Wert außerhalb des Möglichen"),
        (put("C6", 51), "Wert außerhalb des Möglichen"),
        (put("G6", "liegt nicht vor"), "Widersprüchliche Angabe"),
        (put("G6", "vielleicht"), "Unzulässiger Wert"),
        (put("C5", "Häuser 2023"), "Aufbau verändert"),
        (put("A6", "91009"), "Aufbau verändert"),
        (put("A9", "91004"), "Aufbau verändert"),
        (insert_row, "Aufbau verändert"),
        (swap_keys, "Aufbau verändert"),
        (other_kommune, "Aufbau verändert"),
        (other_year, "Aufbau verändert"),
        (drop_identity, "Aufbau verändert"),
        (old_version, "Veralteter Datenbogen"),
        (other_source, "Falscher Datenbogen"),
    ],
)
def test_changed_forms_are_refused(tmp_path: Path, change: Change, rule: str) -> None:
    parsed = returned(tmp_path, change)
    assert parsed.refused and not parsed.tables
    assert {issue.rule for issue in parsed.issues} == {rule}


def test_text_numbers_are_read_and_edges_of_the_range_belong_to_it(tmp_path: Path) -> None:
    parsed = returned(tmp_path, put("C6", "50"), put("E6", "1.234,5"))
    assert parsed.issues == ()
    assert [item["value"] for item in parsed.tables["observation"].to_pylist()[:2]] == [50.0, 1234.5]


def test_empty_form_and_other_files(tmp_path: Path) -> None:
    changes = [put(f"{column}{line}", None) for column in "CE" for line in (6, 7, 8)]
    assert ("refusal", "Datenbogen leer") in rules(returned(tmp_path, *changes))
    assert rules(returned(tmp_path, name="Liste.xlsx")) == [("refusal", "Dateiname")]
    broken = tmp_path / "Datenbogen_x.xlsx"
    broken.write_bytes(b"kein Excel")
    assert rules(DatenbogenAdapter().parse(broken, source())) == [("refusal", "Keine Excel-Datei")]


# --- from the landed area register and last year's delivery, and back


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    """A town of two Gemeinden whose area register and form are sources."""
    monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path / "var"))
    folder = tmp_path / "stadt"
    (folder / "sources").mkdir(parents=True)
    (folder / "instance.yml").write_text(
        """
name: stadt
title: Probe
attribution: Probe
main_area_system: raum
area_systems:
  - code: raum
    label: Raum
    levels:
      - {code: kreis, label: Kreis, plural: Kreis}
      - {code: gemeinde, label: Gemeinde, plural: Gemeinden}
dashboard: {headline_indicators: [a, b, c, d], map_indicator: a, map_level: gemeinde, series_indicators: [a],
            ranking_indicator: a, ranking_level: gemeinde}
""",
        encoding="utf-8",
    )
    (folder / "measures.yml").write_text("[]", encoding="utf-8")
    (folder / "rules.yml").write_text("[]", encoding="utf-8")
    (folder / "sources" / "gebiete.yml").write_text(
        r"""
id: gebiete
label: Gebiete
supplier: Amt
contact: amt@beispiel.example
legal_basis: Satzung
format: delimited
files: ${INBOX}/gebiete/*.csv
tables: [area]
cycle: once
reference_day: laufend
options:
  parts:
    - table: area
      constants: {area_system: raum}
      columns:
        area_level: {header: Ebene}
        area_code: {header: Code}
        area_name: {header: Name}
        parent_code: {header: Ueber}
        valid_from: {header: Ab, kind: date}
""",
        encoding="utf-8",
    )
    (folder / "sources" / "bogen.yml").write_text(source().model_dump_json(), encoding="utf-8")
    found = Instance("stadt", folder)
    inbox = found.paths.inbox / "gebiete"
    inbox.mkdir(parents=True)
    lines = ["Ebene;Code;Name;Ueber;Ab", "kreis;91;Amt Aue;;01.01.2020"]
    lines += [f"gemeinde;{code};{name};91;01.01.2020" for code, name in AREAS]
    (inbox / "gebiete.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return found


def test_no_form_without_areas_or_of_another_source(instance: Instance, tmp_path: Path) -> None:
    with pytest.raises(NoForm, match="Gebietsverzeichnis"):
        write_forms(instance, instance.sources["bogen"], ["91"], 2024, tmp_path)
    with pytest.raises(NoForm, match="nicht mit einem Datenbogen"):
        write_forms(instance, instance.sources["gebiete"], ["91"], 2024, tmp_path)


def test_the_filled_form_comes_back_and_next_year_shows_it(instance: Instance, tmp_path: Path) -> None:
    land_source(instance, instance.sources["gebiete"])
    bogen = instance.sources["bogen"]
    inbox = instance.paths.inbox / "bogen"
    (path,) = write_forms(instance, bogen, ["91"], 2024, inbox)
    book = openpyxl.load_workbook(path)
    for (code, number), value in FILLED.items():
        line = 6 + [item for item, _ in AREAS].index(code)
        book["Angaben"].cell(line, 3 + 2 * number).value = value
    book.save(path)
    assert land_source(instance, bogen).landed == 1
    (manifest,) = read_manifests(instance, "bogen")
    assert manifest.issues == () and manifest.kommune_code == "91"
    landed: pa.Table = pq.read_table(
        instance.paths.landing / "bogen" / manifest.delivery_id / "observation.parquet"
    )
    assert sorted(landed["value"].to_pylist()) == sorted(FILLED.values())

    (following,) = write_forms(instance, bogen, ["91"], 2025, tmp_path / "neu")
    sheet = openpyxl.load_workbook(following)["Angaben"]
    assert sheet["A1"].value == "Amt Aue, 2025"
    assert [sheet.cell(line, 4).value for line in (6, 7, 8)] == [3, 0, 7]
    assert [sheet.cell(line, 3).value for line in (6, 7, 8)] == [None, None, None]
    # Older values are none to compare with.
    (later,) = write_forms(instance, bogen, ["91"], 2026, tmp_path / "neu")
    assert openpyxl.load_workbook(later)["Angaben"]["D6"].value is None


def test_a_changed_form_goes_to_quarantine(instance: Instance) -> None:
    land_source(instance, instance.sources["gebiete"])
    bogen = instance.sources["bogen"]
    (path,) = write_forms(instance, bogen, ["91"], 2024, instance.paths.inbox / "bogen")
    book = openpyxl.load_workbook(path)
    book["Angaben"]["C6"] = "=SUM(C7:C8)"
    book.save(path)
    assert land_source(instance, bogen).quarantined == 1
    (manifest,) = read_manifests(instance, "bogen")
    report = instance.paths.quarantine / "bogen" / manifest.delivery_id / "pruefbericht.xlsx"
    lines = list(openpyxl.load_workbook(report)["Beanstandungen"].iter_rows(values_only=True))
    assert ("Fehler", "Formel statt Zahl", path.name, "Angaben", 6, "Häuser 2024") in [
        item[:6] for item in lines
    ]
