"""Excel workbooks (xlsx): sheets with title blocks, a header somewhere above the data, total rows and foot notes."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from ingestion.formats.base import Issue, ParsedDelivery
from ingestion.formats.raw import RawTable, find_header
from ingestion.formats.reading import expected_headers
from ingestion.formats.spec import Part
from ingestion.formats.tabular import parse_tabular
from lagebild.instance import SourceConfig

HEAD_ROWS: Final = 30

Sheets = Mapping[str, list[tuple[Any, ...]]]
"""All cells of a workbook, by sheet."""


class WorkbookAdapter:
    """`format: workbook`; options: `ingestion.formats.spec.TabularOptions`, each part names its sheet."""

    name: ClassVar[str] = "workbook"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        sheets = read_sheets(path)
        if isinstance(sheets, Issue):
            return ParsedDelivery(issues=(sheets,))
        return parse_tabular(path, source, lambda part, _: read_sheet(sheets, part))


def read_sheets(path: Path) -> Sheets | Issue:
    """All sheets' cells (values, not formulas)."""
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError):
        return Issue(
            "refusal",
            "Keine Excel-Datei",
            "Die Datei lässt sich nicht als Excel-Arbeitsmappe (xlsx) öffnen. Bitte prüfen und neu liefern.",
        )
    try:
        return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}
    finally:
        book.close()


def read_sheet(sheets: Sheets, part: Part, until_empty_row: bool = False) -> RawTable | Issue:
    """The raw table of a part's sheet. Empty rows are left out; `until_empty_row` ends the table at the first one."""
    if part.sheet not in sheets:
        return Issue(
            "refusal",
            "Tabellenblatt fehlt",
            f"Das Tabellenblatt „{part.sheet}“ fehlt. Vorhanden sind: {', '.join(sheets)}. "
            "Bitte ergänzen oder umbenennen.",
            sheet=part.sheet,
        )
    rows = sheets[part.sheet]
    expected = expected_headers(part)
    position = find_header(
        rows[:HEAD_ROWS], [name for header, more in expected.items() for name in (header, *more)]
    )
    if position is None:
        return Issue(
            "refusal",
            "Kopfzeile nicht gefunden",
            f"Keine der ersten {HEAD_ROWS} Zeilen enthält die vereinbarten Spaltennamen ({', '.join(expected)}).",
            sheet=part.sheet,
        )
    width = max((number + 1 for number, cell in enumerate(rows[position]) if not _blank(cell)), default=0)
    headers = tuple("" if _blank(cell) else str(cell).strip() for cell in rows[position][:width])
    data: list[tuple[Any, ...]] = []
    numbers: list[int] = []
    for number, row in enumerate(rows[position + 1 :], start=position + 2):
        if all(_blank(cell) for cell in row):
            if until_empty_row and data:
                break
            continue
        data.append((*row, *[None] * width)[:width])
        numbers.append(number)
    columns = (
        tuple(list(column) for column in zip(*data, strict=True)) if data else tuple([] for _ in headers)
    )
    return RawTable(headers, columns, np.array(numbers, dtype=np.int64), part.sheet, position + 1)


def _blank(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())
