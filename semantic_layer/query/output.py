"""The columns of an answer and the order of its rows. Belongs here: names; not: how a column is computed."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from semantic_layer.query.ast import fragment
from semantic_layer.query.metadata import Metadata
from semantic_layer.query.model import Query
from semantic_layer.query.plan import Plan

TOTAL_LABEL = "insgesamt"


HIDDEN = ("metric_position", "sort_area", "cell")


def output_columns(query: Query, metadata: Metadata) -> tuple[str, ...]:
    """Names of the columns of an answer, in order."""
    levels = tuple(name for name in query.by if name in metadata.all_levels)
    dimensions = tuple(
        name
        for name in query.by
        if name not in levels and name not in ("area", "area_level", "period", "year")
    )
    return _columns(query, levels, dimensions)


def _columns(query: Query, levels: Sequence[str], dimensions: Sequence[str]) -> tuple[str, ...]:
    found = ["metric", "metric_label"]
    if "area" in query.by:
        found += ["area_key", "area_code", "area_name", "area_level", "area_level_label", "parent_area_name"]
    elif "area_level" in query.by:
        found += ["area_level", "area_level_label"]
    for level in levels:
        found += [f"{level}_code", f"{level}_name"]
    found += ["year"] if "year" in query.by else ["period_key", "period_label", "period_end", "year"]
    for name in dimensions:
        found += [name, f"{name}_label"]
    found += ["is_total", "numerator", "denominator", "value"]
    if has_bounds(query):
        found += ["value_low", "value_high"]
    found += ["obs_status", "conf_status", "empty_reason", *query.compare.columns]
    return tuple(found)


def has_bounds(query: Query) -> bool:
    """True where the answer has `value_low` and `value_high`."""
    return query.intervals or query.boundaries == "as_is"


def order(query: Query, columns: Sequence[str], found: Sequence[Plan]) -> list[exp.Expression]:
    """What the answer is sorted by: as asked, then by time and area."""
    keys = [(item.column, item.descending) for item in query.order]
    asked = {name for name, _ in keys}
    # Only what can differ: every further key is a comparison per row.
    rest = [
        *(["metric_position"] if len(found) > 1 else []),
        *(["is_total"] if query.totals else []),
        "period_end" if "period_end" in columns else "year",
        "sort_area",
        "area_key",
        *([f"{plan.unit_level}_code" for plan in found[:1] if plan.unit_level]),
        *(["cell"] if any(len(plan.cells) > 1 for plan in found) else []),
    ]
    keys += [(name, False) for name in rest if name not in asked and (name in columns or name in HIDDEN)]
    return [
        exp.Ordered(this=fragment(f'answer."{name}"'), desc=descending, nulls_first=False)
        for name, descending in keys
    ]
