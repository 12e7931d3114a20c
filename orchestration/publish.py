"""The gate between the zones: copies the published schema of the warehouse into a release file and makes it current.

Belongs here: copying, checking the copy, the atomic switch, the ledger, removing old files.
Does not belong here: any decision on what may be published; that was taken in the warehouse.
A release that fails a check is thrown away and the current one stays.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from lagebild.instance import PUBLIC
from orchestration import publication_ledger, tiers
from orchestration.database_files import file_sha256, sql_literal, switch
from orchestration.publication_ledger import ReleasedTable
from orchestration.release_contract import RELEASE_TABLES, TableContract

RELEASE_ID_FORMAT = "%Y%m%dT%H%M%SZ"
CURRENT_NAME = "current.duckdb"
PUBLISHED_SCHEMA = "published"
_RELEASE_ID = re.compile(r"^\d{8}T\d{6}Z$")


class ReleaseRejected(RuntimeError):
    """The copy breaks the release contract; nothing was published. `problems` are German sentences without figures."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("Veröffentlichung abgelehnt: " + " ".join(problems))


@dataclass(frozen=True)
class Release:
    """One released file. Row of the ledger."""

    release_id: str
    sha256: str
    published_at: str
    fingerprint: str
    file_name: str
    size_bytes: int
    rows: Mapping[str, int]


def new_release_id(now: datetime | None = None) -> str:
    """UTC time of the release to the second."""
    return (now or datetime.now(UTC)).astimezone(UTC).strftime(RELEASE_ID_FORMAT)


def publish(
    warehouse: Path,
    published: Path,
    release_id: str,
    *,
    keep: int = 10,
    contract: Mapping[str, TableContract] = RELEASE_TABLES,
) -> Release:
    """Copies schema `published` of `warehouse` into `release-<id>.duckdb` below `published` and makes it current,
    together with the files of the internal tiers. All are checked before the first one is shown.

    Keeps the newest `keep` release files. Raises ReleaseRejected when the copy breaks the contract, ValueError for a
    malformed release id, FileExistsError when the release exists already (a release is never overwritten).
    """
    if not _RELEASE_ID.match(release_id):
        raise ValueError(f"not a release id: {release_id!r}")
    published.mkdir(parents=True, exist_ok=True)
    target = published / f"release-{release_id}.duckdb"
    if target.exists():
        raise FileExistsError(f"release {release_id} exists already")
    # What was released before has to be known completely before anything is added to it.
    publication_ledger.settle(published)
    if damages := publication_ledger.damages(published):
        raise ReleaseRejected(tuple(damages))
    draft = target.with_name(target.name + ".tmp")
    _remove_database(draft)
    tier_files: list[tiers.TierFile] = []
    try:
        with _copying(warehouse, draft) as connection:
            problems = _copy_tables(connection, contract)
            problems = problems or tuple(_violations(connection, release_id, contract))
            if problems:
                raise ReleaseRejected(problems)
            rows = {
                table: _scalar(connection, f"select count(*) from draft.main.{table}") for table in contract
            }
            fingerprint = str(
                connection.execute("select input_fingerprint from draft.main.dim_release").fetchall()[0][0]
            )
            connection.execute("checkpoint draft")
        tier_files, problems_of_tiers = tiers.draft_files(warehouse, published, release_id)
        if problems_of_tiers:
            raise ReleaseRejected(tuple(problems_of_tiers))
        draft.chmod(0o444)
        release = Release(
            release_id=release_id,
            sha256=file_sha256(draft),
            published_at=datetime.now(UTC).isoformat(timespec="seconds"),
            fingerprint=fingerprint,
            file_name=target.name,
            size_bytes=draft.stat().st_size,
            rows=rows,
        )
        os.replace(draft, target)
        tiers.put_in_place(tier_files)
    finally:
        _remove_database(draft)
        tiers.discard(tier_files)
    # From here on everybody sees the new release, one file after the other.
    tiers.make_current(tier_files)
    switch(target, published / CURRENT_NAME)
    publication_ledger.append(published, asdict(release))
    everything = [ReleasedTable(PUBLIC, (target,)), *tiers.released(tier_files)]
    publication_ledger.record(published, release_id, everything)
    _forget_old_releases(published, keep)
    tiers.forget(published, tier_files, keep)
    return release


