"""The landing gate: Great Expectations on the parsed tables, its verdict in German issues.

Refusals keep a delivery out; warnings let it pass and are reported. Nothing is written here.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import pyarrow as pa

from ingestion.formats.base import Issue, ParsedDelivery
from ingestion.landing.contracts import TABLES
from lagebild.instance import SourceConfig

if TYPE_CHECKING:
    from great_expectations.core.batch_definition import BatchDefinition

FIRST_ROWS: Final = 5
"""Offending rows named per rule; the count is always exact."""

# Great Expectations would report usage over the network; a protected zone tells nobody anything.
os.environ["GX_ANALYTICS_ENABLED"] = "false"


def check(source: SourceConfig, parsed: ParsedDelivery) -> list[Issue]:
    """Issues of a parsed delivery against contract, code lists, grain and the source's own bounds.

    Values of offending cells are named for non-personal sources only.
    """
    issues: list[Issue] = []
    for name in source.tables:
        if name not in parsed.tables:
            issues.append(
                Issue("refusal", "Tabelle fehlt", f"Die Lieferung enthält keine Angaben für „{name}“.")
            )
    for name, table in parsed.tables.items():
        structure = list(_structure(name, table, source))
        # The content of a table of the wrong shape cannot be judged.
        issues.extend(structure or _content(name, table, source))
    return issues


def _structure(name: str, table: pa.Table, source: SourceConfig) -> Iterator[Issue]:
    if name not in source.tables or name not in TABLES:
        yield Issue("refusal", "Unerwartete Tabelle", f"„{name}“ ist für diese Quelle nicht vereinbart.")
        return
    expected = {field.name for field in TABLES[name]} - {"delivery_id", "source_id"}
    for column in sorted(set(table.column_names) - expected):
        yield Issue("refusal", "Unerwartete Spalte", f"„{column}“ gehört nicht zu „{name}“.", column=column)
    for field in TABLES[name]:
        if field.name not in table.column_names:
            if not field.nullable and field.name in expected:
                yield Issue("refusal", "Spalte fehlt", f"„{field.name}“ ist nötig.", column=field.name)
            continue
        try:
            table.column(field.name).cast(field.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            yield Issue(
                "refusal",
                "Falscher Datentyp",
                "Die Angaben haben nicht die vereinbarte Art (Zahl, Datum oder Text). Bitte berichtigen.",
                column=field.name,
            )


def _content(name: str, table: pa.Table, source: SourceConfig) -> Iterator[Issue]:
    # Great Expectations takes seconds to import: only when something is gated.
    from expectations.suites import offenders, suite

    full = conform_types(name, table)
    empty = frozenset(
        column for column in full.column_names if full.column(column).null_count == full.num_rows
    )
    rules = suite(name, source, table.num_rows, empty)
    frame = _frame(full, _columns(rules.expectations))
    seen: set[str] = set()
    for result in _failures(frame, rules):
        meta, column = result.expectation_config.meta, result.expectation_config.kwargs.get("column")
        if "range" not in meta:
            yield _issue(result, table, source.personal)
        elif column not in seen:  # below and above are one finding
            seen.add(column)
            for found in _failures(frame, offenders(column, meta)):
                yield _issue(found, table, source.personal)


def _failures(frame: pd.DataFrame, rules: Any) -> Iterator[Any]:
    batch = _batch_definition().get_batch(batch_parameters={"dataframe": frame})
    outcome = batch.validate(
        rules,
        result_format={"result_format": "SUMMARY", "unexpected_index_column_names": ["source_row"]},
    )
    for result in outcome.results:
        if result.success:
            continue
        if result.exception_info.get("raised_exception", True):
            raise RuntimeError(f"rule could not be evaluated: {result.expectation_config}")
        yield result


def _issue(result: Any, table: pa.Table, personal: bool) -> Issue:
    config, found = result.expectation_config, result.result
    meta, kwargs = config.meta, config.kwargs
    column = kwargs.get("column") or ", ".join(kwargs.get("column_list", ())) or None
    rows = [item["source_row"] for item in found.get("partial_unexpected_index_list") or ()][:FIRST_ROWS]
    rows = [int(row) for row in rows if not pd.isna(row)]
    count = found.get("unexpected_count")
    message = meta["action"]
    if count:
        message += f" Betroffen: {count} Zeilen"
        message += f", zuerst Zeile {', '.join(str(row) for row in rows)}." if rows else "."
    elif "observed_value" in found:
        message += f" Gezählt: {found['observed_value']} Zeilen."
    values = found.get("partial_unexpected_list") or ()
    shown = None if personal or not values or values[0] is None else str(values[0])
    sheet = None
    if rows and "source_sheet" in table.column_names:
        position = table.column("source_row").to_pylist().index(rows[0])
        sheet = table.column("source_sheet")[position].as_py()
    return Issue(
        severity=meta["severity"],
        rule=meta["rule"],
        message=message,
        sheet=sheet,
        row=rows[0] if rows else None,
        column=column,
        value=shown,
    )


def _columns(rules: list[Any]) -> set[str]:
    """Columns any of the expectations looks at."""
    named: set[str] = set()
    for rule in rules:
        named.update([rule.column] if hasattr(rule, "column") else getattr(rule, "column_list", []))
    return named


def _frame(full: pa.Table, needed: set[str]) -> pd.DataFrame:
    """The needed columns in pandas; texts and dates as categories, which keeps 300,000 rows below a second."""
    wanted = [field.name for field in full.schema if field.name in needed and field.name != "source_row"]
    data: dict[str, Any] = {}
    for column in wanted:
        values = full.column(column)
        if not pa.types.is_floating(values.type) and not pa.types.is_integer(values.type):
            values = values.combine_chunks().dictionary_encode()
        data[column] = values.to_pandas()
    data["source_row"] = full.column("source_row").to_pandas()
    return pd.DataFrame(data)


def conform_types(name: str, table: pa.Table) -> pa.Table:
    """The table with all contract columns in contract types, NULLs allowed everywhere (the suite judges them)."""
    schema = TABLES[name]
    columns = [
        table.column(field.name).cast(field.type)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, names=schema.names)


@cache
def _batch_definition() -> BatchDefinition[Any]:
    import great_expectations as gx

    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    asset = context.data_sources.add_pandas("landing").add_dataframe_asset("table")
    return asset.add_batch_definition_whole_dataframe("whole")
