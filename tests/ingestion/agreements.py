"""Small sources and manifests for the tests of calendar, reminders and earlier states."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from ingestion.landing.manifest import Manifest
from lagebild.instance import SourceConfig

QUARTER: dict[str, Any] = {"months": 3, "day": 31}


def source(source_id: str = "hze", supply: dict[str, Any] | None = None, **changes: Any) -> SourceConfig:
    """A yearly source due on 31.03.; `supply` and fields can be changed."""
    expected = {"period": "jahr", "first_period": date(2022, 12, 31), "due": QUARTER}
    fields: dict[str, Any] = {
        "id": source_id,
        "label": f"Quelle {source_id}",
        "supplier": "Jugendamt Übersee",
        "contact": "amt@uebersee.example",
        "legal_basis": "§ 98 SGB VIII",
        "format": "delimited",
        "files": "${INBOX}/x/*.csv",
        "tables": ("case",),
        "cycle": "yearly",
        "reference_day": "Kalenderjahr",
        "supply": {"expected": expected} if supply is None else supply,
    }
    return SourceConfig.model_validate(fields | changes)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def delivery(
    delivery_id: str, arrived: date, end: date | None = date(2023, 12, 31), **changes: Any
) -> Manifest:
    """A yearly delivery that was taken in on the day it came."""
    fields: dict[str, Any] = {
        "delivery_id": delivery_id,
        "source_id": "hze",
        "instance": "probe",
        "status": "landed",
        "received_at": noon(arrived),
        "file_name": f"{delivery_id}.csv",
        "file_modified_at": noon(arrived),
        "sha256": "0",
        "size_bytes": 1,
        "period_type": None if end is None else "jahr",
        "period_start": None if end is None else date(end.year, 1, 1),
        "period_end": end,
        "rows": {"case": 3},
        "adapter": "delimited",
        "config_fingerprint": "",
    }
    return Manifest.model_validate(fields | changes)
