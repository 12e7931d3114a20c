"""One released file, read-only: who made it, what it holds, rows by query.

Belongs here: the only place of this room that opens a database. Does not belong here: what a report says about it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from lagebild import german

Row = Mapping[str, Any]


class NothingReleased(Exception):
    """There is no release, or it lacks what the report is about; the text is German and meant for the reader."""


@dataclass(frozen=True)
class ReleaseInfo:
    """What stands on every page. Grain: one release."""

    release_id: str
    instance: str
    title: str
    is_synthetic: bool
    attribution: str
    released_on: date

    @property
    def mark(self) -> str:
        """Release and day, for the foot of every page."""
        return f"Veröffentlichung {self.release_id} vom {german.day(self.released_on)}"

    @property
    def name(self) -> str:
        """The title without a bracket that only repeats that the data are synthetic."""
        return self.title.removesuffix(" (synthetisch)").removeprefix("Lagebild ")


class Release:
    """A released file. Close it, or use it as a context.

    Raises NothingReleased when the file does not exist or describes nothing.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise NothingReleased("Es gibt noch keine Veröffentlichung.")
        self.path = path
        self._db = duckdb.connect(str(path), read_only=True)

    def __enter__(self) -> Release:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Rows of a query by column name."""
        cursor = self._db.execute(query, list(parameters))
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    @cached_property
    def _tables(self) -> frozenset[str]:
        return frozenset(
            row["table_name"] for row in self.rows("select table_name from information_schema.tables")
        )

    def has(self, table: str) -> bool:
        """True where the release has the table with at least one row; sections without rows are left out."""
        return table in self._tables and bool(self.rows(f'select 1 from "{table}" limit 1'))

    @cached_property
    def info(self) -> ReleaseInfo:
        found = self.rows("select * from dim_release")
        if not found:
            raise NothingReleased(f"{self.path.name} beschreibt keine Veröffentlichung.")
        row = found[0]
        moment = row["released_at"]
        released = moment if isinstance(moment, datetime) else datetime.fromisoformat(str(moment))
        return ReleaseInfo(
            release_id=row["release_id"],
            instance=row["instance"],
            title=row["title"],
            is_synthetic=bool(row["is_synthetic"]),
            attribution=row["attribution"],
            released_on=released.date(),
        )


__all__ = ["NothingReleased", "Release", "ReleaseInfo", "Row"]
