"""What a ZIP may do to its reader: names that lead out, passwords, damage, bombs, archives in archives.

Belongs here: faults of archives, seen before anything is unpacked; every member is read through once in pieces, so the
sizes and checksums are real and not what the directory claims. Not here: what the members mean.

Sources: PKWARE APPNOTE 6.3.10 (4.4.4 flag bit 0, 4.4.2 made by, external attributes); D. Fifield, „A better zip bomb“,
WOOT 2019 (a member unpacks to at most 1032 times its size; overlapping members go beyond).
"""

from __future__ import annotations

import lzma
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ingestion.formats.base import Issue

PASSWORD: Final = "Kennwort"  # noqa: S105 - the name of a rule
"""The rule of files that cannot be opened without one."""
MAX_MEMBERS: Final = 5_000
MAX_RATIO: Final = 200
"""Tables pack to a tenth to a hundredth. Judged from `RATIO_FROM` bytes on: small members of blanks are harmless."""
RATIO_FROM: Final = 16 << 20
_PIECE: Final = 1 << 20

DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    IndexError,
    NotImplementedError,  # unknown compression method
    RuntimeError,  # password
)
"""What reading a damaged archive raises."""

_ARCHIVES: Final = (
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"BZh",
    b"\xfd7zXZ\x00",
)

Watch = Callable[[str, bytes], None]
"""Receives every member piece by piece: name and bytes."""


def archive_issue(path: Path, limit: int, watch: Watch | None = None) -> Issue | None:
    """The first fault of an archive; None for a sound one of at most `limit` unpacked bytes.

    A refusal ends the reading: a bomb is not unpacked to the end to learn how large it is.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            return _directory(members, limit) or _contents(archive, members, limit, watch)
    except NotImplementedError:
        return _refusal(
            "Archiv nicht lesbar",
            "Das Archiv ist mit einem Verfahren gepackt, das hier nicht gelesen wird. Bitte als gewöhnliche ZIP-Datei "
            "packen und neu liefern.",
        )
    except RuntimeError:  # zipfile's word for a password
        return password()
    except DAMAGE:
        return damaged()


def _directory(members: list[zipfile.ZipInfo], limit: int) -> Issue | None:
    for item in members:
        if unsafe_name(item.filename) or unsafe_name(item.orig_filename):
            return _refusal(
                "Unzulässiger Name im Archiv",
                "Das Archiv enthält einen Dateinamen, der aus dem Archiv hinausführt. Bitte die Herkunft der Datei "
                "klären und nur die vereinbarten Dateien ohne Ordner packen.",
                _shown(item.filename),
            )
        if stat.S_ISLNK(item.external_attr >> 16):
            return _refusal(
                "Verknüpfung im Archiv",
                "Das Archiv enthält eine Verknüpfung statt einer Datei. Bitte die Datei selbst packen und neu liefern.",
                _shown(item.filename),
            )
        if item.flag_bits & 0x1:
            return password()
    twice = [name for name, count in Counter(item.filename for item in members).items() if count > 1]
    if twice:
        return _refusal(
            "Archiv nicht eindeutig",
            "Das Archiv enthält denselben Dateinamen mehrfach. Bitte neu packen und liefern.",
            _shown(twice[0]),
        )
    if len(members) > MAX_MEMBERS:
        return _bomb(f"Es enthält {len(members)} Dateien.")
    if sum(item.file_size for item in members) > limit:
        return _bomb(f"Entpackt wäre es größer als {limit >> 20} MiB.")
    return None


def _contents(
    archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], limit: int, watch: Watch | None
) -> Issue | None:
    total = 0
    for item in members:
        if item.is_dir():
            continue
        size = 0
        with archive.open(item) as stream:
            while piece := stream.read(_PIECE):
                if size == 0 and piece.startswith(_ARCHIVES):
                    return _refusal(
                        "Archiv im Archiv",
                        "Das Archiv enthält ein weiteres Archiv. Bitte die Dateien einmal packen und neu liefern.",
                        _shown(item.filename),
                    )
                size += len(piece)
                total += len(piece)
                if total > limit:
                    return _bomb(f"Entpackt ist es größer als {limit >> 20} MiB.")
                if size > RATIO_FROM and size > MAX_RATIO * max(item.compress_size, 1):
                    return _bomb(f"Eine Datei darin ist mehr als {MAX_RATIO}-fach gepackt.")
                if watch is not None:
                    watch(item.filename, piece)
    return None


def unsafe_name(name: str) -> bool:
    """True for names that lead out of the folder they would be unpacked to."""
    parts = name.replace("\\", "/").split("/")
    return name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\x00" in name


def password() -> Issue:
    """The refusal of a file nobody can open without a password."""
    return _refusal(
        PASSWORD,
        "Die Datei ist mit einem Kennwort geschützt und kann nicht gelesen werden. Bitte das Kennwort entfernen und "
        "neu liefern.",
    )


def damaged() -> Issue:
    """The refusal of an archive that is cut off or whose checksums are wrong."""
    return _refusal(
        "Archiv beschädigt",
        "Die Datei ist unvollständig oder beschädigt; vermutlich ist die Übertragung abgebrochen. Bitte prüfen, ob sie "
        "sich öffnen lässt, und vollständig neu liefern.",
    )


def _bomb(found: str) -> Issue:
    return _refusal(
        "Archiv zu groß",
        f"Das Archiv wird nicht gelesen. {found} So große Lieferungen bitte vorher absprechen oder in Teilen liefern.",
    )


def _shown(name: str) -> str:
    return "".join(sign if sign.isprintable() else "�" for sign in name[:120])


def _refusal(rule: str, message: str, value: str | None = None) -> Issue:
    return Issue("refusal", rule, message, value=value)
