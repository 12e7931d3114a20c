"""A real Superset on a free port for the tests that need one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from superset_assets.server import command, health

START_SECONDS = 90


@contextmanager
def state_folder(var: Path) -> Iterator[None]:
    """LAGEBILD_VAR points to `var`, for fixtures wider than a test (monkeypatch is for one test only)."""
    before = os.environ.get("LAGEBILD_VAR")
    os.environ["LAGEBILD_VAR"] = str(var)
    try:
        yield
    finally:
        if before is None:
            del os.environ["LAGEBILD_VAR"]
        else:
            os.environ["LAGEBILD_VAR"] = before


@contextmanager
def running_superset(var: Path) -> Iterator[str]:
    """Starts Superset on the synced state below `var`; yields its address, stops it at the end."""
    with state_folder(var):
        arguments, environment = command(_free_port(), workers=1)
    log_path = var / "server.log"
    with log_path.open("w") as log:
        server = subprocess.Popen(arguments, env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{_port_of(arguments)}"
    try:
        deadline = time.monotonic() + START_SECONDS
        while not health(url):
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"Superset did not start:\n{log_path.read_text()[-2000:]}")
            time.sleep(0.5)
        yield url
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _port_of(arguments: list[str]) -> str:
    return next(item.rsplit(":", 1)[1] for item in arguments if item.startswith("127.0.0.1:"))
