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


def pytest_configure(config: pytest.Config) -> None:
    # No test may touch the state of the installation, whatever the environment says.
    os.environ[_STATE] = tempfile.mkdtemp(prefix="lagebild-test-")
    for name in ("LAGEBILD_SYNTHETIC_INHABITANTS", "LAGEBILD_SYNTHETIC_YEARS"):
        os.environ.pop(name, None)


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(os.environ[_STATE], ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    absent = {}
    if not data_dir().is_dir():
        absent["real"] = "no real deliveries here (LAGEBILD_DATA, default ../shared/data)"
    if shutil.which("chromium") is None:
        absent["browser"] = "no chromium here (make test installs it as root; else apt-get install chromium)"
    for item in items:
        for marker, reason in absent.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty state folder for one test."""
    folder = tmp_path / "var"
    folder.mkdir()
    monkeypatch.setenv(_STATE, str(folder))
    yield folder
