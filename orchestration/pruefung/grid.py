"""Files as grids of cells: CSV in any encoding and delimiter, workbooks sheet by sheet; and what one cell says.

Belongs here: opening, and the signs of German tables. Does not belong here: which cells are headers (`layout`).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal

from ingestion.formats.detect import decimal_of, delimiter_of, encoding_of
from ingestion.formats.sheets import SheetError, Workbook
from ingestion.formats.signs import NOTHING
from orchestration.pruefung.published import Unreadable

HIDDEN_SIGNS: Final = (".", "*", "x", "X", "/", "•", "(*)", "[*]")
MISSING_SIGNS: Final = ("...", "…", "k. A.", "k.A.", "n. v.", "NA")
_BELOW: Final = re.compile(r"(?:<|weniger als)\s*(\d+)", re.IGNORECASE)
_FOOTNOTE: Final = re.compile(r"(?:(?<![\d(])\s*(?<!\d)\d\)|\s*\*+\)|\s*[¹²³⁴⁵])+$")


class Kind(Enum):
    """What a cell is."""

    EMPTY = "leer"
    NUMBER = "Zahl"
    PERCENT = "Prozentangabe"
    HIDDEN = "gesperrt"
    MISSING = "fehlt"
    TEXT = "Text"


@dataclass(frozen=True)
class Cell:
    """One cell as read."""

    kind: Kind
    text: str
    value: Decimal | None = None
    below: int | None = None
    """`<4` says that the hidden value is below 4."""
    decimals: int = 0
    indent: int = 0

    @property
    def is_figure(self) -> bool:
        return self.kind in (Kind.NUMBER, Kind.PERCENT, Kind.HIDDEN, Kind.MISSING)


@dataclass(frozen=True)
class Grid:
    """One sheet. Rows and columns are counted from 0; `place` says it as the reader sees it."""

    name: str
    cells: tuple[tuple[Cell, ...], ...]
    is_sheet: bool

    @property
    def width(self) -> int:
        return max((len(row) for row in self.cells), default=0)

    def at(self, row: int, column: int) -> Cell:
        line = self.cells[row]
        return line[column] if column < len(line) else _EMPTY

    def place(self, row: int, column: int) -> str:
        if self.is_sheet:
            return f"Blatt »{self.name}«, Zelle {letters(column)}{row + 1}"
        return f"Zeile {row + 1}, Spalte {column + 1}"


_EMPTY: Final = Cell(Kind.EMPTY, "")


def letters(column: int) -> str:
    """0 → A, 25 → Z, 26 → AA: how spreadsheets name their columns."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def read_grids(
    path: Path,
    sheet: str | None = None,
    hidden: Collection[str] = HIDDEN_SIGNS,
    nothing: Collection[str] = tuple(NOTHING),
    missing: Collection[str] = MISSING_SIGNS,
) -> list[Grid]:
    """All sheets of a file (or the named one) that hold anything. Raises Unreadable."""
    if not path.is_file():
        raise Unreadable(f"Die Datei {path} gibt es nicht.")
    named = _text_rows(path) if path.suffix.lower() in (".csv", ".txt", ".tsv") else _sheet_rows(path, sheet)
    grids = []
    for name, rows, is_sheet in named:
        sign = decimal_of(cell for row in rows for cell in row if isinstance(cell, str))
        comma: Literal[",", "."] = "." if sign == "." else ","
        cells = tuple(tuple(_read(cell, comma, hidden, nothing, missing) for cell in row) for row in rows)
        if any(cell.kind is not Kind.EMPTY for row in cells for cell in row):
            grids.append(Grid(name, cells, is_sheet))
    if not grids:
        raise Unreadable(f"{path.name}: Die Datei enthält keine Tabelle.")
    return grids


def _text_rows(path: Path) -> list[tuple[str, list[list[Any]], bool]]:
    content = path.read_bytes()
    encoding = encoding_of(content)
    if encoding is None:
        raise Unreadable(f"{path.name}: Die Datei enthält keinen lesbaren Text.")
    text = content.decode({"ascii": "utf-8", "utf-8": "utf-8-sig"}.get(encoding, encoding))
    delimiter = delimiter_of(text)
    if delimiter is None:
        raise Unreadable(
            f"{path.name}: Es ist kein Trennzeichen zu erkennen (Semikolon, Komma oder Tabulator)."
        )
    try:
        rows: list[list[Any]] = list(csv.reader(text.splitlines(), delimiter=delimiter))
    except csv.Error as error:
        raise Unreadable(f"{path.name}: Die Anführungszeichen gehen nicht auf.") from error
    return [(path.name, rows, False)]


def _sheet_rows(path: Path, wanted: str | None) -> list[tuple[str, list[list[Any]], bool]]:
    try:
        book = Workbook(path)
        if wanted is not None and wanted not in book.names:
            shown = ", ".join(f"»{name}«" for name in book.names)
            raise Unreadable(f"{path.name}: Das Blatt »{wanted}« gibt es nicht. Vorhanden: {shown}.")
        return [(name, book.sheet(name).rows, True) for name in book.names if wanted in (None, name)]
    except SheetError as error:
        where = f"Blatt »{error.issue.sheet}«: " if error.issue.sheet else ""
        raise Unreadable(f"{path.name}: {where}{error.issue.message}") from error


def _read(
    written: Any,
    comma: Literal[",", "."],
    hidden: Collection[str],
    nothing: Collection[str],
    missing: Collection[str],
) -> Cell:
    if written is None or written == "":
        return Cell(Kind.HIDDEN, "") if "" in hidden else _EMPTY
    if isinstance(written, bool):
        return Cell(Kind.TEXT, str(written))
    if isinstance(written, int | float):
        value = Decimal(repr(written)).normalize()
        return Cell(Kind.NUMBER, format(value, "f"), value, decimals=_decimals(value))
    text = re.sub(r"[\s\u00a0\u202f]+", " ", str(written)).strip()
    indent = len(str(written)) - len(str(written).lstrip(" \u00a0\t"))
    if not text:
        return Cell(Kind.HIDDEN, "") if "" in hidden else _EMPTY
    if text in hidden:
        return Cell(Kind.HIDDEN, text)
    if text in nothing:
        return Cell(Kind.NUMBER, text, Decimal(0))
    if text in missing:
        return Cell(Kind.MISSING, text)
    below = _BELOW.fullmatch(text)
    if below:
        return Cell(Kind.HIDDEN, text, below=int(below[1]))
    is_percent = text.endswith("%")
    value_or_none = _number(text.rstrip("% "), comma)
    if value_or_none is None:
        return Cell(Kind.TEXT, text, indent=indent)
    places = text.rstrip("% ").rpartition(comma)[2] if comma in text else ""
    return Cell(
        Kind.PERCENT if is_percent else Kind.NUMBER, text, value_or_none, decimals=len(places), indent=indent
    )


def _number(text: str, comma: Literal[",", "."]) -> Decimal | None:
    plain = text.replace(" ", "").replace("\u2212", "-")
    group = "." if comma == "," else ","
    if re.fullmatch(rf"[+-]?\d{{1,3}}(\{group}\d{{3}})+(\{comma}\d+)?", plain):
        plain = plain.replace(group, "")
    if not re.fullmatch(rf"[+-]?\d+(\{comma}\d+)?", plain):
        return None
    try:
        return Decimal(plain.replace(",", "."))
    except InvalidOperation:
        return None


def _decimals(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def clean(text: str) -> str:
    """A label without footnote marks."""
    return _FOOTNOTE.sub("", text).strip()
