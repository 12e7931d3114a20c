"""The first look at a delivered file: is it what the registry says, and is it safe to open? Runs before any parser.

Belongs here: signature, size, emptiness, and which inspection a kind of file gets. Not here: what archives
(`guard_archive`) and workbooks (`guard_workbook`) may hold, and anything about the content of a table.
Memory: archives are read through in pieces, text files by their first megabyte and in pieces; only old Excel files,
which are bounded by `LIMITS`, are taken in whole.
"""

from __future__ import annotations

import codecs
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ingestion.formats import detect
from ingestion.formats.base import Issue
from ingestion.formats.compound import MAGIC
from ingestion.formats.guard_archive import DAMAGE, PASSWORD, archive_issue
from ingestion.formats.guard_workbook import xls_issues, xlsx_issues
from ingestion.formats.layouts import Layout
from lagebild.instance import SourceConfig

_MIB: Final = 1 << 20
_HEAD: Final = _MIB

KINDS: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys(("workbook", "ba_akg", "datenbogen"), frozenset({"xlsx"})),
    **dict.fromkeys(
        ("ba_workbook", "gebietsaenderungen", "gemeindeverzeichnis", "umsteigeschluessel"),
        frozenset({"xlsx", "xls"}),
    ),
    "inkar": frozenset({"xlsx", "xls", "text"}),
    "geobasis": frozenset({"zip"}),
    **dict.fromkeys(("ffcsv", "nrw_table"), frozenset({"zip", "text"})),
    "database": frozenset({"sqlite", "duckdb"}),
    **dict.fromkeys(
        (
            "delimited", "gisd", "lor_areas", "lor_mss", "lor_population", "sozialatlas_areas", "sozialatlas_dump",
            "vg_geojson",
        ),
        frozenset({"text"}),
    ),
}  # fmt: skip
"""Format → kinds of file it reads. A format that is not here is only looked at for what no format bears."""

LIMITS: Final[dict[str, int]] = {
    "xlsx": 50,
    "xls": 50,
    "zip": 500,
    "text": 512,
    "sqlite": 4096,
    "duckdb": 4096,
}
"""MiB of a file by kind, unless the registry says otherwise (`checks.max_file_mib`)."""
STREAMED: Final = frozenset({"delimited"})
"""Formats that are read in pieces and bear any size."""
UNPACKED: Final = {"xlsx": 500 * _MIB, "zip": 1024 * _MIB}
"""Bytes an archive may unpack to."""

