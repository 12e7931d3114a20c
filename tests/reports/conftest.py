"""One small release for all tests of the room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.reader import Reader
from reports.release import Release
from tests.reports import probe
from tests.superset.mock_release import CONFIG


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return probe.build(tmp_path_factory.mktemp("berichte") / "release.duckdb")


@pytest.fixture(scope="session")
def reader(released: Path) -> Iterator[Reader]:
    with Release(released) as release:
        yield Reader(release, CONFIG)
