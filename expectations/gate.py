"""The landing gate: Great Expectations on the parsed tables, its verdict in German issues.

Refusals keep a delivery out; warnings let it pass and are reported. Nothing is written here: what Great Expectations
found is handed to a `Recorder` (landing keeps it for the Data Docs).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol

import pandas as pd
import pyarrow as pa

from expectations.context import NO_CONTEXT, GateContext
from expectations.rules.areas import microdata_areas, observed_areas
from expectations.rules.comparison import Judgement, optional
from expectations.rules.completeness import completeness
from expectations.rules.jumps import jumps, row_jumps
from expectations.rules.observed import observed
from expectations.rules.plausibility import counted_parts, observed_parts
from expectations.rules.sums import sums
from expectations.rules.sums_between import sums_between
from expectations.rules.values import duplicates, ranges
from expectations.tables import conformed, select
from ingestion.formats.base import Issue, ParsedDelivery
from ingestion.landing.contracts import TABLES
from lagebild.instance import SourceConfig

if TYPE_CHECKING:
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult

FIRST_ROWS: Final = 5
"""Offending rows a personal source is told per rule; the count is always exact."""
NAMED_ROWS: Final = 200
"""Offending rows any other source is told per rule, each as an issue of its own."""

PLACE: Final = ("source_row", "source_sheet")
"""Where a row stands in the supplier's file."""

# Great Expectations would report usage over the network; a protected zone tells nobody anything.
os.environ["GX_ANALYTICS_ENABLED"] = "false"


class Recorder(Protocol):
    """Receives what Great Expectations found, suite by suite."""

    def __call__(self, result: ExpectationSuiteValidationResult) -> None: ...


def _ignore(result: ExpectationSuiteValidationResult) -> None:
    return None


def check(
    source: SourceConfig,
    parsed: ParsedDelivery,
    context: GateContext = NO_CONTEXT,
    record: Recorder = _ignore,
) -> list[Issue]:
    """Issues of a parsed delivery against contract, code lists, the source's `checks` and what is known beside it.

    Values of offending cells are named for non-personal sources only.
    """
    issues: list[Issue] = []
    for name in source.tables:
        if name not in parsed.tables and name not in source.optional_tables:
            issues.append(
                Issue("refusal", "Tabelle fehlt", f"Die Lieferung enthält keine Angaben für „{name}“.")
            )
    for name, table in parsed.tables.items():
        structure = list(_structure(name, table, source))
        if structure:
            # The content of a table of the wrong shape cannot be judged.
            issues.extend(structure)
            continue
        cells = list(_content(name, table, source, record))
        issues.extend(cells)
        if not any(issue.severity == "refusal" for issue in cells):
            # Sums and jumps of cells that are wrong in themselves would only repeat the same fault.
            found = [item for item in _judgements(name, table, source, parsed, context) if len(item.frame)]
            issues.extend(_compare(name, source, found, record))
    return issues


def _judgements(
    name: str, table: Any, source: SourceConfig, parsed: ParsedDelivery, context: GateContext
) -> Iterator[Judgement]:
    checks, known = source.checks, context.areas
    period = parsed.period
    earlier = (
        context.earlier(period.period_type, period.end, parsed.kommune_code, parsed.part)
        if period is not None
        else None
    )
    yield from duplicates(name, table, checks.duplicates.severity)
    if name == "observation":
        frame = observed(table)
        yield from ranges(frame, context.measures, checks.ranges)
        if known is not None:
            yield from observed_areas(frame, known, checks.areas)
        yield from completeness(
            frame,
            source.id,
            parsed.kommune_code,
            known,
            context.measures,
            checks.completeness,
            partial=parsed.part is not None,
        )
        yield from sums(frame, known, context.measures, checks.sums)
        if checks.sums.between_deliveries:
            yield from sums_between(frame, context, checks.sums)
        if earlier is not None:
            yield from jumps(frame, earlier, context.measures, checks.jumps)
        yield from observed_parts(frame, context, checks.plausibility)
    if name in ("person", "case"):
        if known is not None:
            yield from microdata_areas(name, table, known, checks.areas, source.personal)
        if earlier is not None:
            yield from row_jumps({name: table.num_rows}, earlier, checks.jumps)
        if period is not None and period.period_type == "stichtag":
            yield from counted_parts(name, table, source.id, period.end, context, checks.plausibility)


