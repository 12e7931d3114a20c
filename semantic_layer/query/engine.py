"""The second wall: a DuckDB connection that can read one file and nothing else, with a time limit.

Belongs here: how a release file is opened and how a statement is run. Does not: what may be asked (guard),
SQL (compile).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from semantic_layer.query.errors import QueryError, QueryTimeout, ReleaseError

LOCKED: Final[dict[str, str | bool | int | float | list[str]]] = {
    # No file but the opened one, no network, no extension, no variable of the calling program, and no statement that
    # could change this again.
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_unsigned_extensions": "false",
    "memory_limit": "1GB",
    # Sorting and joining happen in memory or not at all: no spill files beside the release.
    "max_temp_directory_size": "0KB",
    "threads": "2",
    "lock_configuration": "true",
}
TIMEOUT_SECONDS: Final = 20.0


def connect(path: Path) -> duckdb.DuckDBPyConnection:
    """Read-only, locked connection. Raises `ReleaseError` for a file that is absent or no release."""
    if not path.is_file():
        raise ReleaseError(
            "Es gibt noch keinen veröffentlichten Datenstand. Bitte zuerst »lagebild refresh« ausführen."
        )
    try:
        return duckdb.connect(str(path), read_only=True, config=LOCKED)
    except duckdb.Error as error:
        raise ReleaseError(f"Der Datenstand „{path.name}“ lässt sich nicht öffnen.") from error


@contextmanager
def _time_limit(connection: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[threading.Event]:
    expired = threading.Event()

    def stop() -> None:
        expired.set()
        connection.interrupt()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield expired
    finally:
        timer.cancel()


def run(connection: duckdb.DuckDBPyConnection, sql: str, timeout: float = TIMEOUT_SECONDS) -> pa.Table:
    """Run one statement on a cursor of its own (safe from several threads) and fetch all of it.

    Raises `QueryTimeout` after `timeout` seconds and `QueryError` for what the engine refuses; both in German, the
    engine's own words only as the cause.
    """
    cursor = connection.cursor()
    try:
        with _time_limit(cursor, timeout) as expired:
            try:
                return cursor.execute(sql).to_arrow_table()
            except duckdb.Error as error:
                raise _in_german(error, expired.is_set(), timeout) from error
    finally:
        cursor.close()


def _in_german(error: duckdb.Error, timed_out: bool, timeout: float) -> QueryError:
    if timed_out or isinstance(error, duckdb.InterruptException):
        return QueryTimeout(
            f"Die Abfrage wurde nach {timeout:g} Sekunden abgebrochen. Bitte weniger Gebiete, Zeiträume oder "
            "Merkmale auf einmal abfragen."
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return QueryError(
            "Die Abfrage braucht mehr Speicher, als für eine Abfrage vorgesehen ist. Bitte stärker eingrenzen."
        )
    if isinstance(error, duckdb.PermissionException):
        return QueryError("Die Datenbank lässt nur lesende Abfragen auf den veröffentlichten Datenstand zu.")
    if isinstance(
        error, duckdb.ConversionException | duckdb.InvalidInputException | duckdb.OutOfRangeException
    ):
        return QueryError(
            "Ein Wert der Abfrage passt nicht zum Datentyp der Spalte. Bitte die Bedingungen prüfen."
        )
    return QueryError(
        "Die Datenbank kann diese Abfrage nicht ausführen. Bitte Spalten und Bedingungen prüfen."
    )


__all__ = ["LOCKED", "TIMEOUT_SECONDS", "connect", "run"]
