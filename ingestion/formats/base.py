"""What a format adapter is: a pure translation of one delivered file into landing tables.

Adapters do no I/O beyond reading the file they are given, never write, and never raise on bad content:
what a supplier must correct is an `Issue` in German. `Issue.value` must not carry personal data
(for person-level sources give the column and row, not the value).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import ClassVar, Literal, Protocol

import pyarrow as pa

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
class ParsedDelivery:
    """Result of an adapter. `tables` lacks the provenance columns `delivery_id` and `source_id`: landing adds them.

    A delivery with a refusal has no tables. `period` is None for files that cover many periods (a dump, an area
    register): such a delivery supersedes the earlier delivery of the same file name.
    """

    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()
    period: DeliveryPeriod | None = None
    kommune_code: str | None = None

    @property
    def refused(self) -> bool:
        return any(issue.severity == "refusal" for issue in self.issues)


class FormatAdapter(Protocol):
    """Translates one file. `name` is what `format:` in a source's YAML says."""

    name: ClassVar[str]

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery: ...
