"""Building landing tables from plain rows: the contract's columns and types, without the two provenance ids.

Belongs here: what several adapters of delivered figures share. Not here: any rule of one format.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

import pyarrow as pa

from ingestion.formats.base import DeliveryPeriod
from ingestion.landing.contracts import TABLES

ADDED_BY_LANDING: Final = ("delivery_id", "source_id")


def landing_schema(table: str) -> pa.Schema:
    """Schema an adapter delivers: the contract of `table` without the columns landing adds."""
    return pa.schema([item for item in TABLES[table] if item.name not in ADDED_BY_LANDING])


def landing_table(table: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Arrow table of `rows`; missing keys become NULL, a NULL in a mandatory column raises ArrowInvalid."""
    built = pa.Table.from_pylist([dict(row) for row in rows], schema=landing_schema(table))
    built.validate(full=True)
    for item in built.schema:
        if not item.nullable and built.column(item.name).null_count:
            raise pa.ArrowInvalid(f"{table}.{item.name} must not be NULL")
    return built


def stichtag(day: date) -> DeliveryPeriod:
    """Period of a figure taken on one day."""
    return DeliveryPeriod("stichtag", day, day)


def observation(
    *,
    row: int,
    area: tuple[str, str, str],
    period: DeliveryPeriod,
    measure: str,
    value: float | None,
    group: str = "total",
    status: str = "A",
    conf: str = "F",
    column: str | None = None,
    sheet: str | None = None,
) -> dict[str, Any]:
    """One row of `observation`. `area` is (system, level, code)."""
    return {
        "source_row": row,
        "source_sheet": sheet,
        "source_column": column,
        "area_system": area[0],
        "area_level": area[1],
        "area_code": area[2],
        "period_type": period.period_type,
        "period_start": period.start,
        "period_end": period.end,
        "measure_id": measure,
        "group_id": group,
        "value": value,
        "obs_status": status,
        "conf_status": conf,
    }
