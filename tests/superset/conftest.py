"""One Superset for the whole room: own state folder, own port, real server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import mock_release

from superset_assets.facts import Facts, read_facts
from superset_assets.roles import Login, read_logins
from superset_assets.server import command, health
from superset_assets.sync import BASE_MAP, SyncReport, sync

SLUG = "lage-probekreis"
DATABASE = "Probekreis (synthetisch)"


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mock_release.build(tmp_path_factory.mktemp("release") / "current.duckdb")


@pytest.fixture(scope="session")
def facts(release: Path) -> Facts:
    return read_facts(mock_release.CONFIG, release, BASE_MAP)


@dataclass(frozen=True)
class RunningSuperset:
    url: str
    logins: dict[str, Login]
    first_sync: SyncReport
    state: Path


@pytest.fixture(scope="session")
def superset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSuperset]:
    state = tmp_path_factory.mktemp("var")
    before = os.environ.get("LAGEBILD_VAR")
    os.environ["LAGEBILD_VAR"] = str(state)
    try:
        mock_release.build(state / "probekreis" / "published" / "current.duckdb")
        report = sync(configs={"probekreis": mock_release.CONFIG})
        port = _free_port()
        arguments, environment = command(port, workers=1)
        log = (state / "server.log").open("w")
        server = subprocess.Popen(arguments, env=environment, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + 90
            while not health(url):
                if server.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"Superset did not start:\n{(state / 'server.log').read_text()[-2000:]}")
                time.sleep(0.5)
            yield RunningSuperset(url, read_logins(), report, state)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=30)
            log.close()
    finally:
        if before is None:
            del os.environ["LAGEBILD_VAR"]
        else:
            os.environ["LAGEBILD_VAR"] = before


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
