"""What an Excel file carries beside figures: macros, passwords, embedded objects, links, and sheets that are too large.

Belongs here: the inspection of xlsx and xls before a reader opens them. Not here: formulas and merged cells of the data
(`ingestion.formats.sheet_audit`), and what the figures mean.

A reader lays out a sheet as a rectangle up to its last cell, so one cell in the last corner would take hundreds of
gigabytes: the rectangle is measured first.

Sources: ECMA-376 part 1, 18.3.1 (worksheet), [MS-OFFMACRO2] (vbaProject, macrosheets), [MS-XLS] 2.4.117 (FILEPASS),
2.4.28 (BoundSheet8), 2.5.13 (Cell), [MS-OFFCRYPTO] 2.3 (EncryptedPackage).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ingestion.formats.base import Issue
from ingestion.formats.compound import CompoundFile
from ingestion.formats.guard_archive import archive_issue, damaged, password

MAX_CELLS: Final = 10_000_000
"""Cells of the rectangle of one sheet."""

_MACROS: Final = ("vbaproject.bin", "/macrosheets/", "/dialogsheets/", "vbadata.xml")
_OBJECTS: Final = ("/embeddings/", "/activex/", "/ctrlprops/")
_OUTSIDE: Final = ("/externallinks/",)
_CELL: Final = re.compile(rb"""<(?:\w+:)?c\s[^<>]*?\br=["']([A-Z]{1,3})\d""")
_ROW: Final = re.compile(rb"""<(?:\w+:)?(?:row\s[^<>]*?\br=["']|c\s[^<>]*?\br=["'][A-Z]{1,3})(\d{1,9})""")
_OVERLAP: Final = 512
"""Bytes of a piece looked at again with the next: a tag may lie across the border."""

_BIFF_CELLS: Final = {0x0006, 0x00BD, 0x00BE, 0x00D6, 0x00FD, 0x0201, 0x0203, 0x0204, 0x0205, 0x027E}
_BOF, _FILEPASS, _BOUNDSHEET = 0x0809, 0x002F, 0x0085


@dataclass
class _Watch:
    """Looks at the members of an xlsx while they are read through."""

    names: set[str] = field(default_factory=set)
    entities: bool = False
    too_large: str = ""
    _tail: dict[str, bytes] = field(default_factory=dict)
    _columns: dict[str, int] = field(default_factory=dict)
    _rows: dict[str, int] = field(default_factory=dict)

    def __call__(self, name: str, piece: bytes) -> None:
        lowered = name.lower()
        first = lowered not in self.names
        self.names.add(lowered)
        if not lowered.endswith((".xml", ".rels")):
            return
        if lowered.startswith(("customxml/", "docprops/")):
            return  # no reader opens them; Power Query leaves texts in UTF-16 there
        if first and (
            b"<!DOCTYPE" in piece or b"<!ENTITY" in piece or piece[:2] in (b"\xff\xfe", b"\xfe\xff")
        ):
            # Excel writes neither; entities that contain one another are a bomb that fits into a page.
            self.entities = True
        if "/worksheets/" in lowered:
            self._measure(lowered, self._tail.get(lowered, b"") + piece)
            self._tail[lowered] = piece[-_OVERLAP:]

    def _measure(self, name: str, text: bytes) -> None:
        columns = max((_column(letters) for letters in set(_CELL.findall(text))), default=0)
        # Rows are written in order, but nothing forces a damaged file to.
        rows = max((int(number) for number in set(_ROW.findall(text))), default=0)
        self._columns[name] = max(columns, self._columns.get(name, 0))
        self._rows[name] = max(rows, self._rows.get(name, 0))
        if self._columns[name] * self._rows[name] > MAX_CELLS:
            self.too_large = name


