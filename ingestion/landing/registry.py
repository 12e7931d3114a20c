"""The registry on disk: the table of deliveries and the calendar, as dbt reads them.

Belongs here: reading manifests, writing the two tables of one moment together. Does not belong here: what counts
(`ingestion.landing.deliveries`), what is late (`ingestion.landing.calendar`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Final

import pyarrow as pa

from ingestion.landing.calendar import CalendarRow, Horizon, delivery_calendar
from ingestion.landing.deliveries import (
    end_of_day,
    registry_path,
    today,
    write_delivery_table,
    write_if_changed,
)
from ingestion.landing.manifest import read_manifests
from lagebild.instance import Instance

CALENDAR_SCHEMA: Final = pa.schema(
    [
        pa.field("source_id", pa.string(), nullable=False),
        pa.field("kommune_code", pa.string()),  # NULL: one delivery covers all
        pa.field("supplier", pa.string(), nullable=False),
        pa.field("period_type", pa.string()),  # those of landing, and `stand`
        pa.field("period_start", pa.date32()),
        pa.field("period_end", pa.date32()),
        pa.field("period_label", pa.string(), nullable=False),
        pa.field("due_on", pa.date32()),
        pa.field("arrived_on", pa.date32()),
        pa.field("releasable_on", pa.date32()),
        pa.field("status", pa.string(), nullable=False),
        pa.field("status_label", pa.string(), nullable=False),
        pa.field("is_there", pa.bool_(), nullable=False),
        pa.field("delivery_id", pa.string()),
        pa.field("deliveries", pa.int32(), nullable=False),
        pa.field("refused", pa.int32(), nullable=False),
        pa.field("missing_parts", pa.string(), nullable=False),
    ]
)


def horizon_of(instance: Instance) -> Horizon | None:
    """A simulated instance has periods of the simulated years only, so its calendar ends where the simulation does."""
    settings = instance.config.synthetic if (instance.folder / "instance.yml").exists() else None
    if settings is None:
        return None
    return date(settings.first_year, 1, 1), date(settings.first_year + settings.years - 1, 12, 31)


def calendar_path(instance: Instance) -> Path:
    """Where the calendar lies."""
    return registry_path(instance).with_name("calendar.parquet")


def write_registry(
    instance: Instance,
    horizon: Horizon | None = None,
    day: date | None = None,
    folder: Path | None = None,
) -> list[CalendarRow]:
    """Writes `deliveries.parquet` and `calendar.parquet` of a day (None: now) into `folder`, by default
    `landing/_registry`; the two are one state and are never written apart."""
    write_delivery_table(instance, folder, end_of_day(day) if day else None)
    rows = read_calendar(instance, horizon, day)
    target = (folder or calendar_path(instance).parent) / calendar_path(instance).name
    write_if_changed(calendar_table(rows), target)
    return rows


def read_calendar(
    instance: Instance, horizon: Horizon | None = None, day: date | None = None
) -> list[CalendarRow]:
    """The calendar of a day (None: today) from the manifests on disk."""
    span = horizon or horizon_of(instance)
    return delivery_calendar(instance.sources, read_manifests(instance), day or today(), span)


def calendar_table(rows: Iterable[CalendarRow]) -> pa.Table:
    """The calendar as a table, one row per `CalendarRow`, in the same order."""
    return pa.Table.from_pylist([_record(row) for row in rows], schema=CALENDAR_SCHEMA)


def _record(row: CalendarRow) -> dict[str, object]:
    period = row.period
    return {
        "source_id": row.source_id,
        "kommune_code": row.kommune_code,
        "supplier": row.supplier,
        "period_type": period.period_type if period else None,
        "period_start": period.start if period else None,
        "period_end": period.end if period else None,
        "period_label": row.period_label,
        "due_on": row.due_on,
        "arrived_on": row.arrived_on,
        "releasable_on": row.releasable_on,
        "status": row.status,
        "status_label": row.status_label,
        "is_there": row.is_there,
        "delivery_id": row.delivery_id,
        "deliveries": row.deliveries,
        "refused": row.refused,
        "missing_parts": ", ".join(row.missing_parts),
    }