def _structure(name: str, table: Any, source: SourceConfig) -> Iterator[Issue]:
    if name not in source.tables or name not in TABLES:
        yield Issue("refusal", "Unerwartete Tabelle", f"„{name}“ ist für diese Quelle nicht vereinbart.")
        return
    expected = {field.name for field in TABLES[name]} - {"delivery_id", "source_id"}
    for column in sorted(set(table.column_names) - expected):
        yield Issue("refusal", "Unerwartete Spalte", f"„{column}“ gehört nicht zu „{name}“.", column=column)
    present = {field.name: field.type for field in table.schema}
    for field in TABLES[name]:
        if field.name not in present:
            if not field.nullable and field.name in expected:
                yield Issue("refusal", "Spalte fehlt", f"„{field.name}“ ist nötig.", column=field.name)
            continue
        if present[field.name] == field.type:
            continue
        try:
            select(table, [field.name]).column(field.name).cast(field.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            yield Issue(
                "refusal",
                "Falscher Datentyp",
                "Die Angaben haben nicht die vereinbarte Art (Zahl, Datum oder Text). Bitte berichtigen.",
                column=field.name,
            )


def _content(name: str, table: Any, source: SourceConfig, record: Recorder) -> Iterator[Issue]:
    # Great Expectations takes seconds to import: only when something is gated.
    from expectations.suites import offenders, suite

    empty = _empty_columns(name, table)
    rules = suite(name, source, table.num_rows, empty)
    frame = _frame(name, table, _columns(rules.expectations))
    seen: set[str] = set()
    for result in _failures(frame, rules, PLACE, source.personal, record):
        meta, column = result.expectation_config.meta, result.expectation_config.kwargs.get("column")
        if "range" not in meta:
            yield from _cell_issues(result, source.personal)
        elif column not in seen:  # below and above are one finding
            seen.add(column)
            for found in _failures(frame, offenders(column, meta), PLACE, source.personal, _ignore):
                yield from _cell_issues(found, source.personal)


def _empty_columns(name: str, table: Any) -> frozenset[str]:
    """Contract columns without a single value."""
    present = set(table.column_names)
    empty = {field.name for field in TABLES[name] if field.name not in present}
    for field in TABLES[name]:
        if field.name in present and pa.types.is_primitive(field.type):
            column = select(table, [field.name]).column(field.name)
            if column.null_count == table.num_rows:
                empty.add(field.name)
    return frozenset(empty)


def _compare(name: str, source: SourceConfig, found: list[Judgement], record: Recorder) -> Iterator[Issue]:
    """Judges the comparisons and words what offends."""
    from expectations.suites import comparison_suite, rule_columns

    if not found:
        return
    columns = [
        item.frame["excess"].rename(column).reset_index(drop=True)
        for column, item in zip(rule_columns(found), found, strict=True)
    ]
    frame = pd.concat(columns, axis=1).astype(float)
    frame["finding"] = range(len(frame))
    for result in _failures(
        frame, comparison_suite(source, name, found), ("finding",), source.personal, record
    ):
        item = found[result.expectation_config.meta["position"]]
        offending = item.frame[item.frame["excess"] > 0]
        limit = FIRST_ROWS if source.personal else NAMED_ROWS
        for row in offending.head(limit).itertuples(index=False):
            yield Issue(
                severity=item.severity,
                rule=item.rule,
                message=str(row.message),
                sheet=optional(row.sheet),
                row=optional(row.row),
                column=optional(row.column),
                value=None if source.personal else optional(row.value),
            )
        rest = len(offending) - limit
        if rest > 0:
            yield Issue(item.severity, item.rule, f"Dazu {rest} weitere Fälle derselben Art.")


def _failures(
    frame: pd.DataFrame, rules: Any, index: tuple[str, ...], personal: bool, record: Recorder
) -> Iterator[Any]:
    batch = _batch_definition().get_batch(batch_parameters={"dataframe": frame})
    outcome = batch.validate(
        rules,
        result_format={
            "result_format": "SUMMARY" if personal else "COMPLETE",
            "unexpected_index_column_names": [name for name in index if name in frame],
        },
    )
    record(outcome)
    for result in outcome.results:
        if result.success:
            continue
        if result.exception_info.get("raised_exception", True):
            raise RuntimeError(f"rule could not be evaluated: {result.expectation_config}")
        yield result


def _cell_issues(result: Any, personal: bool) -> Iterator[Issue]:
    """One issue per offending row; a single one with the first rows for a personal source."""
    config, found = result.expectation_config, result.result
    meta, column = config.meta, config.kwargs.get("column")
    severity, rule, message = meta["severity"], meta["rule"], meta["action"]
    count = found.get("unexpected_count")
    if not count:
        if "observed_value" in found:
            message += f" Gezählt: {found['observed_value']} Zeilen."
        yield Issue(severity, rule, message, column=column)
        return
    # With an index column Great Expectations names the offending value beside it, except where it is NULL.
    listed = found.get("unexpected_index_list") or found.get("partial_unexpected_index_list") or []
    places = [
        (int(item["source_row"]), _text(item.get("source_sheet")), _text(item.get(column)))
        for item in listed
        if not pd.isna(item["source_row"])
    ]
    if personal or severity == "warning":
        first = places[:FIRST_ROWS]
        message += f" Betroffen: {count} Zeilen"
        message += f", zuerst Zeile {', '.join(str(row) for row, _, _ in first)}." if first else "."
        row, sheet = first[0][:2] if first else (None, None)
        yield Issue(severity, rule, message, sheet, row, column)
        return
    if not places:
        yield Issue(severity, rule, f"{message} Betroffen: {count} Zeilen.", column=column)
        return
    named = sorted(places, key=lambda place: (place[1] or "", place[0]))[:NAMED_ROWS]
    for row, sheet, value in named:
        yield Issue(severity, rule, message, sheet, row, column, value)
    if count > len(named):
        yield Issue(severity, rule, f"Dazu {count - len(named)} weitere Zeilen derselben Art.", column=column)


def _text(cell: Any) -> str | None:
    return None if cell is None or pd.isna(cell) else str(cell)


def _columns(rules: list[Any]) -> set[str]:
    """Columns any of the expectations looks at."""
    return {rule.column for rule in rules if hasattr(rule, "column")}


def _frame(name: str, table: Any, needed: set[str]) -> pd.DataFrame:
    """The needed columns in pandas, read one by one; texts and dates as categories, which keeps a register of millions
    of rows small. A text only asked whether it is there (a key, unlike for every row) becomes one category."""
    data: dict[str, Any] = {}
    for field in TABLES[name]:
        if field.name not in needed or field.name == "source_row":
            continue
        values = conformed(name, table, [field.name]).column(field.name)
        if field.name in _KEYS:
            values = values.is_valid().cast(pa.int8()).to_pandas()
            data[field.name] = values.where(values == 1)
            continue
        if not pa.types.is_floating(values.type) and not pa.types.is_integer(values.type):
            values = values.dictionary_encode().unify_dictionaries()
        data[field.name] = values.to_pandas()
    data["source_row"] = conformed(name, table, ["source_row"]).column("source_row").to_pandas()
    if "source_sheet" in table.column_names:
        sheets = conformed(name, table, ["source_sheet"]).column("source_sheet")
        if sheets.null_count < len(sheets):
            data["source_sheet"] = sheets.dictionary_encode().unify_dictionaries().to_pandas()
    return pd.DataFrame(data)


_KEYS: Final = frozenset({"person_key", "household_key"})
"""Columns that are different in nearly every row and are only asked for their presence."""


@cache
def _batch_definition() -> BatchDefinition[Any]:
    import great_expectations as gx

    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    asset = context.data_sources.add_pandas("landing").add_dataframe_asset("table")
    return asset.add_batch_definition_whole_dataframe("whole")