def xlsx_issues(path: Path, limit: int) -> list[Issue]:
    """Faults of an xlsx; `limit` is the unpacked size allowed."""
    seen = _Watch()
    if issue := archive_issue(path, limit, seen):
        return [issue]
    names = seen.names
    if any(mark in name for name in names for mark in _MACROS):
        return [_macros()]
    if any(mark in name for name in names for mark in _OBJECTS):
        return [
            _refusal(
                "Eingebettete Objekte",
                "Die Arbeitsmappe enthält eingebettete Dateien oder Steuerelemente. Bitte nur die Werte in eine neue "
                "Mappe (xlsx) übernehmen und neu liefern.",
            )
        ]
    if seen.entities:
        return [
            _refusal(
                "Aufbau nicht lesbar",
                "Die Arbeitsmappe ist nicht so aufgebaut, wie Excel sie schreibt. Bitte in Excel öffnen, neu als xlsx "
                "speichern und liefern.",
            )
        ]
    if seen.too_large:
        return [too_many_cells()]
    if any(mark in name for name in names for mark in _OUTSIDE):
        return [
            Issue(
                "warning",
                "Verknüpfung mit anderen Dateien",
                "Die Arbeitsmappe holt Werte aus anderen Dateien oder Datenbanken. Gelesen wurde, was zuletzt darin "
                "gespeichert war. Bitte künftig nur Werte liefern.",
            )
        ]
    return []


def xls_issues(path: Path) -> list[Issue]:
    """Faults of an old Excel file, or of what is wrapped like one (a protected xlsx)."""
    try:
        file = CompoundFile(path.read_bytes())
        names = {name.lower() for name in file.names}
        if "encryptedpackage" in names or "encryptioninfo" in names:
            return [password()]
        if names & {"_vba_project_cur", "_vba_project", "macros", "vba"}:
            return [_macros()]
        stream = next((name for name in file.names if name.lower() in ("workbook", "book")), None)
        if stream is None:
            return [
                _refusal(
                    "Keine Excel-Datei",
                    "Die Datei ist ein anderes Office-Dokument und keine Excel-Arbeitsmappe. Bitte die vereinbarte "
                    "Tabelle liefern.",
                )
            ]
        return _biff(file.stream(stream))
    except (ValueError, struct.error):
        return [damaged()]


def _biff(content: bytes) -> list[Issue]:
    if struct.unpack_from("<H", content)[0] != _BOF:
        raise ValueError("no workbook stream")
    columns = rows = 0
    for kind, start, length in _records(content):
        if kind == _FILEPASS:
            return [password()]  # all that follows is encrypted
        if kind == _BOUNDSHEET and length >= 6 and content[start + 5] in (1, 6):
            return [_macros()]
        if kind == _BOF:
            columns = rows = 0
        if kind in _BIFF_CELLS and length >= 4:
            row, column = struct.unpack_from("<HH", content, start)
            columns, rows = max(columns, column + 1), max(rows, row + 1)
            if columns > 256:
                raise ValueError("no such column in this format")
            if columns * rows > MAX_CELLS:
                return [too_many_cells()]
    return []


def _records(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Kind, start and length of every record; the end of the stream is padded with zeros."""
    at = 0
    while at + 4 <= len(content):
        kind, length = struct.unpack_from("<HH", content, at)
        if kind == 0 and length == 0 and not any(content[at:]):
            return
        if at + 4 + length > len(content):
            raise ValueError("record beyond the end of the stream")
        yield kind, at + 4, length
        at += 4 + length


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def too_many_cells() -> Issue:
    """The refusal of a sheet whose last cell lies far out."""
    return _refusal(
        "Blatt zu groß",
        f"Ein Blatt reicht über mehr als {MAX_CELLS // 1_000_000} Millionen Zellen. Meist steht eine vergessene Angabe "
        "weit unterhalb oder rechts der Tabelle. Bitte leere Zeilen und Spalten dort löschen und neu liefern.",
    )


def _macros() -> Issue:
    return _refusal(
        "Makros",
        "Die Arbeitsmappe enthält Makros und wird nicht geöffnet. Bitte ohne Makros als xlsx speichern („Excel-"
        "Arbeitsmappe“) und neu liefern.",
    )


def _refusal(rule: str, message: str) -> Issue:
    return Issue("refusal", rule, message)
