"""A real Superset: charts answer, dangerous SQL is refused, roles hold, sync is idempotent."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import duckdb
import pytest
import requests

from superset_assets.facts import Facts
from superset_assets.identifiers import asset_uuid
from superset_assets.render import render
from superset_assets.roles import Login, read_logins
from superset_assets.server import chart_data, dashboard_answers, query_dataset, run_sql
from superset_assets.sync import sync
from tests.superset import mock_release
from tests.superset.conftest import DATABASE, SLUG, RunningSuperset

pytestmark = pytest.mark.superset

_CONFIGS = {"probekreis": mock_release.CONFIG}


SLUGS = {
    SLUG: 9,
    "thema-lage-probekreis": 7,
    "datenlage-probekreis": 5,
    "ziele-probekreis": 13,
    "datenschutz-probekreis": 2,
    "profil-probekreis": 11,
    "vergleich-probekreis": 6,
    "vergleich-indizes-probekreis": 4,
    "vergleich-ausblick-probekreis": 6,
    "selbstbedienung-probekreis": 6,
}
"""Dashboards of the mock release with their number of charts; every chart of each is asked."""


@pytest.mark.parametrize("user", ["fuehrung", "analyse"])
@pytest.mark.parametrize("slug", SLUGS)
def test_every_chart_answers_with_rows_for_every_role(
    superset: RunningSuperset, slug: str, user: str
) -> None:
    answer = dashboard_answers(superset.url, superset.logins[user], slug)
    assert answer.error is None
    assert answer.problems == []
    assert len(answer.charts) == SLUGS[slug]
    assert answer.ok


def test_every_dashboard_is_asked(facts: Facts) -> None:
    """A dashboard that is not in `SLUGS` would be looked at by nobody."""
    assert {doc["slug"] for doc in render(facts).of_kind("dashboards").values()} == set(SLUGS)


def test_headline_number_equals_the_release(superset: RunningSuperset) -> None:
    rows = chart_data(superset.url, superset.logins["fuehrung"], SLUG, "SGB-II-Quote in %")
    with duckdb.connect(str(superset.state / "probekreis/published/current.duckdb"), read_only=True) as db:
        expected = db.execute(
            "select value from mart_indicator where indicator_id = 'sgb2_rate' and level_rank = 0 order by period_end"
        ).fetchall()
    assert [row["wert"] for row in rows] == [pytest.approx(value) for (value,) in expected]


def test_hidden_areas_reach_the_map_without_a_number(superset: RunningSuperset) -> None:
    rows = chart_data(
        superset.url, superset.logins["fuehrung"], SLUG, asset_uuid("probekreis", "charts", "karte_sgb2_rate")
    )
    hidden = [row for row in rows if row["value_label"] == "gesperrt"]
    assert len(rows) == 12
    assert [row["kartenwert"] for row in hidden] == ["gesperrt"] * len(mock_release.HIDDEN)


def test_self_service_metric_is_empty_over_a_hidden_part(superset: RunningSuperset) -> None:
    filters = [
        {"col": "indicator_id", "op": "==", "val": "sgb2_rate"},
        {"col": "area_level", "op": "==", "val": "sozialraum"},
        {"col": "is_latest", "op": "IS TRUE"},
    ]
    rows = query_dataset(
        superset.url,
        superset.logins["analyse"],
        asset_uuid("probekreis", "datasets", "mart_indicator"),
        ["parent_area_name"],
        ["wert"],
        filters,
    )
    values = {row["parent_area_name"]: row["wert"] for row in rows}
    assert values["Craneburg"] is None
    assert values["Dünenförde"] is None
    assert values["Altensiel"] == pytest.approx(7.06, abs=0.1)


_REFUSED = (
    "select * from read_csv('/etc/passwd')",
    "select * from read_text('/etc/hostname')",
    "select * from '/etc/passwd'",
    "select * from parquet_scan('/tmp/x.parquet')",
    "select * from glob('/*')",
    "attach '{var}/probekreis/published/other.duckdb' as other",
    "copy mart_indicator to '{var}/stolen.csv'",
    "export database '{var}/stolen'",
    "set enable_external_access = true",
    "install httpfs",
    "load httpfs",
    "select getenv('HOME')",
    "select * from query('select 1')",
    "create table t as select 1",
    "delete from mart_indicator",
    "drop table mart_indicator",
)


@pytest.mark.parametrize("user", ["analyse", "admin"])
def test_sql_lab_refuses(superset: RunningSuperset, user: str) -> None:
    statements = [statement.format(var=superset.state) for statement in _REFUSED]
    answers = run_sql(superset.url, superset.logins[user], DATABASE, statements)
    allowed = [
        text
        for text, (status, body) in zip(statements, answers, strict=True)
        if status < 400 or "data" in body
    ]
    assert allowed == []
    assert not (superset.state / "stolen.csv").exists()


def test_analyst_may_query_the_release(superset: RunningSuperset) -> None:
    ((status, body),) = run_sql(
        superset.url, superset.logins["analyse"], DATABASE, ["select count(*) as n from mart_indicator"]
    )
    assert (status, body["data"]) == (200, [{"n": 306}])


def test_executive_has_no_sql_and_no_explore(superset: RunningSuperset) -> None:
    ((status, body),) = run_sql(superset.url, superset.logins["fuehrung"], DATABASE, ["select 1"])
    assert status in {401, 403}, body
    with _session(superset, "fuehrung") as http:
        assert http.get(f"{superset.url}/api/v1/database/").status_code == 403
        assert http.get(f"{superset.url}/api/v1/explore/?slice_id=1").status_code == 403
        assert http.post(f"{superset.url}/api/v1/dashboard/", json={"dashboard_title": "x"}).status_code in {
            400,
            403,
        }


def test_nothing_without_login(superset: RunningSuperset) -> None:
    for path in (f"/api/v1/dashboard/{SLUG}", "/api/v1/chart/", "/api/v1/database/", "/api/v1/dataset/"):
        assert requests.get(superset.url + path, timeout=30).status_code in {401, 403, 404}, path
    page = requests.get(f"{superset.url}/superset/dashboard/{SLUG}/", timeout=30, allow_redirects=False)
    assert page.status_code in {302, 401, 403, 404}
    # The texts of the pages hold no data; the login page needs them.
    pack = requests.get(f"{superset.url}/superset/language_pack/de/", timeout=30).json()
    assert pack["locale_data"]["superset"]["Sign in"] == ["Anmelden"]


def test_no_default_accounts(superset: RunningSuperset) -> None:
    for user, password in (("admin", "admin"), ("admin", "general"), ("fuehrung", "fuehrung")):
        answer = dashboard_answers(superset.url, Login(user=user, role="", password=password), SLUG)
        assert answer.error is not None
        assert "refused" in answer.error


def test_security_headers(superset: RunningSuperset) -> None:
    answer = requests.get(f"{superset.url}/login/", timeout=30)
    assert "script-src 'self' 'strict-dynamic'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_second_sync_changes_nothing_and_is_quick(superset: RunningSuperset) -> None:
    before = read_logins()
    started = time.process_time()
    report = sync(configs=_CONFIGS)
    assert superset.first_sync.changed
    assert not report.changed
    # Computing time, not waiting time: other tests may run beside this one.
    assert time.process_time() - started < 2
    assert read_logins() == before


def test_instance_without_release_is_skipped(superset: RunningSuperset) -> None:
    empty = mock_release.CONFIG.model_copy(update={"name": "leerkreis"})
    report = sync(configs={**_CONFIGS, "leerkreis": empty})
    assert (report.skipped, report.changed) == (("leerkreis",), False)


def test_orphans_are_removed_and_foreign_assets_stay(superset: RunningSuperset) -> None:
    second = mock_release.CONFIG.model_copy(update={"name": "zweitkreis"})
    release = superset.state / "zweitkreis" / "published" / "current.duckdb"
    mock_release.build(release, title="Zweitkreis")
    configs = {**_CONFIGS, "zweitkreis": second}
    metadata = superset.state / "superset" / "superset.db"
    try:
        sync(["zweitkreis"], configs=configs)
        assert _count(metadata, "zweitkreis") > 10
        with sqlite3.connect(metadata) as db:
            db.execute(
                "insert into dashboards (dashboard_title, slug, uuid, published, created_on, changed_on) "
                "values ('Eigenes', 'eigenes', randomblob(16), 1, '2026-01-01 00:00:00', '2026-01-01 00:00:00')"
            )
    finally:
        release.unlink()
    report = sync(["probekreis"], configs=configs)
    assert {marker.split(":")[1] for marker in report.removed} == {"zweitkreis"}
    assert _count(metadata, "zweitkreis") == 0
    assert _count(metadata, "probekreis") > 10
    with sqlite3.connect(metadata) as db:
        assert db.execute("select count(*) from dashboards where slug = 'eigenes'").fetchone() == (1,)
    assert dashboard_answers(superset.url, superset.logins["fuehrung"], SLUG).ok


def test_a_new_release_is_shown_without_restart(superset: RunningSuperset) -> None:
    live = superset.state / "probekreis" / "published" / "current.duckdb"
    fresh = mock_release.build(live.with_name("release-2.duckdb"))
    with duckdb.connect(str(fresh)) as db:
        db.execute("update mart_indicator set value = 77 where indicator_id = 'sgb2_rate' and level_rank = 0")
    old = live.read_bytes()
    try:
        os.replace(fresh, live)
        rows = query_dataset(
            superset.url,
            superset.logins["analyse"],
            asset_uuid("probekreis", "datasets", "mart_indicator"),
            ["area_name", "year"],
            ["wert"],
            [
                {"col": "indicator_id", "op": "==", "val": "sgb2_rate"},
                {"col": "level_rank", "op": "==", "val": 0},
            ],
            row_limit=999,
        )
        assert {row["wert"] for row in rows} == {77}
    finally:
        back = live.with_name("back.duckdb")
        back.write_bytes(old)
        os.replace(back, live)


def _session(superset: RunningSuperset, user: str) -> requests.Session:
    login = superset.logins[user]
    http = requests.Session()
    answer = http.post(
        f"{superset.url}/api/v1/security/login",
        json={"username": login.user, "password": login.password, "provider": "db"},
        timeout=30,
    )
    http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return http


def _count(metadata: Path, instance: str) -> int:
    with sqlite3.connect(metadata) as db:
        return sum(
            db.execute(
                f"select count(*) from {table} where external_url like ?", [f"lagebild:{instance}:%"]
            ).fetchone()[0]
            for table in ("dashboards", "slices", "tables", "dbs")
        )
