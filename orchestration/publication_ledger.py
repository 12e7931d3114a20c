"""The publication ledger: every value ever released, kept for good.

Belongs here: reading released values out of release files, appending what is new, the hash chain, noticing losses.
Does not belong here: what an old value means for the figures of today (dbt `int_disclosure__known`,
`disclosure.revision`), releasing (`orchestration.publish`).

`ledger.jsonl` beside the releases is the register: a line per release file and a line (`"kind": "cells"`) per Parquet
file of released values, each with the SHA-256 of the line before it. The Parquet files hold only what a release showed
for the first time or with another value; public ones lie in `ledger/`, those of the internal tiers in `intern/ledger/`.
Nothing is ever rewritten. A file that was lost or changed is an error, because a release decided without knowing what
was published before may give it away.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from lagebild.instance import PUBLIC, Instance
from orchestration.database_files import file_sha256, sql_literal

REGISTER_NAME: Final = "ledger.jsonl"
FOLDER_NAME: Final = "ledger"
INTERNAL_FOLDER: Final = "intern"
TIER_FACTS: Final = "mart_measure_intern"
CELLS: Final = "cells"

_COLUMNS: Final = (
    "measure_id",
    "definition",
    "period_key",
    "area_key",
    "group_key",
    "value",
    "audience",
    "release_id",
)
_MEANING: Final = ("definition", "unit", "value_kind")
"""What of `dim_measure` a value means: other words, another definition."""
_SAME: Final = 1e-9
"""Sums of doubles differ in their last digits from run to run; that is no revision."""


class LedgerBroken(RuntimeError):
    """The register and its files disagree. `problems` are German sentences without figures."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("Das Verzeichnis der Veröffentlichungen ist beschädigt: " + " ".join(problems))


@dataclass(frozen=True)
class CellsEntry:
    """One file of released values. A line of the register."""

    release_id: str
    audience: str
    file_name: str
    """Relative to the folder of the releases."""
    sha256: str
    rows: int
    kind: str = CELLS


@dataclass(frozen=True)
class ReleasedTable:
    """Where an audience's released values of one release stand."""

    audience: str
    files: tuple[Path, ...]
    """Release files; for the public one, for Kommunen one per Kommune."""
    table: str = "fct_measure"


def ledger_vars(instance: Instance) -> dict[str, str]:
    """`--vars` that let dbt read the ledger; empty texts before the first release.

    Settles what an interrupted run left behind and checks every file. Raises LedgerBroken.
    """
    published = instance.paths.published
    settle(published)
    problems = damages(published)
    if problems:
        raise LedgerBroken(problems)
    return {
        "ledger_dir": _readable(published / FOLDER_NAME),
        "internal_ledger_dir": _readable(published / INTERNAL_FOLDER / FOLDER_NAME),
    }


def settle(published: Path) -> None:
    """Finishes what was interrupted, and reads the releases of an installation from before there was a ledger.

    Every release file whose values are not registered yet is read, oldest first.
    """
    if not published.exists():
        return
    entries = cells_entries(published)
    for entry in entries:
        _finish(published, entry)
    for item in _release_files(published):
        release_id = item.files[0].stem.removeprefix("release-")
        known = {entry.release_id for entry in entries if entry.audience == item.audience}
        # A file without a line is a damage for `damages` to report, not a reason to write it again.
        if release_id not in known and not _cells_file(published, release_id, item.audience).exists():
            record(published, release_id, [item])


def _release_files(published: Path) -> Iterator[ReleasedTable]:
    """All release files there are, oldest first, those of the internal tiers by audience."""
    for file in sorted(published.glob("release-*.duckdb")):
        yield ReleasedTable(PUBLIC, (file,))
    found: dict[tuple[str, str], list[Path]] = {}
    for file in sorted((published / INTERNAL_FOLDER).glob("*/release-*.duckdb")):
        # Folders are called after the audience, or after audience and area.
        found.setdefault((file.name, file.parent.name.split("-", 1)[0]), []).append(file)
    for (_, audience), files in sorted(found.items()):
        yield ReleasedTable(audience, tuple(files), TIER_FACTS)


