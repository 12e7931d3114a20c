"""Database files of a Fachverfahren (SQLite or DuckDB): each part is a query, its result columns are the headers."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Final

import duckdb
import numpy as np

from ingestion.formats.base import Issue, ParsedDelivery
from ingestion.formats.raw import RawTable
from ingestion.formats.tabular import parse_tabular
from lagebild.instance import SourceConfig

_SQLITE_MAGIC: Final = b"SQLite format 3\x00"

Query = Callable[[str], tuple[list[str], list[tuple[Any, ...]]]]


class DatabaseAdapter:
    """`format: database`; options: `ingestion.formats.spec.TabularOptions`, each part has a `query`.

    The kind of database is seen from the file itself. It is opened read-only.
    """

    name: ClassVar[str] = "database"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        with path.open("rb") as stream:
            is_sqlite = stream.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC
        try:
            if is_sqlite:
                # immutable: no journal beside the original, whatever state the supplier left it in
                connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
                try:
                    return parse_tabular(path, source, lambda part, _: _read(_sqlite(connection), part.query))
                finally:
                    connection.close()
            settings: dict[str, str | bool | int | float | list[str]] = {
                "enable_external_access": "false",
                "lock_configuration": "true",
            }
            with duckdb.connect(str(path), read_only=True, config=settings) as opened:
                return parse_tabular(path, source, lambda part, _: _read(_duckdb(opened), part.query))
        except (sqlite3.DatabaseError, duckdb.Error):
            return ParsedDelivery(
                issues=(
                    Issue(
                        "refusal",
                        "Datenbank nicht lesbar",
                        "Die Datenbankdatei ist beschädigt oder keine SQLite- oder DuckDB-Datei. Bitte neu ausleiten.",
                    ),
                )
            )


def _sqlite(connection: sqlite3.Connection) -> Query:
    def run(query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        cursor = connection.execute(query)
        return [item[0] for item in cursor.description], cursor.fetchall()

    return run


def _duckdb(connection: duckdb.DuckDBPyConnection) -> Query:
    def run(query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        cursor = connection.execute(query)
        return [item[0] for item in cursor.description or []], cursor.fetchall()

    return run


def _read(run: Query, query: str) -> RawTable | Issue:
    try:
        headers, rows = run(query)
    except (sqlite3.OperationalError, duckdb.CatalogException, duckdb.BinderException) as error:
        # Both engines name the missing table or column here, never a value.
        return Issue(
            "refusal",
            "Tabelle oder Spalte fehlt",
            f"Die Datenbank hat nicht den vereinbarten Aufbau: {str(error).splitlines()[0]}.",
        )
    columns = (
        tuple(list(column) for column in zip(*rows, strict=True)) if rows else tuple([] for _ in headers)
    )
    return RawTable(tuple(headers), columns, np.arange(1, len(rows) + 1, dtype=np.int64), None, 0)