_NAMES: Final = {
    "xlsx": "eine Excel-Arbeitsmappe (xlsx)",
    "xls": "eine Excel-Arbeitsmappe alter Art (xls)",
    "xlsb": "eine binäre Excel-Arbeitsmappe (xlsb)",
    "ods": "eine LibreOffice-Tabelle (ods)",
    "office": "ein Word- oder PowerPoint-Dokument",
    "zip": "ein ZIP-Archiv",
    "text": "eine Textdatei (CSV)",
    "html": "eine HTML-Seite",
    "xml_workbook": "eine Excel-Tabelle im alten XML-Format",
    "pdf": "ein PDF",
    "image": "ein Bild",
    "archive": "ein gepacktes Archiv (7z, rar, gz)",
    "sqlite": "eine SQLite-Datenbank",
    "duckdb": "eine DuckDB-Datenbank",
    "binary": "eine Datei ohne lesbaren Text",
}
_SIGNATURES: Final = (
    (MAGIC, "xls"),
    (b"%PDF", "pdf"),
    (b"SQLite format 3\x00", "sqlite"),
    (b"\x89PNG", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"\x1f\x8b", "archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"Rar!\x1a\x07", "archive"),
    (b"BZh", "archive"),
    (b"\xfd7zXZ\x00", "archive"),
)
_ALWAYS_UTF8: Final = frozenset({"sozialatlas_areas", "sozialatlas_dump", "vg_geojson"})
"""GeoJSON (RFC 7946) and dumps of PostgreSQL have no other encoding; their adapters rely on it."""
_WIDE_BOMS: Final = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


def inspect(path: Path, source: SourceConfig) -> list[Issue]:
    """What is wrong with a file before anybody opens it: at most one refusal, or warnings.

    Messages are for the supplier; they quote names of archive members at most, never content.
    """
    format_name, options = _layout(path, source)
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if not head or (size <= _HEAD and not head.strip(b"\xef\xbb\xbf \t\r\n\x00")):
        return [_refusal("Leere Datei", "Die Datei ist leer. Bitte neu ausleiten und liefern.")]
    expected = KINDS.get(format_name)
    kind = kind_of(path, head)
    limit = source.checks.max_file_mib
    if limit is None and format_name not in STREAMED and expected is not None:
        limit = max(LIMITS[item] for item in (expected & {kind} or expected))
    if limit is not None and size > limit * _MIB:
        return [
            _refusal(
                "Datei zu groß",
                f"Die Datei ist {size / _MIB:.0f} MiB groß; vereinbart sind höchstens {limit} MiB. Bitte in Teilen "
                "liefern oder die Größe vorher absprechen.",
            )
        ]
    if kind == "xls" and expected is not None and "xlsx" in expected and "xls" not in expected:
        # Excel wraps a protected xlsx like this: the password is what the supplier has to know.
        wrapped = xls_issues(path)
        if wrapped and wrapped[0].rule == PASSWORD:
            return wrapped
    if expected is not None and kind not in expected:
        return [_other_kind(kind, expected)]
    if kind == "xlsx":
        return xlsx_issues(path, UNPACKED["xlsx"])
    if kind == "xls":
        return xls_issues(path)
    if kind == "zip":
        return [issue] if (issue := archive_issue(path, UNPACKED["zip"])) else []
    if kind == "text" and expected is not None:
        return list(_text_issues(path, head, format_name, str(options.get("encoding", "utf-8"))))
    return []


def kind_of(path: Path, head: bytes) -> str:
    """What a file is by its first bytes (and, for archives, its members), whatever it is called."""
    for mark, kind in _SIGNATURES:
        if head.startswith(mark):
            return kind
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _archive_kind(path)
    if head[8:12] == b"DUCK":
        return "duckdb"
    start = head[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<?xml") and b"urn:schemas-microsoft-com:office:spreadsheet" in start:
        return "xml_workbook"
    if (
        start.startswith((b"<!doctype html", b"<html", b"<table", b"<head", b"<body"))
        or b"<html" in start[:512]
    ):
        return "html"
    if b"\x00" in head[:4096] and not head.startswith(_WIDE_BOMS) and detect.encoding_of(head, False) is None:
        # A single stray NUL is a fault of a text file; text of two bytes a sign has one in every other place.
        return "binary" if head[:4096].count(0) > 32 and not _wide(head) else "text"
    return "text"


def _archive_kind(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.lower() for name in archive.namelist()}
            declared = archive.read("mimetype")[:100] if "mimetype" in names else b""
    except (*DAMAGE, KeyError):
        # Cut off: what it was meant to be is read off the first name, which stands near the beginning.
        with path.open("rb") as stream:
            head = stream.read(4096)
        return "xlsx" if b"[Content_Types].xml" in head or b"xl/" in head else "zip"
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "xl/workbook.bin" in names:
        return "xlsb"
    if b"opendocument" in declared:
        return "ods" if b"spreadsheet" in declared else "office"
    if names & {"word/document.xml", "ppt/presentation.xml"}:
        return "office"
    # Content types without a workbook: it was one, and its directory has lost it.
    return (
        "xlsx" if "[content_types].xml" in names and any(name.startswith("xl/") for name in names) else "zip"
    )


def _text_issues(path: Path, head: bytes, format_name: str, encoding: str) -> Iterator[Issue]:
    agreed = detect.family(encoding)
    if agreed not in ("utf-16", "utf-32") and not head.startswith(_WIDE_BOMS):
        if _wide(head):
            yield detect.encoding_issue(encoding, "utf-16")
            return
        if (line := _first_nul(path)) is not None:
            yield Issue(
                "refusal",
                "Unlesbare Zeichen",
                f"Die Datei enthält ab Zeile {line} Zeichen, die in keiner Textdatei stehen. Sie ist vermutlich beim "
                "Übertragen beschädigt worden. Bitte neu ausleiten und liefern.",
                row=line,
            )
            return
    if format_name in _ALWAYS_UTF8 and not _is_utf8(path):
        found = detect.encoding_of(head, False)
        yield detect.encoding_issue("utf-8", None if found in ("utf-8", "ascii") else found)
    if format_name != "delimited":
        return  # the other text formats compare the encoding themselves
    complete = path.stat().st_size <= _HEAD
    found = detect.encoding_of(head, complete, encoding)
    if found in ("utf-8", "utf-16", "utf-32") and detect.family(found) != agreed:
        yield detect.encoding_issue(encoding, found)
    elif found in ("cp1252", "cp850", "mac_roman") and agreed == "utf-8":
        # Which single-byte encoding it is instead is statistics; that it is not UTF-8 is certain.
        yield detect.encoding_issue(encoding, found)


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    with path.open("rb") as stream:
        try:
            while piece := stream.read(_MIB):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _wide(head: bytes) -> bool:
    """Text of two bytes a sign without a byte order mark: every other byte is zero."""
    sample = head[:400]
    odd, even = sample[1::2].count(0), sample[::2].count(0)
    return len(sample) >= 8 and max(odd, even) > 0.4 * len(sample)


def _first_nul(path: Path) -> int | None:
    """The line of the first NUL byte; None where there is none."""
    line = 1
    with path.open("rb") as stream:
        while piece := stream.read(_MIB):
            position = piece.find(b"\x00")
            if position >= 0:
                return line + piece.count(b"\n", 0, position)
            line += piece.count(b"\n")
    return None


def _layout(path: Path, source: SourceConfig) -> tuple[str, dict[str, object]]:
    """Format and options for a file: those of its layout where the source has several."""
    if source.format != "layouts":
        return source.format, dict(source.options)
    for item in source.options.get("layouts", ()):
        layout = Layout.model_validate(item)
        if re.fullmatch(layout.files, path.name):
            return layout.format, {**source.options.get("common", {}), **layout.options}
    return source.format, {}


def _other_kind(kind: str, expected: frozenset[str]) -> Issue:
    wanted = " oder ".join(_NAMES[item] for item in sorted(expected))
    if kind == "archive" or (kind == "zip" and "zip" not in expected):
        advice = "Bitte die Datei ungepackt liefern."
    elif kind in ("xls", "xlsb", "ods", "xml_workbook") and "xlsx" in expected:
        advice = "Bitte in der Tabellenkalkulation öffnen, als „Excel-Arbeitsmappe (.xlsx)“ speichern und neu liefern."
    elif kind == "html":
        advice = "Meist ist es eine Anmelde- oder Fehlerseite des Servers. Bitte die Datei neu herunterladen."
    elif kind == "xlsx":
        advice = (
            "Bitte die Tabelle als CSV speichern oder die vereinbarte Datei liefern; Umbenennen genügt nicht."
        )
    else:
        advice = "Bitte die vereinbarte Datei liefern; die Endung im Dateinamen zu ändern genügt nicht."
    if kind == "binary" and expected & {"sqlite", "duckdb"}:
        return _refusal(
            "Datenbank nicht lesbar",
            "Die Datenbankdatei ist beschädigt oder keine SQLite- oder DuckDB-Datei. Bitte neu ausleiten.",
        )
    return _refusal(
        "Andere Dateiart",
        f"Vereinbart ist {wanted}; geliefert wurde {_NAMES[kind]}. {advice}",
    )


def _refusal(rule: str, message: str) -> Issue:
    return Issue("refusal", rule, message)


__all__ = ["KINDS", "LIMITS", "STREAMED", "inspect", "kind_of"]