def record(published: Path, release_id: str, released: Sequence[ReleasedTable]) -> list[CellsEntry]:
    """Appends the new and changed values of a release that has just gone live.

    Order: draft, line in the register, rename. Whatever is interrupted, `settle` can finish it.
    """
    entries = []
    for item in released:
        folder = _folder(published, item.audience)
        target = _cells_file(published, release_id, item.audience)
        if target.exists():
            raise FileExistsError(f"{target.name} exists already")
        draft = _draft(target)
        rows = _write_new_values(draft, folder, release_id, item)
        _flush(draft)
        entry = CellsEntry(
            release_id, item.audience, str(target.relative_to(published)), file_sha256(draft), rows
        )
        append(published, asdict(entry))
        os.replace(draft, target)
        entries.append(entry)
    return entries


def append(published: Path, row: Mapping[str, Any]) -> None:
    """Adds a line to the register, chained to the line before it."""
    path = published / REGISTER_NAME
    lines = _lines(path)
    chained = {**row, "previous": _line_hash(lines[-1]) if lines else ""}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(chained, ensure_ascii=False, sort_keys=True) + "\n")
        file.flush()
        os.fsync(file.fileno())


def cells_entries(published: Path) -> list[CellsEntry]:
    """Registered files of values, oldest first."""
    rows = read_register(published)
    names = CellsEntry.__dataclass_fields__
    return [
        CellsEntry(**{key: value for key, value in row.items() if key in names})
        for row in rows
        if row.get("kind") == CELLS
    ]


def read_register(published: Path) -> list[dict[str, Any]]:
    """All lines of the register, oldest first. Raises LedgerBroken when one is unreadable."""
    found = []
    for number, line in enumerate(_lines(published / REGISTER_NAME), start=1):
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise LedgerBroken([f"Zeile {number} ist unlesbar."]) from error
    return found


def damages(published: Path) -> list[str]:
    """What is wrong with the register and its files, in German; empty when everything is as it was written."""
    try:
        return list(_damages(published))
    except LedgerBroken as broken:
        return list(broken.problems)


def _damages(published: Path) -> Iterator[str]:
    lines = _lines(published / REGISTER_NAME)
    rows = read_register(published)
    chained = False
    for number, row in enumerate(rows, start=1):
        # Lines from before there was a chain come first; after the first link every line has one.
        expected = _line_hash(lines[number - 2]) if number > 1 else ""
        if ("previous" in row or chained) and row.get("previous") != expected:
            yield f"Zeile {number} schließt nicht an die vorige an."
        chained = chained or "previous" in row
    entries = cells_entries(published)
    for entry in entries:
        path = published / entry.file_name
        if not path.exists():
            yield f"Die Datei {entry.file_name} fehlt."
        elif file_sha256(path) != entry.sha256:
            yield f"Die Datei {entry.file_name} wurde verändert."
    registered = {entry.file_name for entry in entries}
    for folder in (published / FOLDER_NAME, published / INTERNAL_FOLDER / FOLDER_NAME):
        for path in sorted(folder.glob("*.parquet")):
            name = str(path.relative_to(published))
            if name not in registered:
                yield f"Die Datei {name} ist nicht verzeichnet."
    with_values = {entry.release_id for entry in entries if entry.audience == PUBLIC}
    for row in rows:
        if "kind" not in row and "previous" in row and row["release_id"] not in with_values:
            yield f"Die Werte der Veröffentlichung {row['release_id']} fehlen."


