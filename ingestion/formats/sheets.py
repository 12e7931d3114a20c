"""Sheets of a workbook as rows of plain cells: xlsx, xlsb, ods and the old xls (BIFF8), read by python-calamine.

Belongs here: opening a workbook whatever its age, finding a sheet and a header row, and cells that cannot be trusted
(formulas without a stored result). Not here: what the cells mean. The configured format `workbook` has its own reader
because it streams single sheets of a register; published statistical workbooks are small and read whole.

Source: python-calamine (https://github.com/dimastbk/python-calamine); Office Open XML, ECMA-376 part 1, 18.3.1.40
(element `f`: formula of a cell, `v`: its stored result).
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from python_calamine import CalamineError, CalamineWorkbook

from ingestion.formats.base import Issue
from ingestion.formats.guard_archive import DAMAGE

Row = Sequence[Any]

_FORMULA: Final = re.compile(rb'<c r="([A-Z]+\d+)"[^>]*>(?:(?!</c>).){0,20000}?<f[ >/]', re.DOTALL)
_MAX_HEADER_ROW: Final = 40
"""Title blocks are shorter; a header below that is another table."""


@dataclass(frozen=True)
class Sheet:
    """One sheet: its name and all rows from the first row of the sheet on, so that index + 1 is the row number."""

    name: str
    rows: list[list[Any]]


class SheetError(Exception):
    """A workbook that cannot be used; carries the refusal the supplier reads."""

    def __init__(
        self, rule: str, message: str, *, sheet: str | None = None, value: str | None = None
    ) -> None:
        super().__init__(rule)
        self.issue = Issue("refusal", rule, message, sheet=sheet, value=value)


class Workbook:
    """An opened workbook. Raises `SheetError` with a German refusal for everything that is not one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._book = CalamineWorkbook.from_path(str(path))
            self.names: list[str] = list(self._book.sheet_names)
        except BaseException as error:
            _own(error)
            raise SheetError(
                "Nicht lesbar",
                "Die Datei lässt sich nicht als Arbeitsmappe öffnen. Bitte unverändert als xlsx oder xls liefern, ohne "
                "Kennwort.",
            ) from error

    def sheet(self, name: str) -> Sheet:
        """One sheet by its exact name."""
        try:
            rows = self._book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        except BaseException as error:
            _own(error)
            raise SheetError(
                "Blatt nicht lesbar", f"Das Blatt „{name}“ ist beschädigt. Bitte neu liefern.", sheet=name
            ) from error
        return Sheet(name, rows)

    def find(self, wanted: str, names: Sequence[str]) -> tuple[Sheet, int, list[Issue]]:
        """The sheet called `wanted`, else the only one whose header row holds `names`; with the header's position.

        A renamed sheet is read with a warning because its header says what it is; none or several such sheets are a
        refusal.
        """
        if wanted in self.names:
            sheet = self.sheet(wanted)
            header = header_row(sheet.rows, names)
            if header is None:
                raise missing_header(sheet, names)
            return sheet, header, []
        found = []
        for name in self.names:
            sheet = self.sheet(name)
            header = header_row(sheet.rows, names)
            if header is not None:
                found.append((sheet, header))
        if len(found) != 1:
            shown = ", ".join(f"„{name}“" for name in self.names) or "keine"
            raise SheetError(
                "Blatt fehlt",
                f"Das Blatt „{wanted}“ fehlt. Vorhandene Blätter: {shown}. Bitte den Aufbau nicht verändern.",
                value=wanted,
            )
        sheet, header = found[0]
        message = f"Das Blatt heißt „{sheet.name}“ statt „{wanted}“. Es wurde an seiner Kopfzeile erkannt und gelesen."
        return sheet, header, [Issue("warning", "Blatt umbenannt", message, sheet=sheet.name)]


def _own(error: BaseException) -> None:
    """Raises again what is not the reader's word for a damaged workbook. A fault inside the Rust library arrives as
    `PanicException`, which Python does not count among the exceptions and no `except Exception` would stop."""
    damaged = isinstance(error, CalamineError | OSError | ValueError | zipfile.BadZipFile)
    if not damaged and type(error).__name__ != "PanicException":
        raise error


def label(cell: Any) -> str:
    """A header cell for comparing: one blank between words, no footnote mark, no hyphenation at line ends.

    `Satz-\\nart` and `Satz-art` are `Satzart`; `Bevölkerung2)` is `Bevölkerung`.
    """
    written = re.sub(r"-\s*\n\s*", "", str(cell))
    written = re.sub(r"\s*\d+\)\s*$", "", re.sub(r"\s+", " ", written).strip())
    return re.sub(r"(?<=[a-zäöüß])-\s?(?=[a-zäöüß])", "", written)


def header_row(rows: Sequence[Row], names: Sequence[str]) -> int | None:
    """Position of the first row (of the first 40) that holds all the names; None where there is none."""
    wanted = set(names)
    for position, row in enumerate(rows[:_MAX_HEADER_ROW]):
        if wanted <= {label(cell) for cell in row if cell not in ("", None)}:
            return position
    return None


def missing_header(sheet: Sheet, names: Sequence[str]) -> SheetError:
    """The refusal of a sheet without the expected header row."""
    shown = ", ".join(f"„{name}“" for name in names)
    return SheetError(
        "Kopfzeile fehlt",
        f"Im Blatt „{sheet.name}“ fehlt die Zeile mit den Überschriften {shown}. Bitte die Datei unverändert liefern.",
        sheet=sheet.name,
    )


def moved_header(sheet: Sheet, found: int, expected: int) -> list[Issue]:
    """A warning where the header stands in another row than agreed (both 0-based)."""
    if found == expected:
        return []
    message = (
        f"Die Kopfzeile steht in Zeile {found + 1} statt in Zeile {expected + 1}. Gelesen wurde ab dort."
    )
    return [Issue("warning", "Kopfzeile verschoben", message, sheet=sheet.name, row=found + 1)]


def formula_issues(path: Path) -> list[Issue]:
    """A refusal where sheets of an xlsx hold formulas: their stored results may be old or absent.

    Statistical offices deliver values; a formula means that somebody worked in the file. xls files store the result
    with the formula and are read with it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if not re.fullmatch(r"xl/worksheets/[^/]+\.xml", name):
                    continue
                content = archive.read(name)
                if b"<f>" not in content and b"<f " not in content and b"<f/>" not in content:
                    continue
                first = _FORMULA.search(content)
                count = len(re.findall(rb"<f[ >/]", content))
                message = (
                    f"Die Datei enthält {count} Zellen mit Formeln statt Werten. Bitte die Zellen als Werte einfügen "
                    "und neu liefern."
                )
                cell = first[1].decode() if first else None
                return [Issue("refusal", "Formel statt Wert", message, value=cell)]
    except DAMAGE:
        return []  # not an xlsx, or damaged: opening it says so
    return []


def cell(row: Row, position: int | None) -> Any:
    """A cell of a row that may be shorter than its header; empty text where there is none."""
    return row[position] if position is not None and position < len(row) else ""
