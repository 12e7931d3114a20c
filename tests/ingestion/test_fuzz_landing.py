"""Damaged files of every format: whatever the bytes, there is a specific German refusal or a delivery, no exception.

An exception of an adapter would end in quarantine under „Datei konnte nicht gelesen werden“, which tells a supplier
nothing; here it fails the test, so the share of that message is zero for all that was tried. Few examples by default;
LAGEBILD_FUZZ_EXAMPLES=2000 for a long run. Single adapters deeper: test_fuzz_tables.py, test_official_workbooks.py.
"""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.connectors.folder import source_files
from ingestion.formats.base import ParsedDelivery
from ingestion.formats.guard import KINDS, inspect
from ingestion.formats.registry import ADAPTERS, adapter
from ingestion.landing.land import land_source
from ingestion.landing.manifest import read_manifests
from lagebild.instance import Instance, SourceConfig
from lagebild.paths import data_dir
from tests.ingestion import faults as f
from tests.ingestion.tables import printed, source
from tests.ingestion.test_fault_matrix import GENERIC, territory, write
from tests.ingestion.test_fuzz_tables import damaged

EXAMPLES: Final = int(os.environ.get("LAGEBILD_FUZZ_EXAMPLES", "15"))
REAL_BYTES: Final = 200_000
"""Of larger text files the head is enough; larger archives are left to the long run."""
BOUNDED: Final = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="LAGEBILD_FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    database=None,
)
BEGINNINGS: Final = [
    b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"{}", b"[]", b"<a/>", b'{"features": 1}', b"\xff\xfe",
    b"COPY a",
]  # fmt: skip
"""What makes a guard or a parser believe that it knows a file."""
INSTANCES: Final = ("musterkreis", "berlin", "flensburg", "deutschland")
REAL_SOURCES: Final = [
    (name, source_id) for name in INSTANCES[1:] for source_id in sorted(Instance(name).sources)
]


def judged(path: Path, configured: SourceConfig) -> None:
    """Guard and adapter as landing calls them."""
    issues = inspect(path, configured)
    parsed = (
        ParsedDelivery(issues=tuple(issues))
        if any(issue.severity == "refusal" for issue in issues)
        else adapter(configured.format).parse(path, configured)
    )
    for issue in (*issues, *parsed.issues):
        assert issue.rule and issue.message.strip(), issue
    if parsed.refused:
        assert not parsed.tables


@cache
def _registered(format_name: str) -> SourceConfig | None:
    """Any registered source of a format."""
    if format_name in f.BENCHES:
        return f.BENCHES[format_name].source
    found = (item for name in INSTANCES for item in Instance(name).sources.values())
    return next((item for item in found if item.format == format_name), None)


def tried(name: str, content: bytes, configured: SourceConfig) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        judged(path, configured)


@pytest.mark.parametrize("format_name", sorted(f.BENCHES))
@BOUNDED
@given(data=st.data())
def test_damaged_files(format_name: str, data: st.DataObject) -> None:
    bench = f.BENCHES[format_name]
    tried(bench.name, data.draw(damaged(bench.sound[bench.name])), bench.source)


@BOUNDED
@given(data=st.data())
def test_damaged_printed_table(data: st.DataObject) -> None:
    tried("99999-01i_a.csv", data.draw(damaged(printed())), source("nrw_table"))


@pytest.mark.parametrize("format_name", sorted(ADAPTERS))
@settings(BOUNDED, max_examples=max(5, EXAMPLES // 5))
@given(content=st.one_of(st.binary(max_size=200), st.sampled_from(BEGINNINGS)))
def test_any_bytes_in_any_format(format_name: str, content: bytes) -> None:
    configured = _registered(format_name)
    if configured is None:
        pytest.skip(f"no registered source of format {format_name}")
    tried("lieferung_2024.csv", content, configured)


@cache
def _real(instance_name: str, source_id: str) -> tuple[str, bytes, SourceConfig]:
    instance = Instance(instance_name)
    configured = instance.sources[source_id]
    files = source_files(instance, configured)
    if not files:
        pytest.skip(f"Echte Daten fehlen: {data_dir()} (LAGEBILD_DATA setzen)")
    path = min(files, key=lambda item: item.stat().st_size)
    content = path.read_bytes()
    if len(content) > REAL_BYTES:
        if KINDS[configured.format] != {"text"}:
            if EXAMPLES <= 15:
                pytest.skip("large archive: only in the long run")
        else:
            content = content[:REAL_BYTES]
    return path.name, content, configured


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.parametrize(("instance_name", "source_id"), REAL_SOURCES)
@settings(BOUNDED, max_examples=max(3, EXAMPLES // 8))
@given(data=st.data())
def test_damaged_real_files(instance_name: str, source_id: str, data: st.DataObject) -> None:
    name, content, configured = _real(instance_name, source_id)
    tried(name, data.draw(damaged(content)), configured)


@pytest.mark.parametrize("format_name", sorted(f.BENCHES))
@settings(BOUNDED, max_examples=max(2, EXAMPLES // 10))
@given(data=st.data())
def test_damaged_files_through_landing(format_name: str, data: st.DataObject) -> None:
    bench = f.BENCHES[format_name]
    content = data.draw(damaged(bench.sound[bench.name]))
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAGEBILD_VAR", str(Path(folder) / "var"))
        instance = territory(Path(folder))
        write(instance, bench.name, content)
        report = land_source(instance, bench.source)
        (manifest,) = read_manifests(instance, "probe")
        assert report.landed + report.quarantined == 1
        assert GENERIC not in {issue.rule for issue in manifest.issues}
        assert report.landed or any(issue.severity == "refusal" for issue in manifest.issues)
