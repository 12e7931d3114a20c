"""What the table formats share: file name → period and Kommune, parts → landing tables."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

from ingestion.formats.base import DeliveryPeriod, Issue, ParsedDelivery
from ingestion.formats.mapping import map_part
from ingestion.formats.raw import RawTable
from ingestion.formats.reading import Context
from ingestion.formats.spec import Part, Period, TabularOptions
from lagebild.instance import SourceConfig

ReadPart = Callable[[Part, TabularOptions], RawTable | Issue | list[Issue]]
"""Reads the raw table of a part, or says what the supplier must correct."""


@dataclass(frozen=True)
class Head:
    """What is known of a file before it is opened."""

    options: TabularOptions
    context: Context
    kommune: str | None

    @property
    def period_header(self) -> str:
        """The column that holds the Stichtag, if one does."""
        return self.options.period.header if self.options.period else ""

    @property
    def part(self) -> str | None:
        """Which part of its period's delivery the file is; None: all of it."""
        template = self.options.delivery_part
        return template.format(**self.context.names) if template else None


def read_head(path: Path, source: SourceConfig) -> Head | Issue:
    """The head of a file, from its name and the source's options."""
    options = TabularOptions.of(source.options)
    names: dict[str, str] = {}
    if options.file_pattern:
        match = re.fullmatch(options.file_pattern, path.name)
        if match is None:
            return _bad_name(path)
        names = {name: text for name, text in match.groupdict().items() if text is not None}
    try:
        period = period_from_name(options.period, names)
    except ValueError:
        return _bad_name(path)
    context = Context(
        names,
        options.decimal,
        source.personal,
        period,
        may_be_empty=source.checks.expected_rows_min == 0,
        refused_columns=source.protection.refuse_columns,
    )
    return Head(options, context, options.kommune.format(**names) if options.kommune else None)


def parse_tabular(path: Path, source: SourceConfig, read: ReadPart) -> ParsedDelivery:
    """Parses one file whose parts are read by `read`."""
    head = read_head(path, source)
    if isinstance(head, Issue):
        return ParsedDelivery(issues=(head,))
    issues: list[Issue] = []
    tables: dict[str, list[pa.Table]] = {}
    period = head.context.period
    for part in head.options.parts:
        raw = read(part, head.options)
        if not isinstance(raw, RawTable):
            issues.extend([raw] if isinstance(raw, Issue) else raw)
            continue
        outcome, part_period = map_part(raw, part, head.context, head.period_header)
        issues.extend(outcome.issues)
        period = period or part_period
        if outcome.table is not None:
            tables.setdefault(part.table, []).append(outcome.table)
    refused = any(issue.severity == "refusal" for issue in issues)
    joined = {} if refused else {name: pa.concat_tables(found) for name, found in tables.items()}
    return ParsedDelivery(
        tables=joined, issues=tuple(issues), period=period, kommune_code=head.kommune, part=head.part
    )


def period_from_name(period: Period | None, names: dict[str, str]) -> DeliveryPeriod | None:
    """The period a file name tells; None where it tells none. Raises ValueError for an impossible date."""
    if period is None:
        return None
    if period.type == "stichtag":
        if "date" in names:
            day = date.fromisoformat(names["date"])
        elif "year" in names:
            day = date.fromisoformat(f"{names['year']}-{period.day}")
        else:
            return None
        return DeliveryPeriod("stichtag", day, day)
    if "year" not in names:
        return None
    year = int(names["year"])
    if period.type == "jahr":
        return DeliveryPeriod("jahr", date(year, 1, 1), date(year, 12, 31))
    return DeliveryPeriod("schuljahr", date(year, 8, 1), date(year + 1, 7, 31))


def _bad_name(path: Path) -> Issue:
    return Issue(
        "refusal",
        "Dateiname",
        f"Der Name „{path.name}“ entspricht nicht der Vereinbarung; Zeitraum oder Stelle lassen sich nicht erkennen. "
        "Bitte unter dem vereinbarten Namen neu liefern.",
    )
