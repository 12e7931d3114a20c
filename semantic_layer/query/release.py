"""Open a release and ask it. The only module of this package that knows where released files lie."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import duckdb
import pyarrow as pa
from pydantic import ValidationError

from lagebild.instance import list_instances
from lagebild.paths import InstancePaths
from semantic_layer.query import engine, guard, measure_sql
from semantic_layer.query.compile import Compiled, compile_query
from semantic_layer.query.errors import QueryError, ReleaseError, did_you_mean
from semantic_layer.query.metadata import Metadata, Metric, load
from semantic_layer.query.model import Query
from semantic_layer.query.result import MetricInfo, Result, footnotes_of

LEDGER = "ledger.jsonl"
AsOf = str | date | datetime | None


@dataclass(frozen=True)
class LedgerEntry:
    """One published release, as its line in the ledger says."""

    release_id: str
    file_name: str
    published_at: datetime


class Release:
    """An opened release: locked connection and metadata. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = engine.connect(path)
        try:
            self.metadata: Metadata = load(self._connection)
        except duckdb.Error as error:
            self._connection.close()
            raise ReleaseError(f"Die Datei „{path.name}“ ist kein vollständiger Datenstand.") from error
        except QueryError:
            self._connection.close()
            raise
        self._compiled = lru_cache(maxsize=512)(self._compile_json)

    @property
    def release_id(self) -> str:
        return self.metadata.release_id

    def compile(self, query: Query) -> Compiled:
        """SQL of a query for this release; the same question is compiled once."""
        return self._compiled(query.model_dump_json())

    def _compile_json(self, text: str) -> Compiled:
        return compile_query(Query.model_validate_json(text), self.metadata)

    def run(self, query: Query, timeout: float = engine.TIMEOUT_SECONDS) -> Result:
        """Answer a query. Raises `QueryError` (German) or, after `timeout` seconds, `QueryTimeout`."""
        compiled = self.compile(query)
        table = engine.run(self._connection, compiled.sql, timeout)
        metrics = tuple(dict.fromkeys(plan.metric.key for plan in compiled.plans))
        return self._result(table, compiled.sql, query.limit, metrics, compiled.notices)

    def sql(
        self, statement: str, limit: int = guard.DEFAULT_LIMIT, timeout: float = engine.TIMEOUT_SECONDS
    ) -> Result:
        """Run an analyst's SELECT, with or without `MEASURE()`. Raises `GuardRefusal` for what is not allowed."""
        rewritten = measure_sql.rewrite(statement, self.metadata, limit)
        table = engine.run(self._connection, rewritten.sql, timeout)
        return self._result(table, rewritten.sql, rewritten.limit, rewritten.metrics, rewritten.notices)

    def _result(
        self, table: pa.Table, sql: str, limit: int, metrics: Iterable[str], notices: tuple[str, ...]
    ) -> Result:
        truncated = table.num_rows > limit
        if truncated:
            table = table.slice(0, limit)
            notices = (*notices, f"Die Antwort ist auf {limit} Zeilen begrenzt; es gibt mehr.")
        return Result(
            table=table,
            release_id=self.metadata.release_id,
            instance=self.metadata.instance,
            attribution=self.metadata.attribution,
            sql=sql,
            metrics=tuple(metric_info(self.metadata.metrics[key]) for key in metrics),
            notices=notices,
            footnotes=footnotes_of(table),
            is_truncated=truncated,
        )

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a statement of our own (passport, boundaries); never one that a caller wrote."""
        with self._connection.cursor() as cursor:
            return cursor.execute(sql, list(parameters)).fetchall()

    def records(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """`rows` with the names of their columns."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, list(parameters))
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def close(self) -> None:
        self._connection.close()


def metric_info(metric: Metric) -> MetricInfo:
    return MetricInfo(
        metric.key,
        metric.id,
        metric.version,
        metric.kind,
        metric.label,
        metric.definition,
        metric.unit,
        metric.decimals,
    )


