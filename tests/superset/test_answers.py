"""A remembered answer belongs to the release it came from."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import requests

from orchestration.database_files import switch
from superset_assets.access.zones import ZoneError
from superset_assets.answers import release_stamp
from superset_assets.server import saved_queries, session
from tests.superset.conftest import SLUG, RunningSuperset


def test_another_file_under_the_same_name_has_another_stamp(var: Path) -> None:
    current = var / "kreis" / "published" / "current.duckdb"
    current.parent.mkdir(parents=True)
    current.write_bytes(b"one")
    before = release_stamp("duckdb", str(current))
    assert release_stamp("duckdb", str(current)) == before
    newer = current.with_name("release.duckdb")
    newer.write_bytes(b"two")
    os.utime(newer, ns=(current.stat().st_atime_ns, current.stat().st_mtime_ns))
    newer.replace(current)
    assert release_stamp("duckdb", str(current)) != before


def test_no_stamp_outside_the_released_files(var: Path) -> None:
    with pytest.raises(ZoneError):
        release_stamp("duckdb", str(var / "kreis" / "protected" / "warehouse.duckdb"))


@pytest.mark.superset
def test_a_release_is_seen_at_once(superset: RunningSuperset) -> None:
    current = superset.state / "probekreis" / "published" / "current.duckdb"
    with session(superset.url, superset.logins["fuehrung"]) as http:
        body = saved_queries(http, superset.url, SLUG)[0]
        _ask(http, superset.url, body)
        assert _ask(http, superset.url, body)
        switch(shutil.copy2(current, current.with_name("kept.duckdb")), current)
        assert not _ask(http, superset.url, body)
        assert _ask(http, superset.url, body)


def _ask(http: requests.Session, url: str, body: str) -> bool:
    """Whether the answer was remembered."""
    answer = http.post(
        f"{url}/api/v1/chart/data", data=body, headers={"Content-Type": "application/json"}, timeout=60
    )
    assert answer.status_code == 200, answer.text
    return bool(answer.json()["result"][0]["is_cached"])
