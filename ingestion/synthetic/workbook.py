"""Writes xlsx files that are byte-identical for equal content (openpyxl stamps the clock into the archive)."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from openpyxl import Workbook

Row = Sequence[Any]
_EPOCH: Final = (2020, 1, 1, 0, 0, 0)
_CLOCK: Final = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def write_workbook(path: Path, sheets: Mapping[str, Iterable[Row]]) -> None:
    """One sheet per entry, in order; cells as given (str, int, float, date, None)."""
    book = Workbook(write_only=True)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    save_workbook(book, path)


def save_workbook(book: Workbook, path: Path) -> None:
    """Saves any workbook without the clock."""
    book.properties.creator = "Musterkreis (synthetisch)"
    buffer = io.BytesIO()
    book.save(buffer)
    members: dict[str, bytes] = {}
    with zipfile.ZipFile(buffer) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            if name == "docProps/core.xml":
                content = _CLOCK.sub(b"2020-01-01T00:00:00Z", content)
            members[name] = content
    write_zip(path, members)


def write_zip(path: Path, members: Mapping[str, bytes]) -> None:
    """A zip archive with fixed time stamps."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            archive.writestr(info, content)
