"""Files of the internal tiers: what a reader gets beyond the public, one physical file per reader and release.

Belongs here: cutting schema `tiers` of the warehouse into files, checking them, making them current. Does not belong
here: who sees what (dbt, `disclosure.audiences`), the public file (`orchestration.publish`, which calls this).

A reader is an audience without areas (`intern`) or one area of an audience with areas (`kommune-99901A01`). A file
holds the reader's figures and nothing of anybody else, so that no right has to be asked for when it is opened.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from orchestration.database_files import sql_literal, switch
from orchestration.publication_ledger import FOLDER_NAME, INTERNAL_FOLDER, ReleasedTable
from orchestration.publication_ledger import TIER_FACTS as FACTS
from orchestration.release_contract import TIER_TABLES, TableContract

SCHEMA: Final = "tiers"
CURRENT_NAME: Final = "current.duckdb"
_KEYS: Final[Mapping[str, str]] = {
    "dim_area": "area_key",
    "dim_measure": "measure_id",
    "dim_period": "period_key",
    "dim_group": "group_key",
}
"""Of a dimension only what the reader's figures use."""


@dataclass(frozen=True)
class TierFile:
    """One reader's file of a release, checked, not in place yet."""

    audience: str
    reader_code: str
    draft: Path
    target: Path


def draft_files(warehouse: Path, published: Path, release_id: str) -> tuple[list[TierFile], list[str]]:
    """Writes and checks the files of all readers. Returns them with the problems found, in German without figures.

    A warehouse without schema `tiers` (an instance without audiences, an older build) has none.
    """
    files: list[TierFile] = []
    problems: list[str] = []
    for audience, reader_code in _readers(warehouse):
        name = f"{audience}-{reader_code}" if reader_code else audience
        folder = published / INTERNAL_FOLDER / name
        _own(folder)
        target = folder / f"release-{release_id}.duckdb"
        file = TierFile(audience, reader_code, target.with_name(target.name + ".tmp"), target)
        discard([file])
        files.append(file)
        with duckdb.connect() as connection:
            connection.execute(f"attach {sql_literal(warehouse)} as warehouse (read_only)")
            connection.execute(f"attach {sql_literal(file.draft)} as draft")
            _copy(connection, file)
            problems += [f"{name}: {problem}" for problem in _violations(connection, file, release_id)]
            connection.execute("checkpoint draft")
        file.draft.chmod(0o400)
    return files, problems


def put_in_place(files: Iterable[TierFile]) -> None:
    """Gives the files their names; nobody reads them by these names yet."""
    for file in files:
        os.replace(file.draft, file.target)


def make_current(files: Iterable[TierFile]) -> None:
    """Readers find the new file from now on; whoever has the old one open keeps it."""
    for file in files:
        switch(file.target, file.target.with_name(CURRENT_NAME))


def forget(published: Path, files: Sequence[TierFile], keep: int) -> None:
    """Keeps the newest `keep` files of every reader; readers who have none in this release lose theirs."""
    folders = {file.target.parent for file in files}
    for folder in sorted((published / INTERNAL_FOLDER).glob("*/")):
        if folder.name == FOLDER_NAME:
            continue
        if folder not in folders:
            shutil.rmtree(folder)
            continue
        releases = sorted(folder.glob("release-*.duckdb"))
        for old in releases[: max(0, len(releases) - keep)]:
            old.unlink()


def discard(files: Iterable[TierFile]) -> None:
    """Removes drafts that did not get into place."""
    for file in files:
        file.draft.unlink(missing_ok=True)
        file.draft.with_name(file.draft.name + ".wal").unlink(missing_ok=True)


def released(files: Sequence[TierFile]) -> list[ReleasedTable]:
    """For the publication ledger: per audience the files in place."""
    audiences = dict.fromkeys(file.audience for file in files)
    return [
        ReleasedTable(audience, tuple(file.target for file in files if file.audience == audience), FACTS)
        for audience in audiences
    ]


