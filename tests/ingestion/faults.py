"""Sound files of several formats for one small territory, and the ways suppliers spoil them.

Belongs here: building the files. What has to become of them is in test_fault_matrix.py and docs/bad-input.md.
"""

from __future__ import annotations

import io
import sqlite3
import struct
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

from ingestion.datenbogen.model import Form, FormOptions
from ingestion.datenbogen.write import build_form
from lagebild.instance import SourceConfig
from tests.ingestion.tables import flat, flat_row, zipped

INSTANCE_YML = """
name: stadt
title: Probe
attribution: Probe
main_area_system: raum
area_systems:
  - code: raum
    label: Raum
    levels:
      - {code: kreis, label: Kreis, plural: Kreis}
      - {code: gemeinde, label: Gemeinde, plural: Gemeinden}
  - code: amtlich
    label: Amtlich
    levels:
      - {code: kreis, label: Kreis, plural: Kreise}
dashboard: {headline_indicators: [a, b, c, d], map_indicator: a, map_level: gemeinde, series_indicators: [a],
            ranking_indicator: a, ranking_level: gemeinde}
"""
AREA_SOURCE_YML = """
id: gebiete
label: Gebiete
supplier: Amt
contact: amt@beispiel.example
legal_basis: Satzung
format: delimited
files: ${INBOX}/gebiete/*.csv
tables: [area]
cycle: once
reference_day: laufend
"""
HEADERS = ("Schlüssel", "Name", "Fälle", "Quote", "Stand")
Row = tuple[Any, ...]
ROWS: tuple[Row, ...] = (
    ("91001", "Aue", 120, "12,5", "31.12.2024"),
    ("91002", "Bruch", 80, "7,25", "31.12.2024"),
    ("91003", "Chor", 40, "3,0", "31.12.2024"),
)
FIGURES = [
    {"measure": "cases", "header": "Fälle"},
    {"measure": "rate", "header": "Quote", "aliases": ["Anteil"]},
]
PART: dict[str, Any] = {
    "table": "observation",
    "ignored": ["Name"],
    "header_row": 1,
    "area": {"header": "Schlüssel", "system": "raum", "rules": [{"match": r"91\d{3}", "level": "gemeinde"}]},
    "figures": FIGURES,
}
FORM_OPTIONS: dict[str, Any] = {
    "version": 1,
    "period": "stichtag",
    "area_system": "raum",
    "area_level": "gemeinde",
    "fields": [{"measure": "cases", "label": "Fälle"}],
}
INKAR_OPTIONS: dict[str, Any] = {
    "levels": {"Kreise": {"level": "kreis", "digits": 5}},
    "indicators": {"Arbeitslose": {"measure": "unemployed_annual", "period_type": "jahr"}},
}
BA_OPTIONS: dict[str, Any] = {"figures": [{"measure": "svb", "words": ["insgesamt"]}]}


OFFICIAL: dict[str, Any] = {"completeness": {"severity": "off"}}
"""Tables of the offices know nothing of the measures the territory expects."""


def a_source(format_name: str, suffix: str, options: dict[str, Any], **changes: Any) -> SourceConfig:
    """A source of the territory whose files lie in the inbox."""
    fields: dict[str, Any] = {
        "id": "probe",
        "label": "Fälle",
        "supplier": "Jugendamt",
        "contact": "amt@beispiel.example",
        "legal_basis": "Beschluss",
        "format": format_name,
        "files": f"${{INBOX}}/probe/*.{suffix}",
        "tables": ("observation",),
        "cycle": "yearly",
        "reference_day": "31.12.",
        "options": options,
    }
    return SourceConfig.model_validate(fields | changes)


def yearly(suffix: str, **part: Any) -> dict[str, Any]:
    return {
        "file_pattern": rf"F_(?P<year>\d{{4}})\.{suffix}",
        "period": {"type": "stichtag", "header": "Stand"},
        "parts": [PART | part],
    }


@dataclass(frozen=True)
class Bench:
    """One format: its source and its sound files by name, oldest first; faulty ones come under the last name."""

    source: SourceConfig
    sound: dict[str, bytes]

    @property
    def name(self) -> str:
        return list(self.sound)[-1]


def as_csv(
    rows: Sequence[Row] = ROWS,
    headers: Sequence[str] = HEADERS,
    encoding: str = "utf-8",
    delimiter: str = ";",
    above: Sequence[str] = (),
) -> bytes:
    lines = [*above, delimiter.join(headers), *(delimiter.join(str(cell) for cell in row) for row in rows)]
    return ("\n".join(lines) + "\n").encode(encoding)


