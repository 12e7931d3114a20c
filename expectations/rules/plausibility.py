"""Plausibility: a part is not larger than its whole, within the delivery and between sources.

What is part of what says the catalogue (`part_of`): persons in Bedarfsgemeinschaften are inhabitants.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

import duckdb
import pandas as pd

from expectations.context import UNASSIGNED, AreaId, GateContext, KnownAreas, MeasureFacts
from expectations.rules.comparison import Comparison, Judgement, judgement, number
from expectations.rules.observed import PLACE, groups, rows_of, where_found
from expectations.tables import conformed
from ingestion.formats.base import StoredTable
from ingestion.landing.contracts import TABLES
from lagebild.checks import PlausibilityCheck

LARGER: Final = "Teil größer als das Ganze"
BETWEEN: Final = "Widerspruch zu einer anderen Quelle"


def observed_parts(frame: pd.DataFrame, context: GateContext, check: PlausibilityCheck) -> list[Judgement]:
    """Totals of observations against their wholes."""
    if check.severity == "off":
        return []
    # Sources differ in what they could not assign to an area; only areas can be compared.
    placed = ~frame["area_code"].str.endswith(UNASSIGNED)
    totals = frame[(frame["group_id"] == "total") & frame["value"].notna() & placed]
    by_place = {
        (row.measure_id, *(getattr(row, name) for name in PLACE)): float(row.value) for row in rows_of(totals)
    }
    delivered = set(totals["measure_id"])
    inside: list[Comparison] = []
    between: list[Comparison] = []
    for part, whole in _pairs(sorted(delivered), context.measures, check):
        rows = totals[totals["measure_id"] == part.measure_id]
        if whole.measure_id in delivered:
            for row in rows_of(rows):
                limit = by_place.get((whole.measure_id, *(getattr(row, name) for name in PLACE)))
                if limit is not None:
                    inside.append(_larger(row, part, whole, limit, 0.0))
            continue
        for (kind, day), dated in groups(rows, ["period_type", "period_end"]):
            others = context.totals(whole.measure_id, kind, day, check.days_apart)
            for row in rows_of(dated) if others else ():
                limit = others.get((row.area_system, row.area_level, row.area_code))
                if limit is not None:
                    slack = check.tolerance + check.tolerance_share * limit
                    between.append(_larger(row, part, whole, limit, slack))
    return [judgement(LARGER, check.severity, inside), judgement(BETWEEN, check.severity, between)]


def _larger(row: Any, part: MeasureFacts, whole: MeasureFacts, limit: float, slack: float) -> Comparison:
    value = float(row.value)
    beyond = value - limit - slack
    if beyond <= 1e-9:
        return Comparison(min(beyond, 0.0))
    text = (
        f"{row.area_code} am {row.period_end:%d.%m.%Y}: „{part.label}“ {number(value)} ist mehr als „{whole.label}“ "
        f"{number(limit)}. Bitte prüfen, welche der beiden Zahlen falsch ist."
    )
    return Comparison(beyond, text, value=number(value), **where_found(row))


def _pairs(
    delivered: list[str], measures: Mapping[str, MeasureFacts], check: PlausibilityCheck
) -> Iterator[tuple[MeasureFacts, MeasureFacts]]:
    for name in delivered:
        part = measures.get(name)
        if part is None or name in check.without:
            continue
        for whole in part.part_of:
            if whole in measures:
                yield part, measures[whole]


def counted_parts(
    name: str, table: Any, source_id: str, day: date, context: GateContext, check: PlausibilityCheck
) -> list[Judgement]:
    """Counts of persons or cases per Gemeinde against wholes of other sources. No figure of persons is named."""
    if check.severity == "off" or context.areas is None or "gemeinde_code" not in table.column_names:
        return []
    own = sorted(
        item.measure_id
        for item in context.measures.values()
        if item.source_id == source_id and item.input == name and item.period_type == "stichtag"
    )
    compared: list[Comparison] = []
    for part, whole in _pairs(own, context.measures, check):
        if whole.source_id == source_id or part.value.startswith("sum("):
            continue
        others = context.totals(whole.measure_id, part.period_type, day, check.days_apart)
        if not others:
            continue
        counts = count_by_gemeinde(name, table, part)
        for (system, level, code), limit in others.items():
            if level != "gemeinde" or system != part.area_system or code not in counts:
                continue
            beyond = counts[code] - limit - check.tolerance - check.tolerance_share * limit
            text = (
                f"Gemeinde {code}: „{part.label}“ sind mehr als „{whole.label}“ zum {day:%d.%m.%Y}. Bitte die "
                "Zuordnung zur Gemeinde und die Vollständigkeit prüfen."
            )
            compared.append(Comparison(beyond, text, column="gemeinde_code"))
    return [judgement(BETWEEN, check.severity, compared)]


def count_by_gemeinde(name: str, table: Any, measure: MeasureFacts) -> dict[str, float]:
    """A measure's count per Gemeinde from persons or cases; `where` and `value` are the instance's own SQL."""
    with duckdb.connect() as connection:
        # DuckDB reads the columns it needs only, so that a register of millions of rows is no copy of itself.
        if isinstance(table, StoredTable):
            connection.read_parquet(str(table.path)).create_view("delivery")
        else:
            connection.register("delivery", conformed(name, table, TABLES[name].names))
        found = connection.execute(
            f"select gemeinde_code, {measure.value} from delivery where {measure.where} group by gemeinde_code"
        ).fetchall()
    return {code: float(count) for code, count in found if code is not None and count is not None}


def roll_up(
    counts: Mapping[str, float], system: str, level: str, day: date, known: KnownAreas
) -> dict[AreaId, float]:
    """Counts of one level and of all coarser levels of a system."""
    found: dict[AreaId, float] = {}
    order = known.levels.get(system, ())
    if level not in order:
        return found
    for code, count in counts.items():
        for above in order[: order.index(level) + 1]:
            home = code if above == level else known.ancestor((system, level, code), above, day)
            if home is not None:
                key = (system, above, home)
                found[key] = found.get(key, 0.0) + count
    return found