def warehouse_release_id(warehouse: Path) -> str:
    """Release id the warehouse was built for. Raises ReleaseRejected when it holds no finished build."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        try:
            rows = connection.execute(f"select release_id from {PUBLISHED_SCHEMA}.dim_release").fetchall()
        except duckdb.CatalogException:
            rows = []
    if len(rows) != 1:
        raise ReleaseRejected(("Das Warehouse enthält keine fertig gerechnete Veröffentlichung.",))
    return str(rows[0][0])


def current_release(published: Path) -> Mapping[str, str] | None:
    """Row of `dim_release` of the live release as text, None when nothing is live."""
    current = published / CURRENT_NAME
    if not current.exists():
        return None
    with duckdb.connect(str(current), read_only=True) as connection:
        cursor = connection.execute("select * from dim_release")
        names = [column[0] for column in cursor.description or []]
        row = cursor.fetchone()
    return None if row is None else {name: str(value) for name, value in zip(names, row, strict=True)}


def read_ledger(published: Path) -> list[Release]:
    """All releases ever made, oldest first."""
    names = {field.name for field in fields(Release)}
    return [
        Release(**{name: value for name, value in row.items() if name in names})
        for row in publication_ledger.read_register(published)
        if "kind" not in row
    ]


@contextmanager
def _copying(warehouse: Path, draft: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    if not warehouse.exists():
        raise ReleaseRejected(("Es gibt noch kein Warehouse.",))
    connection = duckdb.connect()
    try:
        connection.execute(f"attach {sql_literal(warehouse)} as warehouse (read_only)")
        connection.execute(f"attach {sql_literal(draft)} as draft")
        yield connection
    finally:
        connection.close()


def _copy_tables(
    connection: duckdb.DuckDBPyConnection, contract: Mapping[str, TableContract]
) -> tuple[str, ...]:
    # Only names of the contract are copied: what else lies in the schema (a model renamed long ago) stays behind.
    present = {
        str(row[0])
        for row in connection.execute(
            "select table_name from information_schema.tables where table_catalog = 'warehouse' and table_schema = ?",
            [PUBLISHED_SCHEMA],
        ).fetchall()
    }
    missing = tuple(f"Tabelle {name} fehlt." for name in contract if name not in present)
    if not missing:
        for name, table in contract.items():
            source = f"warehouse.{PUBLISHED_SCHEMA}.{name}"
            connection.execute(
                f"create table draft.main.{name} as select * from {source}{_order(connection, name, table)}"
            )
    return missing


def _order(connection: duckdb.DuckDBPyConnection, name: str, table: TableContract) -> str:
    """Rows in the order of their key, a measure's groups side by side: a query for one figure then reads the few row
    groups that hold it (min/max of each are kept), and equal content gives equal rows in equal order."""
    present = {
        str(row[0])
        for row in connection.execute(
            "select column_name from information_schema.columns "
            "where table_catalog = 'warehouse' and table_schema = ? and table_name = ?",
            [PUBLISHED_SCHEMA, name],
        ).fetchall()
    }
    # A lacking column is for `_violations` to report.
    key = [column for column in table.key if column in present]
    if {"measure_id", "group_key"} <= set(key) and key[0] == "measure_id":
        key = ["measure_id", "group_key", *(column for column in key[1:] if column != "group_key")]
    return f" order by {', '.join(key)}" if key else ""


def _violations(
    connection: duckdb.DuckDBPyConnection, release_id: str, contract: Mapping[str, TableContract]
) -> Iterator[str]:
    for name, table in contract.items():
        columns = [
            str(row[0])
            for row in connection.execute(
                "select column_name from information_schema.columns "
                "where table_catalog = 'draft' and table_schema = 'main' and table_name = ?",
                [name],
            ).fetchall()
        ]
        beyond = sorted(set(columns) - set(table.columns))
        lacking = sorted(set(table.columns) - set(columns))
        if beyond:
            yield f"{name}: Spalten außerhalb des Vertrags: {', '.join(beyond)}."
        if lacking:
            yield f"{name}: Spalten fehlen: {', '.join(lacking)}."
        copied = _scalar(connection, f"select count(*) from draft.main.{name}")
        if copied != _scalar(connection, f"select count(*) from warehouse.{PUBLISHED_SCHEMA}.{name}"):
            yield f"{name}: Zeilenzahl weicht vom Warehouse ab."
        if set(table.key) <= set(columns):
            key = ", ".join(table.key)
            distinct = _scalar(
                connection, f"select count(*) from (select distinct {key} from draft.main.{name})"
            )
            if copied != distinct:
                yield f"{name}: Schlüssel ({key}) ist nicht eindeutig."
        if {"conf_status", "value"} <= set(columns):
            leaked = _scalar(
                connection,
                f"select count(*) from draft.main.{name} where conf_status = 'C' and value is not null",
            )
            if leaked:
                yield f"{name}: Gesperrte Zellen tragen einen Wert."
    yield from _internal_cells(connection, contract)
    if "dim_release" in contract:
        ids = connection.execute("select release_id from draft.main.dim_release").fetchall()
        if ids != [(release_id,)]:
            yield "dim_release: Kennung passt nicht zur Veröffentlichung."


def _internal_cells(
    connection: duckdb.DuckDBPyConnection, contract: Mapping[str, TableContract]
) -> Iterator[str]:
    """Cells of the internal tier in a public table, with or without a value."""
    key = ("measure_id", "area_key", "period_key", "group_key")
    columns = connection.execute(
        "select column_name from information_schema.columns where table_catalog = 'warehouse' "
        "and table_schema = 'disclosure' and table_name = 'int_disclosure__cell'"
    ).fetchall()
    if not {*key, "tier"} <= {str(row[0]) for row in columns}:
        return
    for name, table in contract.items():
        if set(key) <= set(table.columns) and _scalar(
            connection,
            f"select count(*) from draft.main.{name} inner join warehouse.disclosure.int_disclosure__cell as cell "
            f"using ({', '.join(key)}) where cell.tier <> 'public'",
        ):
            yield f"{name}: Zellen der internen Stufe."


def _forget_old_releases(published: Path, keep: int) -> None:
    files = sorted(published.glob("release-*.duckdb"))
    for old in files[: max(0, len(files) - keep)]:
        old.unlink()


def _remove_database(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_name(path.name + ".wal").unlink(missing_ok=True)


def _scalar(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    assert row is not None  # an aggregate always has one row
    return int(row[0])
