"""Which delivery counts: the rule of current and superseded deliveries, and the table of deliveries dbt reads.

Rule: within (source, period, Kommune) the newest by (file_modified_at, received_at, file_name) is current.
A delivery without a period (a dump covering many) competes with deliveries of the same file name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.landing.manifest import Manifest, read_manifests
from lagebild.instance import Instance

DeliveryStatus = Literal["current", "superseded", "quarantined"]

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
        pa.field("row_count", pa.int64(), nullable=False),
        pa.field("warnings", pa.int32(), nullable=False),
        pa.field("supersedes", pa.string()),
    ]
)

_Key = tuple[str, str | None, date | None, date | None, str | None]


def competition_key(manifest: Manifest) -> _Key:
    """Deliveries with the same key report on the same thing; one of them counts."""
    name = manifest.file_name if manifest.period_end is None else None
    return (manifest.source_id, name, manifest.period_start, manifest.period_end, manifest.kommune_code)


def _age(manifest: Manifest) -> tuple[datetime, datetime, str, str]:
    # delivery_id only breaks the tie of equal times and names, so that the order never depends on the file system.
    return (manifest.file_modified_at, manifest.received_at, manifest.file_name, manifest.delivery_id)


def succession(manifests: Iterable[Manifest]) -> dict[str, tuple[DeliveryStatus, str | None]]:
    """Status and predecessor of every delivery, by delivery id. Pure; independent of the input's order."""
    result: dict[str, tuple[DeliveryStatus, str | None]] = {}
    competing: dict[_Key, list[Manifest]] = defaultdict(list)
    for manifest in manifests:
        if manifest.status == "quarantined":
            result[manifest.delivery_id] = ("quarantined", None)
        else:
            competing[competition_key(manifest)].append(manifest)
    for group in competing.values():
        ordered = sorted(group, key=_age)
        for position, manifest in enumerate(ordered):
            status: DeliveryStatus = "current" if position == len(ordered) - 1 else "superseded"
            predecessor = ordered[position - 1].delivery_id if position else None
            result[manifest.delivery_id] = (status, predecessor)
    return result


def delivery_table(manifests: Iterable[Manifest]) -> pa.Table:
    """One row per delivery, sorted by delivery id."""
    rows = sorted(manifests, key=lambda manifest: manifest.delivery_id)
    statuses = succession(rows)
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
            "row_count": sum(row.rows.values()),
            "warnings": row.warnings,
            "supersedes": statuses[row.delivery_id][1],
        }
        for row in rows
    ]
    return pa.Table.from_pylist(records, schema=SCHEMA)


def registry_path(instance: Instance) -> Path:
    """Where the table of deliveries lies."""
    return instance.paths.landing / "_registry" / "deliveries.parquet"


def write_delivery_table(instance: Instance) -> Path:
    """Writes `landing/_registry/deliveries.parquet` (atomically; an unchanged table is not rewritten)."""
    target = registry_path(instance)
    table = delivery_table(read_manifests(instance))
    if target.exists() and pq.read_table(target).equals(table):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".tmp")
    pq.write_table(table, temporary)
    temporary.replace(target)
    return target
