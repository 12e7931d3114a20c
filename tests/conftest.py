"""What all tests share: their own state folder, and skipping with a clear word where something is absent."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lagebild.paths import data_dir

_STATE = "LAGEBILD_VAR"
_TESTS = Path(__file__).parent
_ONE_PROCESS = ("e2e", "superset")
_FIRST = ("e2e", "dbt_project", "superset", "disclosure")


def pytest_configure(config: pytest.Config) -> None:
    # No test may touch the state of the installation, whatever the environment says.
    os.environ[_STATE] = tempfile.mkdtemp(prefix="lagebild-test-")
    for name in ("LAGEBILD_SYNTHETIC_INHABITANTS", "LAGEBILD_SYNTHETIC_YEARS"):
        os.environ.pop(name, None)


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(os.environ[_STATE], ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The longest rooms begin, so that no process ends up alone with one of them.
    items.sort(key=lambda item: _FIRST.index(_room(item)) if _room(item) in _FIRST else len(_FIRST))
    absent = {}
    if not data_dir().is_dir():
        absent["real"] = "no real deliveries here (LAGEBILD_DATA, default ../shared/data)"
    if shutil.which("chromium") is None:
        absent["browser"] = "no chromium here (make test installs it as root; else apt-get install chromium)"
    for item in items:
        for marker, reason in absent.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


def _room(item: pytest.Item) -> str:
    return item.path.relative_to(_TESTS).parts[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Shares the tests out to the processes of `make test`: a file stays in one, and so do the rooms whose files share
    an installation. (The groups of pytest-xdist 3.8 do not reach the names of pytest 9.)"""
    from xdist.scheduler import LoadScopeScheduling

    class ByRoomOrFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::", 1)[0]
            room = file.split("/")[1]
            return room if room in _ONE_PROCESS else file

    return ByRoomOrFile(config, log)


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty state folder for one test."""
    folder = tmp_path / "var"
    folder.mkdir()
    monkeypatch.setenv(_STATE, str(folder))
    yield folder
