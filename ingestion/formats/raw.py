"""A table as it stands in a file, before anything is understood: headers, cells, row numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.formats.base import Issue


@dataclass(frozen=True)
class Encoded:
    """A column as its distinct cells and, per row, which of them (-1: empty).

    Rules then run once per distinct cell, which makes a register of 300,000 rows cheap to translate.
    """

    codes: npt.NDArray[np.int64]
    cells: list[Any]
    """Distinct non-empty cells: text, int, float, bool, datetime."""

    def row_of(self, cell: int) -> int:
        """First position holding a cell."""
        return int(np.argmax(self.codes == cell))

    def count_of(self, cells: Iterable[int]) -> int:
        """Number of rows holding any of the cells."""
        return int(np.isin(self.codes, list(cells)).sum())


def _trimmed(column: pa.ChunkedArray) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(column.combine_chunks())
    return pc.if_else(pc.equal(trimmed, ""), None, trimmed)


def encode_text(column: pa.ChunkedArray) -> Encoded:
    """Encodes a text column; surrounding blanks are dropped, empty texts are empty cells."""
    array = _trimmed(column).dictionary_encode()
    codes = pc.fill_null(array.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return Encoded(codes, array.dictionary.to_pylist())


def encode_cells(cells: Sequence[Any]) -> Encoded:
    """Encodes a list of Python cells; None and blank text are empty."""
    codes = np.full(len(cells), -1, dtype=np.int64)
    seen: dict[tuple[type, Any], int] = {}
    distinct: list[Any] = []
    for position, cell in enumerate(cells):
        value = cell.strip() if isinstance(cell, str) else cell
        if value is None or value == "":
            continue
        key = (type(value), value)
        if key not in seen:
            seen[key] = len(distinct)
            distinct.append(value)
        codes[position] = seen[key]
    return Encoded(codes, distinct)


@dataclass(frozen=True)
class RawTable:
    """Rows of one sheet, query or CSV file under their headers."""

    headers: tuple[str, ...]
    columns: tuple[pa.ChunkedArray | list[Any], ...]
    rows: npt.NDArray[np.int64]
    """1-based row numbers in the file or sheet."""
    sheet: str | None = None
    header_row: int = 1
    notes: tuple[Issue, ...] = ()
    """Warnings of whoever read the file about the table as a whole."""

    def encoded(self, position: int) -> Encoded:
        column = self.columns[position]
        return encode_cells(column) if isinstance(column, list) else encode_text(column)

    def plain_text(self, position: int) -> pa.Array | None:
        """The column as text with empty cells as NULL; None where the cells are not all text already.

        The short way for keys and codes: nothing to translate, so no need to look at the distinct cells.
        """
        column = self.columns[position]
        return None if isinstance(column, list) else _trimmed(column)

    @classmethod
    def joined(cls, pieces: Sequence[RawTable]) -> RawTable:
        """Pieces of one text table, one after the other; at least one."""
        first = pieces[0]
        if len(pieces) == 1:
            return first
        columns = tuple(
            pa.chunked_array([chunk for column in parts for chunk in column.chunks], pa.string())
            for parts in zip(*(piece.columns for piece in pieces), strict=True)
        )
        rows = np.concatenate([piece.rows for piece in pieces])
        return cls(first.headers, columns, rows, first.sheet, first.header_row, first.notes)

    def select(self, keep: npt.NDArray[np.bool_]) -> RawTable:
        """The rows marked in `keep`."""
        chosen: list[pa.ChunkedArray | list[Any]] = [
            [cell for cell, wanted in zip(column, keep, strict=True) if wanted]
            if isinstance(column, list)
            else column.filter(pa.array(keep))
            for column in self.columns
        ]
        return RawTable(self.headers, tuple(chosen), self.rows[keep], self.sheet, self.header_row, self.notes)


def find_header(rows: Sequence[Sequence[Any]], names: Iterable[str]) -> int | None:
    """Position of the row that holds most of the expected names; None where no row holds any.

    Title blocks, notes and empty lines above the header differ from year to year; the names do not.
    """
    wanted = set(names)
    hits = [len(wanted & {str(cell).strip() for cell in row if cell is not None}) for row in rows]
    best = max(hits, default=0)
    # One name alone may also be a word of the title.
    return hits.index(best) if best >= min(2, len(wanted)) and best > 0 else None


def header_issue(
    position: int, agreed: int, rows: Sequence[Sequence[Any]], names: Iterable[str], sheet: str | None
) -> Issue | None:
    """What is to be said about a header found at `position` (0-based) of `rows`; `agreed` is its row (1-based, 0: any).

    Elsewhere than agreed it is read with a warning, unless another row could be the header as well: then nobody knows
    which of two tables is meant.
    """
    wanted = set(names)

    def hits(row: Sequence[Any]) -> int:
        return len(wanted & {str(cell).strip() for cell in row if cell is not None})

    rivals = [
        number
        for number, row in enumerate(rows)
        if number != position and hits(row) >= 2 and 2 * hits(row) > hits(rows[position])
    ]
    if rivals:
        return Issue(
            "refusal",
            "Zwei Tabellen",
            f"Die vereinbarten Spaltennamen stehen in Zeile {position + 1} und noch einmal in Zeile {rivals[0] + 1}. "
            "Bitte je Blatt oder Datei nur eine Tabelle mit einer Kopfzeile liefern.",
            sheet,
            rivals[0] + 1,
        )
    if agreed and position + 1 != agreed:
        return Issue(
            "warning",
            "Kopfzeile verschoben",
            f"Die Kopfzeile steht in Zeile {position + 1} statt in Zeile {agreed}. Gelesen wurde ab dort.",
            sheet,
            position + 1,
        )
    return None
