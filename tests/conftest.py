"""What all tests share: their own state folder, and skipping with a clear word where something is absent."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

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
    _share_out(items)
    absent = {}
    if not data_dir().is_dir():
        absent["real"] = "no real deliveries here (LAGEBILD_DATA, default ../shared/data)"
    if shutil.which("chromium") is None:
        absent["browser"] = "no chromium here (make test installs it as root; else apt-get install chromium)"
    for item in items:
        for marker, reason in absent.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


def _share_out(items: list[pytest.Item]) -> None:
    """Groups for pytest-xdist (`make test`): a file stays in one process, and so do the rooms whose files share an
    installation. The longest rooms begin, so that no process ends up alone with one of them."""

    def room(item: pytest.Item) -> str:
        return item.path.relative_to(_TESTS).parts[0]

    for item in items:
        name = room(item) if room(item) in _ONE_PROCESS else item.path.relative_to(_TESTS).as_posix()
        item.add_marker(pytest.mark.xdist_group(name))
    items.sort(key=lambda item: _FIRST.index(room(item)) if room(item) in _FIRST else len(_FIRST))


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty state folder for one test."""
    folder = tmp_path / "var"
    folder.mkdir()
    monkeypatch.setenv(_STATE, str(folder))
    yield folder
