"""Opens a flat file of a statistical office: the CSV itself or a ZIP with exactly one CSV. Nothing is unpacked to disk.

Belongs here: archives and their faults. Not here: what the CSV says.
"""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath
from typing import Final

from ingestion.formats.base import Issue
from ingestion.formats.guard_archive import DAMAGE

MAX_BYTES: Final = 1 << 28
"""Largest table read into memory (about 1.7 million figures; reading takes eight times as much). GENESIS asks to divide
tables long before."""


def read_flat(path: Path) -> tuple[bytes, list[Issue]]:
    """Bytes of the CSV and what is to be said about the file; no bytes after a refusal."""
    try:
        if not zipfile.is_zipfile(path):
            return _plain(path)
        with zipfile.ZipFile(path) as archive:
            return _member(archive)
    except DAMAGE:
        return b"", [_damaged()]


def _plain(path: Path) -> tuple[bytes, list[Issue]]:
    if path.stat().st_size > MAX_BYTES:
        return b"", [_too_large()]
    content = path.read_bytes()
    if content.startswith(b"PK\x03\x04"):
        return b"", [_damaged()]  # begins like an archive, but its directory at the end is missing
    if not content.strip():
        return b"", [_refusal("Leere Datei", "Die Datei ist leer. Bitte neu abrufen.")]
    if content.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in (b"{", b"<"):
        text = content[:300].decode("utf-8", "replace")
        return b"", [
            _refusal(
                "Meldung statt Tabelle",
                "Die Datei enthält keine Tabelle, sondern eine Meldung der Datenbank. Sie beginnt mit: "
                f"„{' '.join(text.split())[:160]}“. Bitte den Abruf prüfen.",
            )
        ]
    return content, []


def _member(archive: zipfile.ZipFile) -> tuple[bytes, list[Issue]]:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if bad := [entry.filename for entry in entries if _unsafe(entry.filename)]:
        message = (
            f"Das Archiv enthält den Namen „{bad[0]}“, der aus dem Archiv hinausführt. So etwas liefert keine amtliche "
            "Datenbank. Bitte die Herkunft der Datei klären."
        )
        return b"", [_refusal("Unzulässiger Name im Archiv", message)]
    tables = [entry for entry in entries if PurePosixPath(entry.filename).suffix.lower() == ".csv"]
    if len(tables) != 1:
        names = ", ".join(entry.filename for entry in (tables or entries)[:5]) or "nichts"
        message = (
            f"Das Archiv muss genau eine CSV-Datei enthalten; es enthält {len(tables)} (gefunden: {names}). "
            "Bitte jede Tabelle für sich liefern."
        )
        return b"", [_refusal("Inhalt des Archivs", message)]
    if tables[0].flag_bits & 0x1:
        message = "Das Archiv ist mit einem Kennwort geschützt. Bitte ohne Kennwort liefern."
        return b"", [_refusal("Kennwort", message)]
    with archive.open(tables[0]) as stream:
        # Not by the stated size, which may lie.
        content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        return b"", [_too_large()]
    if not content.strip():
        return b"", [_refusal("Leere Datei", "Die Tabelle im Archiv ist leer. Bitte neu abrufen.")]
    more = [entry.filename for entry in entries if entry is not tables[0]]
    if not more:
        return content, []
    message = f"Das Archiv enthält weitere Dateien, die nicht gelesen werden: {', '.join(more[:5])}."
    return content, [Issue("warning", "Inhalt des Archivs", message)]


def _unsafe(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\x00" in name


def _refusal(rule: str, message: str) -> Issue:
    return Issue("refusal", rule, message)


def _damaged() -> Issue:
    return _refusal(
        "Archiv beschädigt",
        "Das ZIP-Archiv lässt sich nicht lesen; vermutlich ist die Übertragung abgebrochen. Bitte neu abrufen.",
    )


def _too_large() -> Issue:
    size = MAX_BYTES // (1 << 20)
    return _refusal("Zu groß", f"Die Tabelle ist größer als {size} MiB. Bitte in Teilen liefern.")
