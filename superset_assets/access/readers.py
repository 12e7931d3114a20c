"""Readers of the internal tiers: whose files there are, and which role may open which.

Belongs here: reading the files' own description, the register the running Superset asks. Does not belong here:
Superset's permissions (`apply`), paths (`zones`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import duckdb

from lagebild.paths import InstancePaths
from superset_assets.access.zones import CURRENT, Zone
from superset_assets.environment import state_dir


@dataclass(frozen=True, order=True)
class Reader:
    """Somebody with a file of his own. `code` is empty for an audience without areas (the Kreisverwaltung)."""

    instance: str
    audience: str
    audience_label: str
    code: str
    label: str

    @property
    def folder(self) -> str:
        return f"{self.audience}-{self.code}" if self.code else self.audience

    @property
    def zone(self) -> Zone:
        return Zone(self.instance, self.folder)

    @property
    def scope(self) -> str:
        """Stands for the instance in the identifiers of this reader's assets."""
        return f"{self.instance}/{self.folder}"


class ReaderError(ValueError):
    """A file of an internal tier does not describe the reader whose folder it lies in."""


def find_readers(instance: str) -> list[Reader]:
    """Readers with a current file, by what the files say.

    Raises ReaderError when a file lies in another reader's folder, or others on this machine may read it.
    """
    internal = InstancePaths(instance).internal
    return [_read(instance, folder) for folder in sorted(internal.glob("*/")) if (folder / CURRENT).exists()]


def _read(instance: str, folder: Path) -> Reader:
    file = folder / CURRENT
    if (folder.stat().st_mode | file.stat().st_mode) & 0o077:
        raise ReaderError(f"{instance}/{folder.name}: readable by others on this machine")
    with duckdb.connect(str(file), read_only=True) as db:
        rows = db.execute(
            "select audience, audience_label, reader_code, reader_label from dim_reader"
        ).fetchall()
    if len(rows) != 1:
        raise ReaderError(f"{instance}/{folder.name}: describes {len(rows)} readers")
    reader = Reader(instance, *(str(part or "") for part in rows[0]))
    if reader.folder != folder.name:
        raise ReaderError(f"{instance}/{folder.name}: holds the file of {reader.folder}")
    return reader


def register_file() -> Path:
    return state_dir() / "readers.json"


def write_register(allowed: Mapping[str, Iterable[Zone]]) -> None:
    """Role name -> internal zones it may open. Beside Superset's database on purpose: a permission given there by hand
    opens nothing."""
    content = {
        role: sorted([zone.instance, zone.reader] for zone in zones) for role, zones in allowed.items()
    }
    draft = register_file().with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1, sort_keys=True)
    draft.replace(register_file())


def may_open(roles: Iterable[str], zone: Zone) -> bool:
    """Whether one of the roles may open the zone. The public file is open to every role."""
    if not zone.is_internal:
        return True
    path = register_file()
    try:
        written = path.stat().st_mtime_ns
    except FileNotFoundError:
        return False
    register = _register(path, written)
    return any([zone.instance, zone.reader] in register.get(role, []) for role in roles)


@lru_cache(maxsize=4)
def _register(path: Path, _written: int) -> dict[str, list[list[str]]]:
    content: dict[str, list[list[str]]] = json.loads(path.read_text(encoding="utf-8"))
    return content