def _write_new_values(draft: Path, folder: Path, release_id: str, item: ReleasedTable) -> int:
    """Values that differ from the last one in the ledger, or were never in it. Returns their number."""
    with duckdb.connect() as connection:
        for number, file in enumerate(item.files):
            connection.execute(f"attach {sql_literal(file)} as release_{number} (read_only)")
        parts = [_values(connection, f"release_{number}", item.table) for number in range(len(item.files))]
        released = " union ".join(part for part in parts if part) or f"select {_empty()} where false"
        earlier = folder.glob("*.parquet")
        ledger = f"read_parquet({[str(path) for path in sorted(earlier)]})" if _readable(folder) else None
        before = (
            f"select * from {ledger} where audience = {sql_literal(item.audience)}"
            if ledger
            else f"select {_empty()} where false"
        )
        connection.execute(
            f"""
            copy (
                with
                    before as ({before}),
                    last_known as (
                        select
                            measure_id, period_key, area_key, group_key,
                            arg_max(value, release_id) as value,
                            arg_max(definition, release_id) as definition
                        from before
                        group by all
                    )
                select
                    released.measure_id, released.definition, released.period_key, released.area_key,
                    released.group_key, released.value,
                    {sql_literal(item.audience)} as audience, {sql_literal(release_id)} as release_id
                from ({released}) as released
                left join last_known using (measure_id, period_key, area_key, group_key)
                where
                    last_known.measure_id is null
                    or last_known.definition <> released.definition
                    or abs(last_known.value - released.value) > {_SAME} * greatest(1, abs(released.value))
                order by all
            ) to {sql_literal(draft)} (format parquet, compression zstd)
            """
        )
        row = connection.execute(f"select count(*) from read_parquet({sql_literal(draft)})").fetchone()
    assert row is not None  # an aggregate always has one row
    if item.audience != PUBLIC:
        draft.chmod(0o600)
    return int(row[0])


def _values(connection: duckdb.DuckDBPyConnection, database: str, table: str) -> str:
    """Query for the values a release file shows. Empty for a file without the tables (of another contract)."""
    columns: dict[str, set[str]] = {}
    for name, column in connection.execute(
        "select table_name, column_name from information_schema.columns where table_catalog = ?", [database]
    ).fetchall():
        columns.setdefault(name, set()).add(column)
    if "dim_measure" not in columns or not set(_COLUMNS[2:6]) <= columns.get(table, set()):
        return ""
    meaning = [f"measure.{name}" for name in _MEANING if name in columns["dim_measure"]]
    return f"""
        select
            fact.measure_id,
            left(sha256(concat_ws(chr(31), {", ".join(meaning)})), 12) as definition,
            fact.period_key, fact.area_key, fact.group_key, cast(fact.value as double) as value
        from {database}.{table} as fact
        inner join {database}.dim_measure as measure using (measure_id)
        where fact.value is not null
    """


def _empty() -> str:
    return ", ".join(
        f"cast(null as {'double' if name == 'value' else 'varchar'}) as {name}" for name in _COLUMNS
    )


def _finish(published: Path, entry: CellsEntry) -> None:
    """A registered file that was not renamed yet: the run was interrupted between the two."""
    target = published / entry.file_name
    draft = _draft(target)
    if not target.exists() and draft.exists() and file_sha256(draft) == entry.sha256:
        os.replace(draft, target)


def _cells_file(published: Path, release_id: str, audience: str) -> Path:
    if audience == PUBLIC:
        return published / FOLDER_NAME / f"release-{release_id}.parquet"
    return published / INTERNAL_FOLDER / FOLDER_NAME / f"release-{release_id}-{audience}.parquet"


def _folder(published: Path, audience: str) -> Path:
    if audience == PUBLIC:
        folder = published / FOLDER_NAME
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    folder = published / INTERNAL_FOLDER / FOLDER_NAME
    for path in (published / INTERNAL_FOLDER, folder):
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)
    return folder


def _readable(folder: Path) -> str:
    """The folder, or nothing as long as it holds no file: an empty pattern is an error for the database engine."""
    return str(folder) if any(folder.glob("*.parquet")) else ""


def _draft(target: Path) -> Path:
    return target.with_name(target.name + ".tmp")


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def _line_hash(line: str) -> str:
    return hashlib.sha256(line.encode("utf-8")).hexdigest()
