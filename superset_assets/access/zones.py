"""Which released file a database connection may open, and how.

A connection of Superset is a text anybody with the right can edit. Here it is turned into one of the released files or
refused, and opened in one way only, whatever the text says. Belongs here: paths. Does not belong here: users.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lagebild.paths import InstancePaths, var_dir

CURRENT: Final = "current.duckdb"
LOCKED: Final[dict[str, str]] = {
    "enable_external_access": "false",
    "lock_configuration": "true",
    "memory_limit": "1GB",
    "threads": "2",
}
"""Settings of the engine: no files, no network, no extension, and no way to change that from a statement."""


@dataclass(frozen=True, order=True)
class Zone:
    """One released file. `reader`: folder of the internal tier, e.g. `kommune-99901A01`; empty for the public file."""

    instance: str
    reader: str = ""

    @property
    def is_internal(self) -> bool:
        return bool(self.reader)

    @property
    def file(self) -> Path:
        paths = InstancePaths(self.instance)
        return paths.internal / self.reader / CURRENT if self.reader else paths.current_release


class ZoneError(ValueError):
    """The connection leads to no released file; the message is for users."""

    def __init__(self) -> None:
        super().__init__("Verbindungen führen nur zu veröffentlichten Dateien von Lagebild.")


def zone_of(backend: str, database: str | None) -> Zone:
    """The zone a connection leads to. `backend`, `database`: parts of its URL.

    Raises ZoneError for any other kind of database and any other path, links and `..` followed.
    """
    if backend != "duckdb" or not database or not Path(database).is_absolute():
        raise ZoneError
    given = Path(database)
    # The last part is a second name of the release file and must stay what it is called; folders are followed.
    resolved = given.parent.resolve() / given.name
    try:
        parts = resolved.relative_to(var_dir()).parts
    except ValueError:
        raise ZoneError from None
    if resolved.is_symlink():
        raise ZoneError
    match parts:
        case (str() as instance, "published", name) if name == CURRENT:
            return Zone(instance)
        case (str() as instance, "published", "intern", str() as reader, name) if (
            name == CURRENT and reader != "ledger"
        ):
            return Zone(instance, reader)
    raise ZoneError


def locked_arguments(pool: Any = None) -> dict[str, Any]:
    """Arguments of the engine for every zone: read-only, locked; `pool` is Superset's choice and harmless."""
    arguments: dict[str, Any] = {"connect_args": {"read_only": True, "config": dict(LOCKED)}}
    return arguments if pool is None else {**arguments, "poolclass": pool}
