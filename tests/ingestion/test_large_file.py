"""A file larger than memory: streamed, with bounded memory, in a process of its own.

`slow`: 200 MB. The 2 GB of the issue: LAGEBILD_LARGE_FILE_MB=2048.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MEGABYTES = int(os.environ.get("LAGEBILD_LARGE_FILE_MB", "200"))
LIMIT_MB = 1500
"""Peak of the whole process; Python, Arrow, DuckDB and Great Expectations alone take about 500."""

SCRIPT = """
import re, sys
from pathlib import Path
from ingestion.landing.land import land_source
from ingestion.landing.manifest import read_manifests
from lagebild.instance import Instance
from tests.ingestion.test_landing import register

instance = Instance("probe", Path(sys.argv[1]))
report = land_source(instance, register())
(manifest,) = read_manifests(instance)
# Not getrusage: a started program inherits the peak of whoever started it, which is pytest after many tests.
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024
print(report.landed, report.quarantined, manifest.rows.get("person", 0), peak, [item.rule for item in manifest.issues])
"""


def write(path: Path, megabytes: int) -> int:
    """A register extract of that size; returns its rows."""
    path.parent.mkdir(parents=True)
    rows = 0
    with path.open("w", encoding="utf-8") as stream:
        stream.write("Stichtag;PersonenID;AGS;Block;Geschlecht;Alter\n")
        while stream.tell() < megabytes << 20:
            stream.writelines(
                f"30.06.2024;p{number:012d};{99901001 + number % 9};99901001B{number % 999:04d};m;{number % 99}\n"
                for number in range(rows, rows + 100_000)
            )
            rows += 100_000
    return rows


def land(tmp_path: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "instance")],
        env={**os.environ, "LAGEBILD_VAR": str(tmp_path / "var"), "MALLOC_ARENA_MAX": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.split()


@pytest.mark.slow
def test_a_large_file_needs_bounded_memory(tmp_path: Path) -> None:
    rows = write(tmp_path / "var" / "probe" / "inbox" / "register" / "register_2024-06-30.csv", MEGABYTES)
    landed, quarantined, found, peak, *issues = land(tmp_path)
    assert (landed, quarantined, int(found)) == ("1", "0", rows), issues
    assert int(peak) < LIMIT_MB, f"{peak} MiB at the peak"


@pytest.mark.thorough
def test_a_fault_at_the_end_of_a_large_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "var" / "probe" / "inbox" / "register" / "register_2024-06-30.csv"
    write(path, MEGABYTES // 4)
    with path.open("ab") as stream:
        stream.write(b"30.06.2024;p1;99901001;\n")
    landed, quarantined, found, peak, *issues = land(tmp_path)
    assert (landed, quarantined, found) == ("0", "1", "0") and "unvollst" in " ".join(issues)
    assert int(peak) < LIMIT_MB
