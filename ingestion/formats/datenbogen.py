"""Filled Datenbögen: identity, structure and entries of a form become observations; what was changed is refused."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import openpyxl
import pyarrow as pa
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from ingestion.datenbogen.model import (
    COMPLETE,
    ENTRY_SHEET,
    FIRST_ROW,
    GUIDE_SHEET,
    HEADER_ROW,
    ID_SHEET,
    STATE_HEADER,
    STATES,
    Form,
    FormField,
    FormOptions,
)
from ingestion.formats import values
from ingestion.formats.base import Issue, ParsedDelivery
from ingestion.landing.contracts import TABLES
from lagebild.instance import SourceConfig

if TYPE_CHECKING:
    from openpyxl.workbook.workbook import Workbook

MAX_AREAS: Final = 5000
"""Rows read at most; no form asks for more areas."""


class DatenbogenAdapter:
    """`format: datenbogen`; options: `ingestion.datenbogen.model.FormOptions`."""

    name: ClassVar[str] = "datenbogen"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        options = FormOptions.model_validate(source.options)
        if not re.fullmatch(options.file_pattern, path.name):
            text = f"„{path.name}“ ist nicht der Name des Datenbogens. Bitte unter dem ursprünglichen Namen liefern."
            return ParsedDelivery(issues=(Issue("refusal", "Dateiname", text),))
        try:
            # Formulas, not their cached results: a number that is computed elsewhere is nobody's entry.
            book = openpyxl.load_workbook(path, data_only=False)
        except (zipfile.BadZipFile, InvalidFileException, KeyError, OSError):
            text = "Die Datei lässt sich nicht als Excel-Arbeitsmappe (xlsx) öffnen. Bitte prüfen und neu liefern."
            return ParsedDelivery(issues=(Issue("refusal", "Keine Excel-Datei", text),))
        try:
            return _parse(book, source, options)
        finally:
            book.close()


def _parse(book: Workbook, source: SourceConfig, options: FormOptions) -> ParsedDelivery:
    absent = [name for name in (GUIDE_SHEET, ENTRY_SHEET, ID_SHEET) if name not in book.sheetnames]
    if absent:
        text = (
            f"Dem Datenbogen fehlen die Blätter: {', '.join(absent)}. Bitte den ursprünglichen Datenbogen ausfüllen "
            "und nicht in eine neue Mappe kopieren."
        )
        return ParsedDelivery(issues=(Issue("refusal", "Aufbau verändert", text),))
    form, issue = _form(book, source, options)
    if form is None:
        return ParsedDelivery(issues=(issue,) if issue else ())
    faults = _structure(book, form)
    if faults:
        return ParsedDelivery(issues=tuple(faults), kommune_code=form.kommune)
    rows, issues = _entries(book, form)
    if not any(row["value"] is not None for row in rows) and not any(
        row["obs_status"] == "M" for row in rows
    ):
        text = "Der Datenbogen enthält keine einzige Angabe. Bitte ausfüllen und neu liefern."
        issues.append(Issue("refusal", "Datenbogen leer", text, ENTRY_SHEET))
    refused = any(item.severity == "refusal" for item in issues)
    fields = [item for item in TABLES["observation"] if item.name not in ("delivery_id", "source_id")]
    tables = {} if refused else {"observation": pa.Table.from_pylist(rows, schema=pa.schema(fields))}
    return ParsedDelivery(tables, tuple(issues), options.period_of(form.year), form.kommune)


def _form(book: Workbook, source: SourceConfig, options: FormOptions) -> tuple[Form | None, Issue | None]:
    """The form a workbook says it is; the structure hash is checked later."""
    sheet = book[ID_SHEET]
    told = {
        str(row[0].value).strip(): "" if row[1].value is None else str(row[1].value).strip()
        for row in sheet.iter_rows(min_row=2, max_row=10, max_col=2)
        if row[0].value is not None
    }

    def refuse(rule: str, text: str) -> tuple[None, Issue]:
        return None, Issue("refusal", rule, text, ID_SHEET)

    if told.get("Quelle") != source.id:
        return refuse(
            "Falscher Datenbogen",
            f"Dieser Datenbogen gehört zu „{told.get('Quelle', 'keiner Quelle')}“, erwartet wird „{source.id}“.",
        )
    if told.get("Fassung") != str(options.version):
        return refuse(
            "Veralteter Datenbogen",
            f"Der Datenbogen hat die Fassung {told.get('Fassung', '–')}, gültig ist Fassung {options.version}. Bitte "
            "den neuen Datenbogen anfordern und ausfüllen.",
        )
    year, kommune = told.get("Jahr", ""), told.get("Kommune", "")
    if (
        not re.fullmatch(r"(19|20)\d\d", year)
        or not kommune
        or (source.coverage and kommune not in source.coverage)
    ):
        return refuse(
            "Aufbau verändert",
            "Die Kennung des Datenbogens ist nicht mehr lesbar. Bitte den ursprünglichen Datenbogen ausfüllen.",
        )
    entries = book[ENTRY_SHEET]
    areas: list[tuple[str, str]] = []
    for row in entries.iter_rows(min_row=FIRST_ROW, max_row=FIRST_ROW + MAX_AREAS, max_col=2):
        if row[0].value is None and row[1].value is None:
            break
        areas.append((values.text(row[0].value or ""), values.text(row[1].value or "")))
    form = Form(source.id, kommune, "", int(year), tuple(areas), options)
    return form, None


def _structure(book: Workbook, form: Form) -> list[Issue]:
    """What differs from the form as it was handed out."""
    sheet = book[ENTRY_SHEET]
    faults: list[Issue] = []
    for column, header in enumerate(form.headers(), start=1):
        found = sheet.cell(HEADER_ROW, column).value
        if found != header:
            text = f"Hier steht im Datenbogen „{header}“. Bitte den ursprünglichen Datenbogen ausfüllen."
            shown = None if found is None else values.text(found)
            faults.append(
                Issue(
                    "refusal",
                    "Aufbau verändert",
                    text,
                    ENTRY_SHEET,
                    HEADER_ROW,
                    get_column_letter(column),
                    shown,
                )
            )
    told = next(
        (
            row[1].value
            for row in book[ID_SHEET].iter_rows(min_row=2, max_row=10, max_col=2)
            if row[0].value == "Aufbau"
        ),
        None,
    )
    if not faults and told != form.structure_hash():
        text = (
            "Gebiete oder Kennung des Datenbogens sind nicht mehr die ursprünglichen: Es wurden Zeilen eingefügt, "
            "gelöscht oder überschrieben. Bitte den ursprünglichen Datenbogen ausfüllen."
        )
        faults.append(Issue("refusal", "Aufbau verändert", text, ENTRY_SHEET))
    return faults


@dataclass(frozen=True)
class _Read:
    value: float | None
    status: str


def _entries(book: Workbook, form: Form) -> tuple[list[dict[str, Any]], list[Issue]]:
    sheet = book[ENTRY_SHEET]
    headers = form.headers()
    period = form.options.period_of(form.year)
    rows: list[dict[str, Any]] = []
    issues: list[Issue] = []
    for row, (code, _) in enumerate(form.areas, start=FIRST_ROW):
        written = sheet.cell(row, len(headers)).value
        state = COMPLETE if written is None else str(written).strip()
        if state not in STATES:
            text = f"Bitte einen Eintrag der Liste wählen: {', '.join(STATES)}."
            issues.append(Issue("refusal", "Unzulässiger Wert", text, ENTRY_SHEET, row, STATE_HEADER, state))
            continue
        for number, item in enumerate(form.options.fields):
            column = 3 + 2 * number
            where = (ENTRY_SHEET, row, headers[column - 1])
            cell = sheet.cell(row, column)
            found = _read(cell, item, state, where, issues)
            if found is None:
                continue
            rows.append(
                {
                    "source_row": row,
                    "source_sheet": ENTRY_SHEET,
                    "source_column": headers[column - 1],
                    "area_system": form.options.area_system,
                    "area_level": form.options.area_level,
                    "area_code": code,
                    "period_type": period.period_type,
                    "period_start": period.start,
                    "period_end": period.end,
                    "measure_id": item.measure,
                    "group_id": item.group,
                    "value": found.value,
                    "obs_status": found.status,
                    "conf_status": "F",
                }
            )
    return rows, issues


def _read(
    cell: Any, item: FormField, state: str, where: tuple[str, int, str], issues: list[Issue]
) -> _Read | None:
    """One entry; None where it is refused."""
    value = cell.value
    if cell.data_type == "f":
        text = (
            "Hier steht eine Formel. Bitte die Zahl selbst eintragen (Kopieren, dann „Nur Werte einfügen“)."
        )
        issues.append(Issue("refusal", "Formel statt Zahl", text, *where))
        return None
    if value is None or (isinstance(value, str) and not value.strip()):
        if state == COMPLETE:
            text = (
                "Das Feld ist leer und gilt als nicht geliefert; die Summe darüber bleibt leer. Bitte ergänzen, auch "
                "mit 0, oder in der letzten Spalte „liegt nicht vor“ wählen."
            )
            issues.append(Issue("warning", "Angabe fehlt", text, *where))
        return _Read(None, STATES[state] if state != COMPLETE else "O")
    if state != COMPLETE:
        text = (
            f"Hier steht eine Zahl, in der letzten Spalte aber „{state}“. Bitte eines von beiden berichtigen."
        )
        issues.append(Issue("refusal", "Widersprüchliche Angabe", text, *where, values.text(value)))
        return None
    try:
        number = values.decimal(value, ",")
    except ValueError:
        text = "Hier wird eine Zahl erwartet. Bitte nur die Zahl eintragen, ohne Zusatz."
        issues.append(Issue("refusal", "Keine Zahl", text, *where, values.text(value)))
        return None
    if round(number, item.decimals) != number:
        allowed = f"höchstens {item.decimals} Nachkommastellen" if item.decimals else "eine ganze Zahl"
        text = f"Hier wird {allowed} erwartet. Bitte berichtigen."
        issues.append(
            Issue(
                "refusal",
                "Keine ganze Zahl" if not item.decimals else "Zu genau",
                text,
                *where,
                values.text(value),
            )
        )
        return None
    if number < item.minimum or (item.maximum is not None and number > item.maximum):
        text = "Die Zahl liegt außerhalb des Möglichen. Bitte prüfen und berichtigen."
        issues.append(Issue("refusal", "Wert außerhalb des Möglichen", text, *where, values.text(value)))
        return None
    return _Read(number, "A")