Hook = Callable[[Worksheet], None]


def as_xlsx(
    rows: Sequence[Sequence[Any]] = ROWS,
    headers: Sequence[Any] = HEADERS,
    above: int = 0,
    hook: Hook | None = None,
    sheet: str = "Blatt",
) -> bytes:
    book = openpyxl.Workbook()
    page = book.active
    assert isinstance(page, Worksheet)
    page.title = sheet
    for number in range(above):
        page.cell(number + 1, 1, "Bericht" if number == 0 else None)
    for number, row in enumerate([headers, *rows], start=above + 1):
        for column, cell in enumerate(row, start=1):
            page.cell(number, column, cell)
    if hook:
        hook(page)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def as_sqlite(rows: Sequence[Row] = ROWS, headers: Sequence[str] = HEADERS) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.db"
        connection = sqlite3.connect(path)
        columns = ", ".join(f'"{name}"' for name in headers)
        connection.execute(f"create table t({columns})")
        marks = ", ".join("?" * len(headers))
        connection.executemany(f"insert into t values ({marks})", rows)
        connection.commit()
        connection.close()
        return path.read_bytes()


INKAR_ROWS: list[list[Any]] = [
    ["Kennziffer", "Raumeinheit", "Aggregat", "Arbeitslose", "Arbeitslose"],
    ["", "", "", "2020", "2021"],
    ["01001", "Flensburg, Stadt", "Kreise", 5000, 4900],
    ["01002", "Kiel", "Kreise", 9000, 8900],
]
BA_ROWS: list[list[Any]] = [
    ["Statistik der Bundesagentur für Arbeit"],
    ["Region", "Insgesamt", None],
    [None, "30.06.2020", "30.06.2021"],
    ["01001 Flensburg, Stadt", 33000, 33500],
    ["01002 Kiel, Landeshauptstadt", 110000, 111000],
]
FLAT_ROWS = [
    flat_row("311500", area="KREISE;Kreise;01001;Flensburg"),
    flat_row("247000", area="KREISE;Kreise;01002;Kiel"),
]


def as_inkar(rows: Sequence[Sequence[Any]] = tuple(INKAR_ROWS), hook: Hook | None = None) -> bytes:
    return as_xlsx(rows[1:], rows[0], hook=hook, sheet="Daten")


def as_ba(rows: Sequence[Sequence[Any]] = tuple(BA_ROWS), hook: Hook | None = None) -> bytes:
    return as_xlsx(rows[1:], rows[0], hook=hook, sheet="Kreise")


def as_flat(rows: Sequence[str] = tuple(FLAT_ROWS), **more: Any) -> bytes:
    return zipped({"a_flat.csv": flat(rows, **more)})


def a_form(year: int = 2024, entries: Sequence[float] = (120, 80, 40), hook: Hook | None = None) -> bytes:
    areas = tuple((str(row[0]), str(row[1])) for row in ROWS)
    form = Form("probe", "91", "Amt Aue", year, areas, FormOptions.model_validate(FORM_OPTIONS))
    filled = {(code, 0): value for (code, _), value in zip(areas, entries, strict=True)}
    book = build_form(form, a_source("datenbogen", "xlsx", FORM_OPTIONS, coverage=("91",)), {}, filled)
    if hook:
        hook(book["Angaben"])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def form_name(year: int) -> str:
    return Form("probe", "91", "", year, (), FormOptions.model_validate(FORM_OPTIONS)).file_name


LAYOUTS: dict[str, Any] = {
    "common": yearly("csv"),
    "layouts": [{"files": r"F_.*\.csv", "format": "delimited", "options": {}}],
}
LAST_YEAR = tuple((*row[:2], row[2] + 2, row[3], "31.12.2023") for row in ROWS)

