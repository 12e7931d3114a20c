"""Writes a form as a workbook: locked structure, entry cells with validation, last year's values beside them.

No macros, nothing hidden: the sheet with the form's identity is to be seen and only locked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from openpyxl import Workbook
from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
from openpyxl.utils import get_column_letter
from openpyxl.workbook.protection import WorkbookProtection
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties

from ingestion.datenbogen.model import (
    COMPLETE,
    ENTRY_SHEET,
    FIRST_ROW,
    GUIDE_SHEET,
    HEADER_ROW,
    ID_SHEET,
    STATES,
    Form,
    FormField,
)
from lagebild.instance import SourceConfig
from lagebild.spreadsheet import set_text

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

_ENTRY: Final = PatternFill("solid", fgColor="FFFBE0")
_FIXED: Final = PatternFill("solid", fgColor="F1F1F1")
_EMPTY: Final = PatternFill("solid", bgColor="FFD9A8")
_LINE: Final = Side(style="thin", color="9A9A9A")
_BOX: Final = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)

EntryKey = tuple[str, int]
"""Area code, number of the field."""


def build_form(
    form: Form,
    source: SourceConfig,
    previous: Mapping[EntryKey, float],
    filled: Mapping[EntryKey, float] | None = None,
    states: Mapping[str, str] | None = None,
) -> Workbook:
    """The workbook of a form. `previous`: values of the year before; `filled` and `states`: entries already made."""
    book = Workbook()
    guide = book.active
    assert guide is not None
    guide.title = GUIDE_SHEET
    _guide(guide, form, source)
    _entries(book.create_sheet(ENTRY_SHEET), form, previous, filled or {}, states or {})
    _identity(book.create_sheet(ID_SHEET), form)
    book.security = WorkbookProtection(lockStructure=True)
    book.active = 1
    return book


def _guide(sheet: Worksheet, form: Form, source: SourceConfig) -> None:
    sheet.column_dimensions["A"].width = 110
    example = "1.234,5" if any(item.decimals for item in form.options.fields) else "1234"
    lines = [
        f"Datenbogen: {source.label}",
        f"Für {form.kommune_name}, Berichtsjahr {form.year}",
        "",
        f"1. Bitte füllen Sie im Blatt „{ENTRY_SHEET}“ nur die gelben Felder aus. Alles andere ist gesperrt.",
        f"2. Tragen Sie Zahlen ein, keine Formeln und keinen Text (Beispiel: {example}). Null ist eine Angabe: Gibt es "
        "etwas nicht, tragen Sie bitte 0 ein.",
        "3. Fehlt Ihnen eine Angabe, wählen Sie in der letzten Spalte „liegt nicht vor“; kommt sie für das Gebiet "
        "nicht in Frage, „trifft nicht zu“. Das Feld bleibt dann leer.",
        f"4. Neben jedem Feld steht Ihre Angabe für {form.year - 1} zum Vergleich.",
        "5. Orange Felder sind noch leer.",
        "6. Bitte schicken Sie die Datei unter demselben Namen als Excel-Arbeitsmappe (.xlsx) zurück, keine Kopie der "
        "Tabelle und kein PDF. Zeilen, Spalten und Blätter dürfen nicht verändert werden.",
        *(f"• {note}" for note in form.options.notes),
        "",
        f"Rechtsgrundlage: {source.legal_basis}",
        f"Fragen: {source.supplier}, {source.contact}",
    ]
    for number, line in enumerate(lines, start=1):
        cell = sheet.cell(number, 1)
        set_text(cell, line)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        if number <= 2:
            cell.font = Font(bold=True, size=14 if number == 1 else 12)
    _lock(sheet)


def _entries(
    sheet: Worksheet,
    form: Form,
    previous: Mapping[EntryKey, float],
    filled: Mapping[EntryKey, float],
    states: Mapping[str, str],
) -> None:
    set_text(sheet.cell(1, 1), f"{form.kommune_name}, {form.year}")
    sheet.cell(1, 1).font = Font(bold=True, size=14)
    set_text(sheet.cell(2, 1), "Bitte nur die gelben Felder ausfüllen. Null ist eine Angabe.")
    for column, header in enumerate(form.headers(), start=1):
        cell = sheet.cell(HEADER_ROW, column)
        set_text(cell, header)
        cell.font = Font(bold=True)
        cell.fill, cell.border = _FIXED, _BOX
        cell.alignment = Alignment(wrap_text=True, vertical="center")
    last_row = FIRST_ROW + len(form.areas) - 1
    last_column = len(form.headers())
    for row, (code, name) in enumerate(form.areas, start=FIRST_ROW):
        _fixed(sheet, row, 1, code)
        _fixed(sheet, row, 2, name)
        for number, item in enumerate(form.options.fields):
            entry = sheet.cell(row, 3 + 2 * number)
            entry.value = filled.get((code, number))
            _open(entry, item.decimals)
            _fixed(sheet, row, 4 + 2 * number, previous.get((code, number)))
            sheet.cell(row, 4 + 2 * number).number_format = _number_format(item.decimals)
        state = sheet.cell(row, last_column)
        set_text(state, states.get(code, COMPLETE))
        _open(state, 0)
    for number, item in enumerate(form.options.fields):
        entry_column = get_column_letter(3 + 2 * number)
        span = f"{entry_column}{FIRST_ROW}:{entry_column}{last_row}"
        validation = _validation(item)
        validation.add(span)
        sheet.add_data_validation(validation)
        state_column = get_column_letter(last_column)
        missing = FormulaRule(  # type: ignore[no-untyped-call]
            formula=[f'AND(ISBLANK({entry_column}{FIRST_ROW}),${state_column}{FIRST_ROW}="{COMPLETE}")'],
            fill=_EMPTY,
        )
        sheet.conditional_formatting.add(span, missing)
    choice = DataValidation(type="list", formula1=f'"{",".join(STATES)}"', allow_blank=False)
    choice.errorTitle, choice.error = "Auswahl", "Bitte einen Eintrag der Liste wählen."
    choice.promptTitle, choice.prompt = "Liegt die Angabe vor?", "Bitte wählen: " + ", ".join(STATES) + "."
    choice.showErrorMessage = choice.showInputMessage = True
    letter = get_column_letter(last_column)
    choice.add(f"{letter}{FIRST_ROW}:{letter}{last_row}")
    sheet.add_data_validation(choice)
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 14, 30
    for column_number in range(3, last_column + 1):
        sheet.column_dimensions[get_column_letter(column_number)].width = 18
    sheet.row_dimensions[HEADER_ROW].height = 48
    sheet.freeze_panes = sheet.cell(FIRST_ROW, 3).coordinate
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_title_rows = f"{HEADER_ROW}:{HEADER_ROW}"
    _lock(sheet)


def _validation(item: FormField) -> DataValidation:
    words = (
        f"eine Zahl mit höchstens {item.decimals} Nachkommastellen" if item.decimals else "eine ganze Zahl"
    )
    low, high = _plain(item.minimum), None if item.maximum is None else _plain(item.maximum)
    span = f"ab {low}" if high is None else f"von {low} bis {high}"
    validation = DataValidation(
        type="decimal" if item.decimals else "whole",
        operator="greaterThanOrEqual" if high is None else "between",
        formula1=low,
        formula2=high,
        allow_blank=True,
    )
    validation.errorTitle, validation.error = "Eingabe prüfen", f"Bitte {words} {span} eintragen."
    validation.promptTitle = item.label[:32]
    validation.prompt = (item.hint or f"Bitte {words} eintragen; 0, wenn es nichts gibt.")[:255]
    validation.showErrorMessage = validation.showInputMessage = True
    return validation


def _identity(sheet: Worksheet, form: Form) -> None:
    set_text(sheet.cell(1, 1), "Kennung dieses Datenbogens – bitte nicht verändern")
    sheet.cell(1, 1).font = Font(bold=True)
    for row, (name, value) in enumerate(form.identity().items(), start=2):
        set_text(sheet.cell(row, 1), name)
        set_text(sheet.cell(row, 2), value)
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 20, 40
    _lock(sheet)


def _fixed(sheet: Worksheet, row: int, column: int, value: Any) -> None:
    cell = sheet.cell(row, column)
    set_text(cell, value)
    cell.fill, cell.border = _FIXED, _BOX


def _open(cell: Any, decimals: int) -> None:
    cell.protection = Protection(locked=False)
    cell.fill, cell.border = _ENTRY, _BOX
    cell.number_format = _number_format(decimals)


def _number_format(decimals: int) -> str:
    return "#,##0" + ("." + "0" * decimals if decimals else "")


def _plain(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else str(value)


def _lock(sheet: Worksheet) -> None:
    # Without a password: the lock prevents mistakes, the structure hash finds what was changed all the same.
    sheet.protection.sheet = True
    sheet.protection.formatColumns = False
    sheet.protection.formatRows = False
