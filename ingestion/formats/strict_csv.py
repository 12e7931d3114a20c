"""A CSV file whose layout is fixed: read whole, or refused with the reason. For adapters that know their columns.

Belongs here: encoding, header, number of fields per row, numbers. Not here: what the columns mean.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from math import isfinite
from pathlib import Path

from ingestion.formats.base import Issue
from ingestion.formats.detect import Agreed, decode

Record = tuple[int, dict[str, str]]
"""Line in the file (the header is 1) and its fields."""

_AGREED = Agreed(encoding="utf-8", delimiter=None, decimal=None)
_SHOWN = 20
"""Rows named one by one; a file with more faults is not read to its end by anybody."""


class CsvRefused(Exception):
    """The file cannot be read as agreed; `issues` say why."""

    def __init__(self, *issues: Issue) -> None:
        super().__init__("; ".join(issue.rule for issue in issues))
        self.issues = issues


def read_records(path: Path, wanted: Iterable[str]) -> list[Record]:
    """All rows of a UTF-8 file with commas that has at least the columns `wanted`.

    Raises `CsvRefused` for another encoding, absent columns and rows with more or fewer fields than the header.
    """
    text = decode(path.read_bytes(), _AGREED)
    if isinstance(text, Issue):
        raise CsvRefused(text)
    try:
        lines = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))
    except csv.Error:
        raise CsvRefused(
            Issue("refusal", "Datei beschädigt", "Die Anführungszeichen der Datei passen nicht zueinander.")
        ) from None
    header = lines[0] if lines else []
    missing = [name for name in wanted if name not in header]
    if missing:
        raise CsvRefused(Issue("refusal", "Spalte fehlt", f"Es fehlen die Spalten {', '.join(missing)}."))
    found = [(number, line) for number, line in enumerate(lines[1:], start=2) if line]
    torn = [number for number, line in found if len(line) != len(header)]
    if torn:
        message = f"Die Zeile hat nicht die {len(header)} Felder der Kopfzeile."
        raise CsvRefused(
            *(Issue("refusal", "Zeile unvollständig", message, row=row) for row in torn[:_SHOWN])
        )
    return [(number, dict(zip(header, line, strict=True))) for number, line in found]


def numbers(records: Sequence[Record], column: str) -> list[float]:
    """The figures of a column, in the order of the rows. Raises `CsvRefused` naming every row without one."""
    found: list[float] = []
    wrong: list[Issue] = []
    for row, record in records:
        try:
            value = float(record[column])
        except ValueError:
            value = float("nan")
        if isfinite(value):
            found.append(value)
        else:
            message = "Der Wert ist keine Zahl."
            wrong.append(
                Issue("refusal", "Keine Zahl", message, row=row, column=column, value=record[column])
            )
    if wrong:
        raise CsvRefused(*wrong[:_SHOWN])
    return found


__all__ = ["CsvRefused", "Record", "numbers", "read_records"]
