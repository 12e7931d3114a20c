"""Excel workbooks (xlsx): sheets with title blocks, a header somewhere above the data, total rows and foot notes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Final
from xml.etree.ElementTree import ParseError

import numpy as np
import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from ingestion.formats import values
from ingestion.formats.base import Issue, ParsedDelivery
from ingestion.formats.guard_archive import DAMAGE
from ingestion.formats.raw import RawTable, find_header, header_issue
from ingestion.formats.reading import expected_headers
from ingestion.formats.sheet_audit import SheetAudit, audit, formula_issues, merged_issue
from ingestion.formats.spec import Part, TabularOptions
from ingestion.formats.tabular import parse_tabular
from lagebild.instance import SourceConfig

HEAD_ROWS: Final = 30


@dataclass(frozen=True)
class SheetCells:
    """All cells of a sheet as values, and what the values do not show."""

    rows: list[tuple[Any, ...]]
    audit: SheetAudit


Sheets = Mapping[str, SheetCells]
"""A workbook by sheet."""


class WorkbookAdapter:
    """`format: workbook`; options: `ingestion.formats.spec.TabularOptions`, each part names its sheet."""

    name: ClassVar[str] = "workbook"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        sheets = read_sheets(path)
        if isinstance(sheets, Issue):
            return ParsedDelivery(issues=(sheets,))

        def read(part: Part, _: TabularOptions) -> RawTable | Issue | list[Issue]:
            absent = part.sheet not in sheets and part.table in source.optional_tables
            return [] if absent else read_sheet(sheets, part)

        return parse_tabular(path, source, read)


def read_sheets(path: Path) -> Sheets | Issue:
    """All sheets' cells (values, not formulas)."""
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (*DAMAGE, InvalidFileException, KeyError, ParseError, TypeError):
        return _damaged()
    audited = audit(path)
    try:
        return {
            sheet.title: SheetCells(
                list(sheet.iter_rows(values_only=True)), audited.get(sheet.title, SheetAudit())
            )
            for sheet in book.worksheets
        }
    except (*DAMAGE, KeyError, ParseError, TypeError):
        return _damaged()
    finally:
        book.close()


def _damaged() -> Issue:
    return Issue(
        "refusal",
        "Keine Excel-Datei",
        "Die Datei lässt sich nicht als Excel-Arbeitsmappe (xlsx) öffnen. Bitte prüfen und neu liefern.",
    )


def read_sheet(sheets: Sheets, part: Part, until_empty_row: bool = False) -> RawTable | Issue | list[Issue]:
    """The raw table of a part's sheet. Empty rows are left out; `until_empty_row` ends the table at the first one."""
    if part.sheet not in sheets:
        return Issue(
            "refusal",
            "Tabellenblatt fehlt",
            f"Das Tabellenblatt „{part.sheet}“ fehlt. Vorhanden sind: {', '.join(sheets)}. "
            "Bitte ergänzen oder umbenennen.",
            sheet=part.sheet,
        )
    rows = sheets[part.sheet].rows
    expected = expected_headers(part)
    names = [name for header, more in expected.items() for name in (header, *more)]
    position = find_header(rows[:HEAD_ROWS], names)
    if position is None:
        return Issue(
            "refusal",
            "Kopfzeile nicht gefunden",
            f"Keine der ersten {HEAD_ROWS} Zeilen enthält die vereinbarten Spaltennamen ({', '.join(expected)}).",
            sheet=part.sheet,
        )
    width = max((number + 1 for number, cell in enumerate(rows[position]) if not _blank(cell)), default=0)
    headers = tuple("" if _blank(cell) else str(cell).strip() for cell in rows[position][:width])
    about_header = header_issue(position, part.header_row, rows, names, part.sheet)
    if about_header is not None and about_header.severity == "refusal":
        return about_header
    data: list[tuple[Any, ...]] = []
    numbers: list[int] = []
    end = len(rows)
    for number, row in enumerate(rows[position + 1 :], start=position + 2):
        if all(_blank(cell) for cell in row):
            if until_empty_row and data:
                end = number - 1
                break
            continue
        data.append((*row, *[None] * width)[:width])
        numbers.append(number)
    columns = (
        tuple(list(column) for column in zip(*data, strict=True)) if data else tuple([] for _ in headers)
    )
    found = [
        *([about_header] if about_header else []),
        *_hidden_faults(sheets[part.sheet], part, headers, names, range(position + 2, end + 1)),
    ]
    refusals = [issue for issue in found if issue.severity == "refusal"]
    if refusals:
        return refusals
    raw = RawTable(headers, columns, np.array(numbers, dtype=np.int64), part.sheet, position + 1)
    return replace(raw, notes=tuple(found))


def _hidden_faults(
    sheet: SheetCells, part: Part, headers: tuple[str, ...], names: list[str], rows: range
) -> Iterator[Issue]:
    """Formulas and merged cells in the rows and columns that are read; numbers are 1-based."""
    columns = {number: header for number, header in enumerate(headers, start=1) if header in names}
    without = {
        number
        for number in rows
        for row_filter in part.skip_rows
        if row_filter.header in headers
        and re.fullmatch(
            row_filter.match,
            values.text(
                (*sheet.rows[number - 1], *[""] * len(headers))[headers.index(row_filter.header)] or ""
            ),
        )
    }
    if not columns:
        return
    yield from formula_issues(sheet.audit, part.sheet, rows, columns, without)
    if issue := merged_issue(sheet.audit, part.sheet, rows, columns, without):
        yield issue


def _blank(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())
