"""Connector `sql`: the answer to one query as a CSV file in the inbox.

The file is UTF-8 with `;`, a decimal comma and ISO dates: the format `delimited` reads it without further options.
Rows are streamed, in a read-only session with a time limit. How snapshots and increments differ: `SqlConnector`.
"""

from __future__ import annotations

import csv
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, CursorResult, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from ingestion.connectors.failure import ConnectorFailure, Transient, Unreachable
from ingestion.connectors.inbox import begin, plain_name, sha256_of, short_hash
from ingestion.connectors.retry import with_retries
from ingestion.connectors.select_only import check_select
from ingestion.connectors.state import Mark, Pending, Version
from ingestion.connectors.visit import Visit
from lagebild.connector import SqlConnector, combinations

_READ_ONLY: Final[Mapping[str, Sequence[str]]] = {
    "sqlite": ("pragma query_only = on",),
    "duckdb": (),  # opened read-only, see _engine
    "mssql": (),  # knows no read-only session: the account must have read rights only (docs/connectors.md)
}
_STANDARD_READ_ONLY: Final = ("set transaction read only",)
"""SQL:2016, 17.2; PostgreSQL, MySQL, MariaDB and Oracle know it. A database that does not refuses, and so do we."""


def bring(config: SqlConnector, visit: Visit) -> None:
    """Writes what the database answers. Raises `Unreachable` when it cannot be had."""
    engine = _engine(config, visit)
    try:
        check_select(config.query, engine.dialect.name)
        if config.watermark_column:
            _bring_increment(engine, config, visit)
        else:
            for numbers, _ in combinations(config.over, datetime.now(UTC).date()):
                name = plain_name(config.file.format(**numbers))
                with visit.guarded(name):
                    _bring_snapshot(engine, config, name, numbers, visit)
    finally:
        engine.dispose()


def _bring_snapshot(
    engine: Engine, config: SqlConnector, name: str, numbers: Mapping[str, int], visit: Visit
) -> None:
    key = short_hash(f"{config.url_secret}|{name}")
    rows, _ = with_retries(config.retries, lambda: _extract(engine, config, dict(numbers), visit.part(key)))
    if not rows:
        # An empty table and a query that fits nothing look alike; neither is a delivery.
        visit.part(key).unlink(missing_ok=True)
        visit.say(f"{name} – keine Zeilen")
        return
    visit.accept(key, name, Version(), None)


def _bring_increment(engine: Engine, config: SqlConnector, visit: Visit) -> None:
    _settle_pending(visit)
    key = short_hash(config.url_secret)
    part = visit.part(key)
    start = visit.state.watermark.restored() if visit.state.watermark else config.watermark_start
    rows, mark = with_retries(config.retries, lambda: _extract(engine, config, {"watermark": start}, part))
    if not rows:
        part.unlink(missing_ok=True)
        visit.say("nichts Neues in der Datenbank")
        return
    if mark is None:
        part.unlink()
        raise ConnectorFailure(f"Die Spalte »{config.watermark_column}« ist in den neuen Zeilen leer.")
    name = plain_name(config.file.format(watermark=_for_name(mark)))
    # Said before and confirmed after the file arrives: a run killed between the two neither loses nor repeats rows.
    visit.state.pending = Pending(name=name, sha256=sha256_of(part), mark=Mark.of(mark))
    visit.save()
    # Every increment is a file of its own, so the key is its name.
    part.replace(visit.part(short_hash(name)))
    visit.accept(short_hash(name), name, Version(), None)
    _settle_pending(visit)


def _settle_pending(visit: Visit) -> None:
    pending = visit.state.pending
    if pending is None:
        return
    path = visit.folder / pending.name
    if path.is_file() and sha256_of(path) == pending.sha256:
        visit.state.watermark = pending.mark
    visit.state.pending = None
    visit.save()


def _for_name(mark: int | float | datetime | date | str) -> str:
    text = mark.isoformat() if isinstance(mark, date) else str(mark)
    return text.replace(":", "").replace("/", "-").replace("\\", "-")


