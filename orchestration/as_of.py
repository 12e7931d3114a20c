"""The state of an earlier night: which deliveries counted then, and the star as it was built from them.

Belongs here: writing the registry of that night aside and running dbt on it. Does not belong here: what counted
(`ingestion.landing.deliveries`), publishing (what is told here is never released).

The deliveries are those of the night, read and calculated with the catalogue, rules and models of today: the difference
to today's figures is what has arrived since.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from ingestion.landing.deliveries import end_of_day, succession
from ingestion.landing.empty import write_empty_tables
from ingestion.landing.manifest import read_manifests
from ingestion.landing.registry import write_registry
from lagebild.instance import Instance
from lagebild.paths import DBT_PROJECT_DIR
from orchestration.assets import calendar_horizon
from orchestration.exclusive import exclusive
from orchestration.protection.store import write_empty
from orchestration.warehouse import DBT_EXECUTABLE, DBT_TARGET, DBT_THREADS, UNIT_TESTS


class AsOfError(Exception):
    """The state cannot be built; the message is German."""


@dataclass(frozen=True)
class SourceState:
    """Deliveries of one source that counted at the end of a day."""

    label: str
    current: int
    superseded: int
    quarantined: int
    embargoed: int
    newest_period_end: date | None


def state(instance: Instance, day: date) -> list[SourceState]:
    """What counted at the end of a day, per source in the order of the configuration."""
    manifests = read_manifests(instance)
    statuses = succession(manifests, instance.sources, end_of_day(day))
    found = []
    for source in instance.sources.values():
        known = [item for item in manifests if item.source_id == source.id and item.delivery_id in statuses]
        counts = Counter(statuses[item.delivery_id][0] for item in known)
        ends = [
            item.period_end
            for item in known
            if item.period_end is not None and statuses[item.delivery_id][0] == "current"
        ]
        found.append(
            SourceState(
                label=source.label,
                current=counts["current"],
                superseded=counts["superseded"],
                quarantined=counts["quarantined"],
                embargoed=counts["embargoed"],
                newest_period_end=max(ends, default=None),
            )
        )
    return found


def first_received(instance: Instance) -> datetime | None:
    """When the first delivery of the instance was taken in; there is no state before."""
    return min((item.received_at for item in read_manifests(instance)), default=None)


def build(instance: Instance, day: date) -> Path:
    """Builds the warehouse of a day aside from the live one and returns its path; never publishes.

    Raises `AsOfError` when nothing had been delivered by then or a model fails.
    """
    if not any(item.current for item in state(instance, day)):
        raise AsOfError(f"Am {day:%d.%m.%Y} galt noch keine Lieferung.")
    from semantic_layer.export.dbt import dbt_vars, write_catalogue_tables

    folder = instance.paths.as_of / day.isoformat()
    registry = folder / "registry"
    warehouse = folder / "warehouse.duckdb"
    # No refresh may move deliveries while they are read.
    with exclusive(instance.name):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_empty_tables(instance)
        write_registry(instance, calendar_horizon(instance), day, registry)
        write_catalogue_tables(instance)
        warehouse.unlink(missing_ok=True)
        variables = dbt_vars(instance, release_id=f"stand-{day.isoformat()}")
        variables["registry_dir"] = str(registry)
        # What is told here is never released: layer A is enough, and the proof of tonight belongs to other figures.
        variables["proof_dir"] = str(folder / "proof")
        write_empty(folder / "proof")
        done = subprocess.run(
            [
                *(DBT_EXECUTABLE, "build", "--exclude-resource-type", UNIT_TESTS, "--target", DBT_TARGET),
                *("--project-dir", str(DBT_PROJECT_DIR), "--profiles-dir", str(DBT_PROJECT_DIR)),
                *("--vars", json.dumps(variables)),
            ],
            env=os.environ
            | {
                "LAGEBILD_WAREHOUSE": str(warehouse),
                "DBT_TARGET_PATH": str(folder / "dbt"),
                "DBT_LOG_PATH": str(folder / "dbt"),
                **DBT_THREADS,
            },
            capture_output=True,
            check=False,
        )
    if done.returncode != 0:
        # The messages of dbt may quote rows: they stay in the protected zone.
        raise AsOfError(f"Der Stand ließ sich nicht rechnen. Einzelheiten: {folder / 'dbt' / 'dbt.log'}")
    return warehouse
