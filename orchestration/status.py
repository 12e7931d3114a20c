"""What is live, what runs and how old the sources are: read for `lagebild status`.

Reads published files and manifests only. Does not belong here: printing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from ingestion.landing.deliveries import TIMEZONE
from ingestion.landing.manifest import read_manifests
from lagebild.instance import Instance, list_instances
from orchestration.publish import current_release


@dataclass(frozen=True)
class SourceAge:
    """Newest delivery of one source. Times are UTC; the supplier's file date counts, not the night it was taken in."""

    label: str
    last_period: str
    last_delivered: datetime | None
    quarantined: int

    def age_days(self, now: datetime | None = None) -> int | None:
        """Whole days since the newest delivery."""
        if self.last_delivered is None:
            return None
        return ((now or datetime.now(UTC)) - self.last_delivered).days


@dataclass(frozen=True)
class InstanceStatus:
    """Live release of an instance and its sources."""

    name: str
    title: str
    release_id: str | None
    released_at: str
    sources: tuple[SourceAge, ...]


def instance_status(name: str) -> InstanceStatus:
    """Status of one instance. Sources are those of the configuration, also those that never delivered."""
    instance = Instance(name)
    live = current_release(instance.paths.published)
    periods = _released_periods(instance)
    landed: dict[str, datetime] = {}
    quarantined: dict[str, int] = {}
    for manifest in read_manifests(instance):
        source = manifest.source_id
        if manifest.status == "quarantined":
            quarantined[source] = quarantined.get(source, 0) + 1
        else:
            landed[source] = max(manifest.file_modified_at, landed.get(source, manifest.file_modified_at))
    return InstanceStatus(
        name=name,
        title=instance.config.title,
        release_id=live["release_id"] if live else None,
        released_at=_german_time(live["released_at"]) if live else "",
        sources=tuple(
            SourceAge(
                label=source.label,
                last_period=periods.get(source.id, "–"),
                last_delivered=landed.get(source.id),
                quarantined=quarantined.get(source.id, 0),
            )
            for source in instance.sources.values()
        ),
    )


def all_status() -> list[InstanceStatus]:
    return [instance_status(name) for name in list_instances()]


def _german_time(utc: str) -> str:
    """`2026-11-21 04:58:48.19` (UTC) -> `21.11.2026, 05:58 Uhr`."""
    moment = datetime.fromisoformat(utc).replace(tzinfo=UTC).astimezone(TIMEZONE)
    return f"{moment:%d.%m.%Y, %H:%M} Uhr"


def _released_periods(instance: Instance) -> dict[str, str]:
    """Latest period per source in the live release."""
    if not instance.paths.current_release.exists():
        return {}
    with duckdb.connect(str(instance.paths.current_release), read_only=True) as connection:
        rows = connection.execute(
            "select source_id, strftime(last_period_end, '%d.%m.%Y') from dim_source where last_period_end is not null"
        ).fetchall()
    return {str(source): str(period) for source, period in rows}
