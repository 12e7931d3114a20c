"""One refresh per instance at a time, whoever started it: command line, web server or the nightly schedule.

The lock is the kernel's (flock), so a killed process cannot leave it behind. Does not belong here: queueing
(Dagster's run queue does that for the runs it starts itself).
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from dagster import InitResourceContext, ResourceDefinition

from lagebild.paths import InstancePaths


@contextmanager
def exclusive(name: str) -> Iterator[None]:
    """Holds the lock of an instance; waits while another refresh has it."""
    folder = InstancePaths(name).protected
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "refresh.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def resource_key(name: str) -> str:
    """Key of the resource every asset of the instance requires."""
    return f"exclusive_{name}"


def exclusive_resource(name: str) -> ResourceDefinition:
    """Held from the first to the last step of a run (in-process executor: one process, one initialisation)."""

    def hold(_: InitResourceContext) -> Iterator[None]:
        with exclusive(name):
            yield

    return ResourceDefinition(resource_fn=contextmanager(hold))
