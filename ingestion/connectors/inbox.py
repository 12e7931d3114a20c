"""How a fetched file arrives: under a safe name, complete, in one step.

Files on their way have hidden names (`.….part`), which the folder connector and every glob leave alone. Their
modification time is the supplier's, because the newest of competing deliveries counts (see `landing.deliveries`).
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ingestion.connectors.failure import ConnectorFailure
from lagebild.instance import Instance, SourceConfig

_FORBIDDEN: Final = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\/]')
_MAX_NAME_BYTES: Final = 200


def inbox_folder(instance: Instance, source: SourceConfig) -> Path:
    """Folder below the inbox that belongs to this source; closed to others where deliveries are personal."""
    folder = instance.paths.inbox / source.id
    folder.mkdir(parents=True, exist_ok=True)
    if source.personal:
        folder.chmod(0o700)
    return folder


def part_file(folder: Path, key: str) -> Path:
    """Where the file known as `key` grows; the same in every run, so that it can be continued."""
    return folder / f".{short_hash(key)}.part"


def short_hash(text: str) -> str:
    """First 16 hexadecimal digits of the SHA-256: a name for what may hold anything (addresses, parameters)."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def safe_name(raw: str) -> str:
    """The last part of a name from outside, fit to be a file name here. Raises ConnectorFailure when nothing is left.

    Path parts are dropped as RFC 6266 (section 4.3) asks; control and reserved characters become `_`.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", raw))[-1]
    # A leading dot or tilde would hide the file from the folder connector for ever.
    name = _FORBIDDEN.sub("_", last).strip().lstrip(".~ ").rstrip(". ")
    stem, dot, ending = name.rpartition(".")
    while len(name.encode()) > _MAX_NAME_BYTES and len(stem) > 1:
        stem = stem[:-1]
        name = stem + dot + ending
    if not name or len(name.encode()) > _MAX_NAME_BYTES:
        raise ConnectorFailure("Der Server nennt keinen brauchbaren Dateinamen.")
    return name


def plain_name(raw: str) -> str:
    """A name that must be a plain file name already; anything with a path in it is refused."""
    if safe_name(raw) != unicodedata.normalize("NFC", raw) or raw in {".", ".."}:
        raise ConnectorFailure(
            "Ein Dateiname auf dem Server enthält Pfade oder unzulässige Zeichen und wird nicht geholt."
        )
    return safe_name(raw)


def begin(part: Path) -> None:
    """Creates an empty part, readable by the owner only: nobody has judged its content yet."""
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def arrive(part: Path, target: Path, modified: datetime | None, newer_than: float = 0.0) -> bool:
    """Moves a complete part into its place; False where the same content lies there already (it keeps its time).

    What is fetched later under the same name is the newer one, whatever the supplier's clock says: `newer_than` is the
    time (seconds since the epoch) of its predecessor where that has left the inbox.
    """
    now = datetime.now(UTC)
    moment = min(modified or now, now)
    if target.exists():
        if target.stat().st_size == part.stat().st_size and sha256_of(target) == sha256_of(part):
            part.unlink()
            return False
        newer_than = max(newer_than, target.stat().st_mtime)
    if newer_than >= moment.timestamp():
        moment = now
    os.utime(part, (moment.timestamp(), moment.timestamp()))
    with part.open("rb") as stream:
        # The state says afterwards that the file is here: that must be true after a power failure, too.
        os.fsync(stream.fileno())
    part.replace(target)
    return True
