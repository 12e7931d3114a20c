"""Which delivery counts: the rule of current and superseded deliveries, and the table of deliveries dbt reads.

Rule: within (source, period, Kommune, part) the newest by (file_modified_at, received_at, file_name) is current.
A delivery without a period (a dump covering many) competes with deliveries of the same part or, where it names none,
of the same file name.
A delivery under embargo is never current: until it may be released the delivery before it stays in use.

Every state of the past can be told again (`as_of`): what had not been received by then is not there, what had not been
accepted by then is in quarantine, what was under embargo then is embargoed. Nothing is ever deleted for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.landing.manifest import Manifest, read_manifests
from lagebild.instance import Instance, SourceConfig

DeliveryStatus = Literal["current", "superseded", "quarantined", "embargoed"]

TIMEZONE: Final = ZoneInfo("Europe/Berlin")
"""Deadlines and embargoes end at midnight by the clock of the offices concerned."""

SCHEMA: Final = pa.schema(
    [
        pa.field("delivery_id", pa.string(), nullable=False),
        pa.field("source_id", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("received_at", pa.timestamp("us"), nullable=False),  # UTC
        pa.field("file_modified_at", pa.timestamp("us"), nullable=False),  # UTC
        pa.field("file_name", pa.string(), nullable=False),
        pa.field("period_type", pa.string()),
        pa.field("period_start", pa.date32()),
        pa.field("period_end", pa.date32()),
        pa.field("kommune_code", pa.string()),
        pa.field("part", pa.string()),
        pa.field("releasable_on", pa.date32()),  # first day it may be released; NULL: no embargo
        pa.field("row_count", pa.int64(), nullable=False),
        pa.field("warnings", pa.int32(), nullable=False),
        pa.field("supersedes", pa.string()),
    ]
)

_Key = tuple[str, str | None, date | None, date | None, str | None, str | None]


def today() -> date:
    """The day it is where the offices are."""
    return datetime.now(TIMEZONE).date()


def end_of_day(day: date) -> datetime:
    """Last moment of a day: the state of the night after it holds all that was received until then."""
    return datetime.combine(day + timedelta(days=1), time.min, TIMEZONE) - timedelta(microseconds=1)


def competition_key(manifest: Manifest) -> _Key:
    """Deliveries with the same key report on the same thing; one of them counts."""
    # A published table of many periods is a part of its own: its file name changes with every download.
    unnamed = manifest.period_end is None and manifest.part is None
    name = manifest.file_name if unnamed else None
    period = (manifest.period_start, manifest.period_end)
    return (manifest.source_id, name, *period, manifest.kommune_code, manifest.part)


def arrived_on(manifest: Manifest) -> date:
    """Day a delivery came: the date of the supplier's file, but never later than the night it was taken in."""
    return min(manifest.file_modified_at, manifest.received_at).astimezone(TIMEZONE).date()


def releasable_on(manifest: Manifest, source: SourceConfig | None) -> date | None:
    """First day a delivery may be released under its source's embargo; None where there is none."""
    if source is None or source.supply.embargo is None:
        return None
    return source.supply.embargo.releasable_on(manifest.period_end or arrived_on(manifest))


def known_at(manifests: Iterable[Manifest], as_of: datetime | None) -> list[Manifest]:
    """The manifests as they stood at a moment; None: now. Idempotent."""
    if as_of is None:
        return list(manifests)
    return [
        item.model_copy(update={"status": "quarantined"})
        if item.landed_at is not None and item.landed_at > as_of
        else item
        for item in manifests
        if item.received_at <= as_of
    ]


def age(manifest: Manifest) -> tuple[datetime, datetime, str, str]:
    """Sort key: of competing deliveries the last one counts."""
    # delivery_id only breaks the tie of equal times and names, so that the order never depends on the file system.
    return (manifest.file_modified_at, manifest.received_at, manifest.file_name, manifest.delivery_id)


def succession(
    manifests: Iterable[Manifest],
    sources: Mapping[str, SourceConfig] | None = None,
    as_of: datetime | None = None,
) -> dict[str, tuple[DeliveryStatus, str | None]]:
    """Status and predecessor of every delivery known at a moment (None: now), by delivery id.

    `sources` say what is under embargo; without them nothing is. Independent of the input's order; a moment later than
    all deliveries gives the state of now.
    """
    day = today() if as_of is None else as_of.astimezone(TIMEZONE).date()
    result: dict[str, tuple[DeliveryStatus, str | None]] = {}
    competing: dict[_Key, list[Manifest]] = defaultdict(list)
    for manifest in known_at(manifests, as_of):
        if manifest.status == "quarantined":
            result[manifest.delivery_id] = ("quarantined", None)
        else:
            competing[competition_key(manifest)].append(manifest)
    for group in competing.values():
        ordered = sorted(group, key=age)
        free = [
            position
            for position, item in enumerate(ordered)
            if (releasable_on(item, (sources or {}).get(item.source_id)) or date.min) <= day
        ]
        in_use = max(free, default=-1)
        for position, manifest in enumerate(ordered):
            status: DeliveryStatus = "current" if position == in_use else "superseded"
            if position > in_use and position == len(ordered) - 1:
                status = "embargoed"
            predecessor = ordered[position - 1].delivery_id if position else None
            result[manifest.delivery_id] = (status, predecessor)
    return result


def delivery_table(
    manifests: Iterable[Manifest],
    sources: Mapping[str, SourceConfig] | None = None,
    as_of: datetime | None = None,
) -> pa.Table:
    """One row per delivery known at a moment (None: now), sorted by delivery id."""
    rows = sorted(manifests, key=lambda manifest: manifest.delivery_id)
    statuses = succession(rows, sources, as_of)
    records = [
        {
            "delivery_id": row.delivery_id,
            "source_id": row.source_id,
            "status": statuses[row.delivery_id][0],
            "received_at": row.received_at.replace(tzinfo=None),
            "file_modified_at": row.file_modified_at.replace(tzinfo=None),
            "file_name": row.file_name,
            "period_type": row.period_type,
            "period_start": row.period_start,
            "period_end": row.period_end,
            "kommune_code": row.kommune_code,
            "part": row.part,
            "releasable_on": releasable_on(row, (sources or {}).get(row.source_id)),
            "row_count": sum(row.rows.values()),
            "warnings": row.warnings,
            "supersedes": statuses[row.delivery_id][1],
        }
        for row in rows
        if row.delivery_id in statuses
    ]
    return pa.Table.from_pylist(records, schema=SCHEMA)


def registry_path(instance: Instance) -> Path:
    """Where the table of deliveries lies."""
    return instance.paths.landing / "_registry" / "deliveries.parquet"


def write_delivery_table(
    instance: Instance, folder: Path | None = None, as_of: datetime | None = None
) -> Path:
    """Writes `deliveries.parquet` of a moment (None: now) into `folder`, by default `landing/_registry`."""
    target = (folder or registry_path(instance).parent) / registry_path(instance).name
    write_if_changed(delivery_table(read_manifests(instance), instance.sources, as_of), target)
    return target


def write_if_changed(table: pa.Table, target: Path) -> None:
    """Writes a Parquet file atomically; an unchanged table is not rewritten."""
    if target.exists() and pq.read_table(target).equals(table):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".tmp")
    pq.write_table(table, temporary)
    temporary.replace(target)
