"""One Superset for the whole room: own state folder, own port, real server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from superset_assets.facts import Facts
from superset_assets.read import read_facts
from superset_assets.roles import Login, read_logins
from superset_assets.sync import BASE_MAP, SyncReport, sync
from tests.running_superset import running_superset, state_folder
from tests.superset import mock_release, mock_tiers

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
    mock_release.build(state / "probekreis" / "published" / "current.duckdb")
    mock_tiers.build(state / "probekreis")
    with state_folder(state):
        report = sync(configs={"probekreis": mock_release.CONFIG})
        with running_superset(state) as url:
            yield RunningSuperset(url, read_logins(), report, state)
