"""What the values of an xlsx do not show: cells that are formulas, and cells that are merged.

Belongs here: finding them in the file, and the words for the supplier. Not here: where a table's data begin and which
of its columns are read – that is the reader's, who hands in the area of his table.

Entities cannot blow up here: the guard refuses workbooks that declare any before this reads them.

Source: ECMA-376 part 1, 18.3.1.40 (`f`: formula, `v`: its stored result), 18.3.1.55 (`mergeCell`).
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final
from xml.etree.ElementTree import ParseError, iterparse
from xml.etree.ElementTree import parse as parse_xml

from openpyxl.utils import get_column_letter
from openpyxl.utils.cell import coordinate_to_tuple, range_boundaries

from ingestion.formats.base import Issue
from ingestion.formats.guard_archive import DAMAGE

_RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@dataclass(frozen=True)
class Formula:
    """A cell with a formula; row and column are 1-based."""

    row: int
    column: int
    stored: bool
    """The file holds a result for it."""

    @property
    def cell(self) -> str:
        return f"{get_column_letter(self.column)}{self.row}"


@dataclass(frozen=True)
class Merged:
    """A rectangle of merged cells, 1-based, both ends included."""

    first_row: int
    last_row: int
    first_column: int
    last_column: int

    def __str__(self) -> str:
        return (
            f"{get_column_letter(self.first_column)}{self.first_row}:"
            f"{get_column_letter(self.last_column)}{self.last_row}"
        )


@dataclass(frozen=True)
class SheetAudit:
    """One sheet's formulas and merged cells, in the order of the file."""

    formulas: tuple[Formula, ...] = ()
    merged: tuple[Merged, ...] = ()


def audit(path: Path) -> Mapping[str, SheetAudit]:
    """Findings per sheet title; nothing for a file that is no sound xlsx (opening it says so)."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = {}
            for title, member in _members(archive):
                with archive.open(member) as stream:
                    found[title] = _sheet(stream)
            return found
    except (*DAMAGE, KeyError, ParseError):
        return {}


def _members(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Title and member of every sheet."""
    relations = parse_xml(archive.open("xl/_rels/workbook.xml.rels")).getroot()  # noqa: S314 - see above
    targets = {item.get("Id"): item.get("Target", "") for item in relations}
    for item in parse_xml(archive.open("xl/workbook.xml")).getroot().iter():  # noqa: S314 - see above
        if _local(item.tag) != "sheet":
            continue
        target = targets.get(item.get(_RELATION), "")
        member = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
        if member in archive.namelist() and "worksheets" in member:
            yield item.get("name", ""), member


def _sheet(stream: IO[bytes]) -> SheetAudit:
    formulas: list[Formula] = []
    merged: list[Merged] = []
    is_formula, stored = False, False
    row = column = 0
    for event, item in iterparse(stream, events=("start", "end")):  # noqa: S314 - see above
        name = _local(item.tag)
        if event == "start":
            if name == "row":
                # Both numbers may be left out; they then go on counting.
                row, column = int(item.get("r") or row + 1), 0
            continue
        if name == "f":
            is_formula = True
        elif name == "v":
            stored = bool(item.text)
        elif name == "c":
            place = item.get("r")
            column = coordinate_to_tuple(place)[1] if place else column + 1
            if is_formula:
                formulas.append(Formula(row, column, stored))
            is_formula, stored = False, False
        elif name == "mergeCell":
            left, top, right, bottom = range_boundaries(item.get("ref", ""))
            if left is not None and top is not None and right is not None and bottom is not None:
                merged.append(Merged(top, bottom, left, right))
        elif name == "row":
            item.clear()
    return SheetAudit(tuple(formulas), tuple(merged))


def formula_issues(
    found: SheetAudit, sheet: str, rows: range, columns: Mapping[int, str], without: Collection[int] = ()
) -> Iterator[Issue]:
    """Formulas in the data: one without a result is a refusal, those with one are counted in a warning.

    `rows` and `columns` (with their headers) are what is read, 1-based; `without` are rows among them that are not.
    """
    hits = [
        item
        for item in found.formulas
        if item.row in rows and item.column in columns and item.row not in without
    ]
    absent = [item for item in hits if not item.stored]
    if absent:
        yield Issue(
            "refusal",
            "Formel ohne Ergebnis",
            f"In {_cells(len(absent))} steht eine Formel, deren Ergebnis nicht in der Datei gespeichert ist (zuerst "
            f"{absent[0].cell}). Bitte die Werte einfügen (Kopieren, „Nur Werte einfügen“) und neu liefern.",
            sheet,
            absent[0].row,
            columns[absent[0].column],
            absent[0].cell,
        )
    elif hits:
        yield Issue(
            "warning",
            "Formel statt Wert",
            f"In {_cells(len(hits))} steht eine Formel (zuerst {hits[0].cell}). Gelesen wurde ihr gespeichertes "
            "Ergebnis; bitte künftig Werte liefern.",
            sheet,
            hits[0].row,
            columns[hits[0].column],
            hits[0].cell,
        )


def merged_issue(
    found: SheetAudit, sheet: str, rows: range, columns: Mapping[int, str], without: Collection[int] = ()
) -> Issue | None:
    """A refusal where cells of the data are merged over several rows or columns that are read.

    Only the first of merged cells holds a value: for the others the file does not say what they mean. A merged line
    that is one text over all columns (a note below the table) is none of the data.
    """
    hits = [
        item
        for item in found.merged
        if item.first_row < rows.stop
        and item.last_row >= rows.start
        and any(item.first_column <= number <= item.last_column for number in columns)
        and not all(row in without for row in range(item.first_row, item.last_row + 1))
        and not (
            item.first_row == item.last_row
            and item.first_column <= min(columns)
            and item.last_column >= max(columns)
        )
    ]
    if not hits:
        return None
    first = next(number for number in columns if hits[0].first_column <= number <= hits[0].last_column)
    return Issue(
        "refusal",
        "Verbundene Zellen",
        f"Im Datenbereich sind Zellen verbunden ({len(hits)} Mal, zuerst {hits[0]}); nur die erste davon enthält einen "
        "Wert. Bitte die Verbindung aufheben, jede Zelle ausfüllen und neu liefern.",
        sheet,
        max(hits[0].first_row, rows.start),
        columns[first],
        str(hits[0]),
    )


def _cells(count: int) -> str:
    return "einer Zelle" if count == 1 else f"{count} Zellen"


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
