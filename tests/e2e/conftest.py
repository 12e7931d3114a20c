"""One small Musterkreis for the whole room: refreshed once through Dagster, in a state folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lagebild.paths import PROJECT_ROOT


@dataclass(frozen=True)
class Installation:
    """A state folder and the environment of the commands that use it."""

    var: Path
    environment: dict[str, str]

    @property
    def published(self) -> Path:
        return self.var / "musterkreis" / "published"

    @property
    def current(self) -> Path:
        return self.published / "current.duckdb"

    @property
    def truth(self) -> Path:
        return self.var / "musterkreis" / "protected" / "truth"

    @property
    def quarantine(self) -> Path:
        return self.var / "musterkreis" / "protected" / "quarantine"

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "orchestration.cli", *arguments],
            cwd=PROJECT_ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=1400,
            check=False,
        )

    def refresh(self) -> subprocess.CompletedProcess[str]:
        return self.command("refresh", "musterkreis")


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    var = tmp_path_factory.mktemp("e2e") / "var"
    small = {"LAGEBILD_SYNTHETIC_INHABITANTS": "20000", "LAGEBILD_SYNTHETIC_YEARS": "3"}
    yield Installation(var, {**os.environ, **small, "LAGEBILD_VAR": str(var)})


@pytest.fixture(scope="session")
def released(installation: Installation) -> Installation:
    """The installation after its first refresh."""
    done = installation.refresh()
    assert done.returncode == 0, done.stderr
    return installation


@pytest.fixture(scope="session")
def opened(released: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A second state folder with the same release and deliveries, for tests that open it under lock in this process:
    DuckDB opens a file with one configuration per process, and other tests open theirs without."""
    var = tmp_path_factory.mktemp("opened") / "var"
    folder = var / "musterkreis"
    shutil.copytree(released.published, folder / "published")
    (folder / "protected").symlink_to(released.truth.parent)
    return Installation(var, {**released.environment, "LAGEBILD_VAR": str(var)})