def _readers(warehouse: Path) -> list[tuple[str, str]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        present = connection.execute(
            "select count(*) from information_schema.tables where table_schema = ? and table_name = 'dim_reader'",
            [SCHEMA],
        ).fetchone()
        if present is None or not present[0]:
            return []
        rows = connection.execute(f"select audience, reader_code from {SCHEMA}.dim_reader order by all")
        return [(str(audience), str(code)) for audience, code in rows.fetchall()]


def _copy(connection: duckdb.DuckDBPyConnection, file: TierFile) -> None:
    mine = f"audience = {sql_literal(file.audience)} and reader_code = {sql_literal(file.reader_code)}"
    for name, table in TIER_TABLES.items():
        condition = mine
        if name in _KEYS:
            key = _KEYS[name]
            condition = f"{key} in (select {key} from draft.main.{FACTS})"
        connection.execute(
            f"create table draft.main.{name} as select * from warehouse.{SCHEMA}.{name} "
            f"where {condition} order by {', '.join(table.key)}"
        )


def _violations(connection: duckdb.DuckDBPyConnection, file: TierFile, release_id: str) -> Iterator[str]:
    for name, table in TIER_TABLES.items():
        yield from _contract_violations(connection, name, table)
    count = _Count(connection)
    if count(f"draft.main.{FACTS} where conf_status = 'C' and value is not null"):
        yield "Gesperrte Zellen tragen einen Wert."
    owner = f"audience = {sql_literal(file.audience)} and reader_code = {sql_literal(file.reader_code)}"
    if count(f"draft.main.{FACTS} where not ({owner})"):
        yield "Zeilen eines anderen Empfängers."
    if file.reader_code and count(_foreign_areas(file)):
        yield "Gebiete außerhalb des eigenen Gebiets."
    if count(
        f"draft.main.{FACTS} as mine "
        "inner join warehouse.published.fct_measure as everybody using (measure_id, area_key, period_key, group_key) "
        "where mine.value is not null and everybody.value is not null"
    ):
        yield "Werte, die öffentlich sind."
    if (
        count("draft.main.dim_reader") != 1
        or count(f"draft.main.dim_reader where release_id = {sql_literal(release_id)}") != 1
    ):
        yield "dim_reader: Kennung passt nicht zur Veröffentlichung."


def _foreign_areas(file: TierFile) -> str:
    """Areas of the file that never lay in the reader's own, asked of the hierarchy itself."""
    return f"""
        draft.main.{FACTS} as mine
        where mine.area_key not in (
            select inside.descendant_area_key
            from warehouse.core.bridge_area as inside
            inner join warehouse.core.dim_area as own on own.area_key = inside.ancestor_area_key
            inner join warehouse.staging.stg_catalogue__audience as audience
                on audience.area_system = own.area_system and audience.level = own.area_level
            where own.area_code = {sql_literal(file.reader_code)} and audience.audience = {sql_literal(file.audience)}
        )
    """


def _contract_violations(
    connection: duckdb.DuckDBPyConnection, name: str, table: TableContract
) -> Iterator[str]:
    columns = {
        str(row[0])
        for row in connection.execute(
            "select column_name from information_schema.columns "
            "where table_catalog = 'draft' and table_schema = 'main' and table_name = ?",
            [name],
        ).fetchall()
    }
    if columns != set(table.columns):
        yield f"{name}: Spalten weichen vom Vertrag ab: {', '.join(sorted(columns ^ set(table.columns)))}."
    count = _Count(connection)
    if count(f"draft.main.{name}") != count(
        f"(select distinct {', '.join(table.key)} from draft.main.{name})"
    ):
        yield f"{name}: Schlüssel ist nicht eindeutig."


@dataclass(frozen=True)
class _Count:
    connection: duckdb.DuckDBPyConnection

    def __call__(self, relation: str) -> int:
        row = self.connection.execute(f"select count(*) from {relation}").fetchone()
        assert row is not None  # an aggregate always has one row
        return int(row[0])


def _own(folder: Path) -> None:
    for path in (folder.parent, folder):
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)