def _engine(config: SqlConnector, visit: Visit) -> Engine:
    secret = visit.secret(config.url_secret)
    try:
        url = make_url(secret)
        if url.password:
            visit.hide(str(url.password))
        arguments: dict[str, Any] = {}
        if url.get_backend_name() == "postgresql":
            arguments = {
                "connect_timeout": 10,
                "options": f"-c statement_timeout={int(config.timeout_s * 1000)}",
            }
        elif url.get_backend_name() == "duckdb":
            arguments = {"read_only": True, "config": {"enable_external_access": "false"}}
        return sa.create_engine(url, connect_args=arguments, poolclass=NullPool, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise Unreachable(
            f"Die hinterlegte Datenbankadresse »{config.url_secret}« ist nicht lesbar, oder der Treiber fehlt."
        ) from error


def _extract(
    engine: Engine, config: SqlConnector, bound: Mapping[str, Any], part: Path
) -> tuple[int, int | float | datetime | date | str | None]:
    """One attempt: writes all rows to `part`; number of rows and the highest watermark among them."""
    begin(part)
    try:
        connection = engine.connect()
    except SQLAlchemyError as error:
        raise Transient(
            "Die Datenbank ist nicht erreichbar oder lehnt die Anmeldung ab.", unreachable=True
        ) from error
    deadline = time.monotonic() + config.timeout_s
    try:
        with connection, _cut_off(connection, config.timeout_s):
            for statement in _READ_ONLY.get(engine.dialect.name, _STANDARD_READ_ONLY):
                connection.execute(sa.text(statement))
            streaming = connection.execution_options(stream_results=True, max_row_buffer=config.rows_at_once)
            result = streaming.execute(sa.text(config.query), _used(config.query, bound))
            return _write(result, config, part)
    except SQLAlchemyError as error:
        if time.monotonic() >= deadline or "statement timeout" in str(error):
            raise ConnectorFailure(
                f"Die Abfrage dauert länger als vereinbart ({config.timeout_s:g} s)."
            ) from error
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise Transient("Die Verbindung zur Datenbank ist abgebrochen.") from error
        # The database's own words may quote rows; its kind of error is enough to look it up in its log.
        kind = type(getattr(error, "orig", None) or error).__name__
        hint = (
            " Bitte Tabellen, Spalten und Rechte prüfen."
            if isinstance(error, OperationalError | DBAPIError)
            else ""
        )
        raise ConnectorFailure(f"Die Datenbank weist die Abfrage ab ({kind}).{hint}") from error


def _used(query: str, bound: Mapping[str, Any]) -> dict[str, Any]:
    wanted = set(sa.text(query)._bindparams)
    if missing := wanted - set(bound):
        raise ConnectorFailure(f"Die Abfrage nennt Platzhalter ohne Wert: {', '.join(sorted(missing))}.")
    return {name: value for name, value in bound.items() if name in wanted}


@contextmanager
def _cut_off(connection: Connection, seconds: float) -> Iterator[None]:
    """Ends the statement from outside when the time is over: every driver here knows one way."""
    driver: Any = connection.connection.dbapi_connection
    stop: Callable[[], None] | None = getattr(driver, "interrupt", None) or getattr(driver, "cancel", None)
    if stop is None:
        yield
        return
    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _write(
    result: CursorResult, config: SqlConnector, part: Path
) -> tuple[int, int | float | datetime | date | str | None]:
    headers = list(result.keys())
    position = headers.index(config.watermark_column) if config.watermark_column in headers else None
    if config.watermark_column and position is None:
        raise ConnectorFailure(f"Das Ergebnis hat keine Spalte »{config.watermark_column}«.")
    deadline = time.monotonic() + config.timeout_s
    rows, mark = 0, None
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\n")
        writer.writerow(headers)
        for block in result.partitions(config.rows_at_once):
            if time.monotonic() > deadline:
                raise ConnectorFailure(f"Die Abfrage dauert länger als vereinbart ({config.timeout_s:g} s).")
            writer.writerows([_cell(value) for value in row] for row in block)
            rows += len(block)
            if position is not None:
                seen = [row[position] for row in block if row[position] is not None]
                mark = max([*seen, *([] if mark is None else [mark])], default=None)
    return rows, _plain_mark(mark)


def _plain_mark(mark: Any) -> int | float | datetime | date | str | None:
    if isinstance(mark, Decimal):
        return int(mark) if mark == mark.to_integral_value() else str(mark)
    if mark is None or isinstance(mark, int | float | date | str):
        return mark
    raise ConnectorFailure("Die Spalte der Fortschreibung muss eine Zahl, ein Zeitpunkt oder ein Text sein.")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Decimal | float):
        return f"{Decimal(str(value)):f}".replace(".", ",")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        raise ConnectorFailure("Das Ergebnis enthält Binärdaten; bitte diese Spalte aus der Abfrage nehmen.")
    # The format knows no line breaks inside cells.
    return " ".join(str(value).splitlines())