BENCHES: dict[str, Bench] = {
    "delimited": Bench(
        a_source("delimited", "csv", yearly("csv")),
        {"F_2023.csv": as_csv(LAST_YEAR), "F_2024.csv": as_csv()},
    ),
    "layouts": Bench(
        a_source("layouts", "csv", LAYOUTS), {"F_2023.csv": as_csv(LAST_YEAR), "F_2024.csv": as_csv()}
    ),
    "workbook": Bench(
        a_source("workbook", "xlsx", yearly("xlsx", sheet="Blatt")),
        {"F_2023.xlsx": as_xlsx(LAST_YEAR), "F_2024.xlsx": as_xlsx()},
    ),
    "database": Bench(
        a_source("database", "db", yearly("db", query="select * from t")),
        {"F_2023.db": as_sqlite(LAST_YEAR), "F_2024.db": as_sqlite()},
    ),
    "datenbogen": Bench(
        a_source("datenbogen", "xlsx", FORM_OPTIONS, coverage=("91",)),
        {form_name(2023): a_form(2023, (122, 82, 42)), form_name(2024): a_form()},
    ),
    "ffcsv": Bench(a_source("ffcsv", "zip", {}, checks=OFFICIAL), {"12411-0001_flat.zip": as_flat()}),
    "inkar": Bench(a_source("inkar", "xlsx", INKAR_OPTIONS, checks=OFFICIAL), {"INKAR.xlsx": as_inkar()}),
    "ba_workbook": Bench(a_source("ba_workbook", "xlsx", BA_OPTIONS, checks=OFFICIAL), {"BA.xlsx": as_ba()}),
}


# --- spoiling archives and workbooks


def with_members(content: bytes, **members: bytes | str) -> bytes:
    """An archive with further members; `__` in a name stands for a slash and `_dot_` for a dot."""
    stream = io.BytesIO(content)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), text)
    return stream.getvalue()


def with_member(content: bytes, name: str, text: bytes) -> bytes:
    stream = io.BytesIO(content)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return stream.getvalue()


def with_link(content: bytes) -> bytes:
    stream = io.BytesIO(content)
    with zipfile.ZipFile(stream, "a") as archive:
        link = zipfile.ZipInfo("verweis.csv")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return stream.getvalue()


def with_password_bit(content: bytes) -> bytes:
    """Every member marked as encrypted, in both of its headers (APPNOTE 4.3.7 and 4.3.12)."""
    found = bytearray(content)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = found.find(mark)
        while at >= 0:
            found[at + offset] |= 1
            at = found.find(mark, at + 4)
    return bytes(found)


def with_wrong_checksum(content: bytes) -> bytes:
    """One byte changed inside the packed data of the largest member."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        item = max(archive.infolist(), key=lambda member: member.compress_size)
    found = bytearray(content)
    name, extra = struct.unpack_from("<HH", content, item.header_offset + 26)
    found[item.header_offset + 30 + name + extra + item.compress_size // 2] ^= 0xFF
    return bytes(found)


def replaced(content: bytes, member: str, old: bytes, new: bytes) -> bytes:
    """An archive whose member has something exchanged."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(stream, "w") as target:
        for item in source.infolist():
            text = source.read(item)
            if item.filename == member:
                assert old in text, f"{member} is written differently"
                text = text.replace(old, new)
            target.writestr(item.filename, text)
    return stream.getvalue()


def compound(*streams: tuple[str, bytes]) -> bytes:
    """A small OLE file: every stream in sectors of its own, none in the mini stream ([MS-CFB] 2.2 to 2.6)."""
    size = 512
    pad = [text + b"\x00" * (-len(text) % size if text else 0) for _, text in streams]
    pad = [text.ljust(4096, b"\x00") for text in pad]
    fat: list[int] = [0xFFFFFFFD, 0xFFFFFFFE]
    entries = [("Root Entry", 5, 0xFFFFFFFE, 0)]
    for (name, _), text in zip(streams, pad, strict=True):
        first, count = len(fat), len(text) // size
        fat += [*range(first + 1, first + count), 0xFFFFFFFE]
        entries.append((name, 2, first, len(text)))
    directory = b""
    for name, kind, start, length in entries[:4]:
        written = name.encode("utf-16-le")
        directory += (
            written.ljust(64, b"\x00")
            + struct.pack("<HBB", len(written) + 2, kind, 1)
            + struct.pack("<3I", *[0xFFFFFFFF] * 3)
            + bytes(36)
            + struct.pack("<IQ", start, length)
        )
    table = struct.pack(f"<{len(fat)}I", *fat).ljust(size, b"\xff")
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
    head += bytes(6) + struct.pack("<9I", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    head += struct.pack("<109I", 0, *[0xFFFFFFFF] * 108)
    return head + table + directory.ljust(size, b"\x00") + b"".join(pad)


def record(kind: int, content: bytes = b"") -> bytes:
    """One record of an old Excel file."""
    return struct.pack("<HH", kind, len(content)) + content
