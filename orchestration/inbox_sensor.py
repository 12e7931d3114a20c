"""Watched folders: a sensor per instance that asks for a refresh when something new lies in the inbox.

Belongs here: noticing. Does not belong here: fetching from servers (that is the nightly refresh) and reading files.
Off until somebody switches it on in the web server.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dagster import (
    DefaultSensorStatus,
    RunRequest,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
)

from ingestion.connectors.folder import source_files
from lagebild.connector import FolderConnector, ManualConnector
from lagebild.instance import Instance

INTERVAL_S: Final = 60
SETTLE_S: Final = 30
"""A file younger than this may still be growing."""


def inbox_state(instance: Instance, now: float) -> tuple[frozenset[str], bool]:
    """One hash per waiting file (over name, size and time), and whether all files are at rest.

    Names enter the hashes only: a cursor lies in Dagster's storage, outside the protected zone.
    """
    entries, at_rest = set(), True
    for path in _watched(instance):
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue  # taken in by a refresh at this moment
        entry = f"{path}|{stat.st_size}|{stat.st_mtime_ns}"
        entries.add(hashlib.sha256(entry.encode()).hexdigest()[:16])
        # The time a file came here, too: its modification time may be its supplier's.
        at_rest &= now - max(stat.st_mtime, stat.st_ctime) >= SETTLE_S
    return frozenset(entries), at_rest


def _watched(instance: Instance) -> Iterator[Path]:
    for source in instance.sources.values():
        if isinstance(source.connector, FolderConnector | ManualConnector):
            yield from source_files(instance, source)


def inbox_sensor(name: str, job_name: str) -> SensorDefinition:
    """The sensor `inbox_<name>`; its cursor is what lay in the inbox when it last looked."""

    def evaluate(context: SensorEvaluationContext) -> SensorResult | SkipReason:
        entries, at_rest = inbox_state(Instance(name), time.time())
        seen = frozenset((context.cursor or "").split())
        if not at_rest:
            return SkipReason("Im Posteingang wird noch geschrieben.")
        cursor = " ".join(sorted(entries))
        if entries <= seen:
            # What was taken in and left the inbox is forgotten: should it come again, it is new.
            return SensorResult(skip_reason=SkipReason("Nichts Neues im Posteingang."), cursor=cursor)
        return SensorResult(run_requests=[RunRequest()], cursor=cursor)

    return SensorDefinition(
        name=f"inbox_{name}",
        job_name=job_name,
        evaluation_fn=evaluate,
        minimum_interval_seconds=INTERVAL_S,
        default_status=DefaultSensorStatus.STOPPED,
        description="Startet die Aktualisierung, sobald im Posteingang etwas Neues liegt.",
    )