def read_ledger(published: Path) -> list[LedgerEntry]:
    """Releases in the order they were published."""
    path = published / LEDGER
    if not path.exists():
        return []
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if "kind" in row:
            # Registers the values of a release, not a release.
            continue
        found.append(
            LedgerEntry(row["release_id"], row["file_name"], datetime.fromisoformat(row["published_at"]))
        )
    return sorted(found, key=lambda entry: entry.published_at)


def _moment(as_of: AsOf) -> datetime:
    """A day means its end, a time without zone is UTC."""
    if isinstance(as_of, datetime):
        found = as_of
    elif isinstance(as_of, date):
        found = datetime.combine(as_of, time.max)
    else:
        try:
            found = datetime.fromisoformat(str(as_of))
        except ValueError as error:
            raise QueryError(
                f"„{as_of}“ ist kein Datum. Erwartet wird zum Beispiel 2026-11-21 oder 2026-11-21T12:00."
            ) from error
        if len(str(as_of)) == len("2026-11-21"):
            found = datetime.combine(found.date(), time.max)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def release_path(instance: str, as_of: AsOf = None) -> Path:
    """File of the live release, or of the one live at a time. Raises `ReleaseError` where there is none (any more)."""
    known = list_instances()
    if instance not in known:
        raise ReleaseError(f"Die Instanz „{instance}“ gibt es nicht.{did_you_mean(instance, known)}")
    paths = InstancePaths(instance)
    if as_of is None:
        return paths.current_release
    moment = _moment(as_of)
    live = [entry for entry in read_ledger(paths.published) if entry.published_at <= moment]
    if not live:
        raise ReleaseError(
            f"Zu diesem Zeitpunkt ({moment:%d.%m.%Y %H:%M}) war noch kein Datenstand veröffentlicht."
        )
    path = paths.published / live[-1].file_name
    if not path.is_file():
        raise ReleaseError(
            f"Der Datenstand {live[-1].release_id}, der am {moment:%d.%m.%Y} galt, wird nicht mehr aufbewahrt."
        )
    return path


_open: dict[tuple[str, int, int], Release] = {}
_lock = Lock()


def open_release(instance: str, as_of: AsOf = None) -> Release:
    """The live release of an instance, or the one live at `as_of` (a day means its end). Opened once per file: a newly
    published release is a new file and is seen by the next call."""
    path = release_path(instance, as_of)
    if not path.is_file():
        return Release(path)
    state = path.stat()
    key = (str(path.resolve()), state.st_ino, state.st_mtime_ns)
    with _lock:
        found = _open.get(key)
        if found is None:
            for old in [item for item in _open if item[0] == key[0]]:
                # Still in use by whoever holds it; the cache forgets it.
                del _open[old]
            found = _open[key] = Release(path)
        return found


def query(*, instance: str, as_of: AsOf = None, **question: Any) -> Result:
    """Ask in one call: `query(instance=…, metrics=[…], by=[…], where={…}, …)`; fields as in `Query`.

    Raises `QueryError` in German, also for a field that does not exist.
    """
    return open_release(instance, as_of).run(parse_query(question))


def parse_query(question: Mapping[str, Any]) -> Query:
    """`Query` from plain data, its mistakes as one German `QueryError`."""
    try:
        return Query.model_validate(question)
    except ValidationError as error:
        raise QueryError(" ".join(in_german(item) for item in error.errors())) from error


_FIELDS = tuple(Query.model_fields)


def in_german(item: Any) -> str:
    where = ".".join(str(step) for step in item["loc"])
    kind = item["type"]
    if kind == "extra_forbidden":
        return f"Die Angabe „{where}“ gibt es nicht.{did_you_mean(str(item['loc'][-1]), _FIELDS)}"
    if kind == "missing":
        return f"Die Angabe „{where}“ fehlt."
    if kind == "value_error":
        return str(item["msg"]).removeprefix("Value error, ")
    if kind == "literal_error":
        possible = item["ctx"]["expected"].replace(" or ", ", ")
        return f"„{item['input']}“ ist für „{where}“ nicht möglich. Es gibt: {possible}."
    return f"Die Angabe „{where}“ hat nicht die erwartete Form."


__all__ = [
    "AsOf",
    "LedgerEntry",
    "Release",
    "metric_info",
    "open_release",
    "parse_query",
    "query",
    "read_ledger",
    "release_path",
]
