"""What a format adapter is: a pure translation of one delivered file into landing tables.

Adapters do no I/O beyond reading the file they are given, never write, and never raise on bad content:
what a supplier must correct is an `Issue` in German. `Issue.value` must not carry personal data
(for person-level sources give the column and row, not the value).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

import pyarrow as pa
import pyarrow.parquet as pq

from lagebild.instance import SourceConfig

Severity = Literal["refusal", "warning"]


@dataclass(frozen=True)
class Issue:
    """One finding about a delivery, in words its supplier understands."""

    severity: Severity
    rule: str  # short name of the rule, e.g. "Spalte fehlt"
    message: str  # what is wrong and what to do, German
    sheet: str | None = None
    row: int | None = None
    column: str | None = None
    value: str | None = None


@dataclass(frozen=True)
class DeliveryPeriod:
    """The period a delivery reports on; `start == end` for a Stichtag."""

    period_type: Literal["stichtag", "jahr", "schuljahr", "monat"]
    start: date
    end: date


@dataclass(frozen=True)
class StoredTable:
    """A table too large for memory: a Parquet file of the delivery's work folder, read column by column.

    It answers the questions that are asked of a `pa.Table` (`num_rows`, `schema`, `column_names`, `column`); whoever
    needs rows takes the columns he needs with `columns(table, names)`.
    """

    path: Path

    @property
    def num_rows(self) -> int:
        return int(pq.read_metadata(self.path).num_rows)

    @property
    def schema(self) -> pa.Schema:
        return pq.read_schema(self.path)

    @property
    def column_names(self) -> list[str]:
        return list(self.schema.names)

    def column(self, name: str) -> pa.ChunkedArray:
        return self.select([name]).column(name)

    def select(self, names: Iterable[str]) -> pa.Table:
        """The named columns, all rows."""
        return pq.read_table(self.path, columns=list(names), partitioning=None)


Table: TypeAlias = "pa.Table | StoredTable"


def columns(table: Table, names: Iterable[str]) -> pa.Table:
    """The named columns of a table in memory; of a stored one nothing else is read."""
    return table.select(list(names))


@dataclass(frozen=True)
class ParsedDelivery:
    """Result of an adapter. `tables` lacks the provenance columns `delivery_id` and `source_id`: landing adds them.

    A delivery with a refusal has no tables. `period` is None for files that cover many periods (a dump, an area
    register): such a delivery supersedes the earlier delivery of the same file name.
    """

    tables: Mapping[str, Table] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()
    period: DeliveryPeriod | None = None
    kommune_code: str | None = None
    part: str | None = None
    """Which part of a period's delivery this file is, where one period comes as several files that do not replace one
    another (one table or level each); None: the file is the delivery."""
    published_on: date | None = None
    """Day of publication a published table names itself („Stand: …“)."""

    @property
    def refused(self) -> bool:
        return any(issue.severity == "refusal" for issue in self.issues)


class FormatAdapter(Protocol):
    """Translates one file. `name` is what `format:` in a source's YAML says."""

    name: ClassVar[str]

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery: ...


TableSink = Callable[[str, pa.Table], None]
"""Takes the next rows of a landing table."""


@runtime_checkable
class StreamingAdapter(FormatAdapter, Protocol):
    """An adapter that hands over its tables in pieces, so that a file of any size needs bounded memory."""

    def parse_into(self, path: Path, source: SourceConfig, sink: TableSink) -> ParsedDelivery:
        """Like `parse`, but every table goes to `sink` piece by piece; the result has none.

        After a refusal what was handed over is void.
        """
        ...
