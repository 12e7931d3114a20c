"""Red team against a real Superset: every role tries to see what it may not. All refused, nothing leaks, all noted.

The marks of `mock_tiers` tell whose figure an answer holds. Here everything is sent as the role with the most to gain;
`test_red_team_matrix.py` sends everything as every role.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest
import requests

from orchestration.database_files import switch
from superset_assets.access.journal import ACTION
from superset_assets.roles import Login
from tests.superset import attacks, mock_tiers
from tests.superset.attacks import Attack, Target
from tests.superset.conftest import RunningSuperset

pytestmark = pytest.mark.superset

_FILES = ("root:x:0", mock_tiers.PROTECTED_WORD, "pbkdf2:", "scrypt:")
_A, _B = mock_tiers.READERS[0], mock_tiers.READERS[1]
_KREIS = mock_tiers.READERS[2]


@dataclass(frozen=True)
class Siege:
    """The running Superset with its assets by scope and a session per user."""

    superset: RunningSuperset
    targets: dict[str, Target]
    sessions: dict[str, requests.Session]

    def target(self, reader: mock_tiers.MockReader) -> Target:
        return self.targets[f"probekreis/{reader.folder}"]

    @property
    def public(self) -> Target:
        return self.targets["probekreis"]


@pytest.fixture(scope="module")
def siege(superset: RunningSuperset) -> Iterator[Siege]:
    with ExitStack() as stack:
        sessions = {
            name: stack.enter_context(browser_session(superset.url, login))
            for name, login in superset.logins.items()
        }
        yield Siege(superset, _targets(superset), sessions)


@contextmanager
def browser_session(base: str, login: Login) -> Iterator[requests.Session]:
    """Signed in through the login page. Some of Superset's checks know cookies only and would refuse a token for the
    wrong reason."""
    with requests.Session() as http:
        page = http.get(f"{base}/login/", timeout=60)
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
        assert token is not None
        form = {"csrf_token": token.group(1), "username": login.user, "password": login.password}
        answer = http.post(f"{base}/login/", data=form, timeout=60, allow_redirects=False)
        assert answer.headers.get("Location") == "/", answer.text[:200]
        http.headers["X-CSRFToken"] = http.get(f"{base}/api/v1/security/csrf_token/", timeout=60).json()[
            "result"
        ]
        http.headers["Referer"] = base
        yield http


def _targets(superset: RunningSuperset) -> dict[str, Target]:
    """Read from Superset's database: the attacker knows every number."""
    with sqlite3.connect(superset.state / "superset" / "superset.db") as db:
        found: dict[str, Target] = {}
        for scope, database, uri in db.execute(
            "select substr(external_url, 10, instr(substr(external_url, 10), ':') - 1), id, sqlalchemy_uri from dbs"
        ).fetchall():
            like = f"lagebild:{scope}:%"
            wanted = "mart_measure_intern" if "/" in scope else "mart_indicator"
            (dataset,) = db.execute(
                "select id from tables where external_url = ?", [f"lagebild:{scope}:datasets:{wanted}"]
            ).fetchone()
            charts = db.execute(
                "select id from slices where external_url like ? order by id limit 2", [like]
            ).fetchall()
            dashboards = db.execute(
                "select id, slug from dashboards where external_url like ? order by slug", [like]
            ).fetchall()
            dashboard, slug = dashboards[0]
            found[scope] = Target(
                database=database,
                dataset=dataset,
                charts=tuple(chart for (chart,) in charts),
                dashboard=dashboard,
                slug=slug,
                file=uri.removeprefix("duckdb:///").split("?")[0],
                slugs=tuple(name for _, name in dashboards),
            )
    return found


def findings(siege: Siege, user: str, tries: Iterable[Attack], own: int | None = None) -> list[str]:
    """Attacks that got something: an answer where none may come, or a mark that is not the user's own."""
    return [
        f"{user}: {attack.name}: {what}"
        for attack in tries
        if (what := _gain(attack, attack.send(siege.sessions[user], siege.superset.url), own))
    ]


def assert_refused(siege: Siege, user: str, tries: Iterable[Attack], own: int | None = None) -> None:
    found = findings(siege, user, tries, own)
    assert not found, "\n".join(found)


def _gain(attack: Attack, answer: requests.Response, own: int | None) -> str:
    text = answer.content.decode("utf-8", errors="replace")
    marks = [*(reader.mark for reader in mock_tiers.READERS), mock_tiers.STRAY]
    leaked = [
        mark for mark in marks if mark != own and (str(mark) in text or f"{mark:,}".replace(",", ".") in text)
    ]
    if leaked or any(word in text for word in _FILES):
        return f"LEAK {leaked} {text[:200]}"
    if answer.content[:2] == b"PK":
        return "LEAK a workbook" if attack.must_fail else ""
    if attack.must_fail and answer.status_code < 300 and not _is_empty(answer):
        return f"{answer.status_code} {text[:200]}"
    return ""


def _is_empty(answer: requests.Response) -> bool:
    """A list without entries gives nothing away."""
    body = answer.json() if answer.headers.get("Content-Type", "").startswith("application/json") else None
    return isinstance(body, dict) and body.get("result") == [] and body.get("count", 0) == 0


def test_a_kommune_sees_its_own_figures(siege: Siege) -> None:
    """The counter-test: without it everything below would pass on a broken server."""
    for reader in (_A, _B):
        query = attacks.context(siege.target(reader).dataset)
        answer = siege.sessions[reader.user].post(
            f"{siege.superset.url}/api/v1/chart/data", json=query, timeout=30
        )
        assert answer.status_code == 200, answer.text
        assert [row["value"] for row in answer.json()["result"][0]["data"]] == [reader.mark]
        page = siege.sessions[reader.user].get(
            f"{siege.superset.url}/api/v1/dashboard/{siege.target(reader).slug}", timeout=30
        )
        assert page.json()["result"]["dashboard_title"] == f"Interne Zahlen {reader.label}"
    for user in ("analyse", "planung", "fuehrung"):
        query = attacks.context(siege.target(_KREIS).dataset)
        answer = siege.sessions[user].post(f"{siege.superset.url}/api/v1/chart/data", json=query, timeout=30)
        assert [row["value"] for row in answer.json()["result"][0]["data"]] == [_KREIS.mark], user


def test_a_kommune_reaches_no_other_file(siege: Siege) -> None:
    tries = [attack for reader in (_B, _KREIS) for attack in attacks.foreign_data(siege.target(reader))]
    assert_refused(siege, _A.user, tries, own=_A.mark)


def test_an_analyst_with_sql_reaches_no_kommune(siege: Siege) -> None:
    tries = attacks.foreign_data(siege.target(_A))
    assert_refused(siege, "analyse", tries)


def test_administration_opens_no_internal_file(siege: Siege) -> None:
    """Who administers has every permission of Superset; the register of readers is not one of them."""
    data = [
        a
        for a in attacks.foreign_data(siege.target(_A))
        if a.name.startswith(
            (
                "chart data full",
                "chart data csv",
                "SQL Lab",
                "explore json",
                "samples",
                "column values",
                "tables",
            )
        )
    ]
    assert len(data) >= 6
    assert_refused(siege, "admin", data)


@pytest.mark.parametrize("user", ["analyse"])
def test_sql_lab_runs_reading_queries_only(siege: Siege, user: str) -> None:
    tries = [attacks.sql_lab(siege.public.database, sql) for sql in attacks.statements(siege.superset.state)]
    assert_refused(siege, user, tries)
    assert not list(siege.superset.state.glob("stolen*"))


def test_expressions_in_charts_reach_nothing_else(siege: Siege) -> None:
    assert_refused(siege, _A.user, attacks.smuggled(siege.target(_A).dataset), own=_A.mark)


def test_templates_stay_text(siege: Siege) -> None:
    """Superset would replace `{{ … }}` before the statement is judged; it must not."""
    sql = "'{{ current_username() }}'"
    column = {"sqlExpression": sql, "label": "c", "expressionType": "SQL"}
    query = attacks.context(siege.target(_A).dataset, query={"columns": [column]})
    answer = siege.sessions[_A.user].post(f"{siege.superset.url}/api/v1/chart/data", json=query, timeout=30)
    assert answer.json()["result"][0]["data"] == [{"c": "{{ current_username() }}"}]


def test_row_security_holds(siege: Siege) -> None:
    tries = attacks.escapes_row_security(siege.target(_A).dataset)
    assert_refused(siege, _A.user, tries, own=_A.mark)


def test_connections_lead_to_released_files_only(siege: Siege) -> None:
    link = siege.superset.state / "probekreis" / "published" / "link.duckdb"
    link.symlink_to(siege.superset.state / "probekreis" / "protected" / "warehouse.duckdb")
    tries = list(attacks.connections(siege.superset.state, siege.public, siege.target(_A)))
    try:
        assert_refused(siege, "admin", tries)
        assert_refused(siege, "planung", tries)
    finally:
        link.unlink()


def test_the_answers_of_others_are_not_kept_for_one(siege: Siege) -> None:
    """Cached results, forms and addresses that somebody else left behind."""
    base, mine, theirs = siege.superset.url, siege.sessions[_A.user], siege.sessions[_B.user]
    query = {**attacks.context(siege.target(_A).dataset), "force": False}
    first = mine.post(f"{base}/api/v1/chart/data", json=query, timeout=30).json()["result"][0]
    assert mine.post(f"{base}/api/v1/chart/data", json=query, timeout=30).json()["result"][0]["is_cached"]
    link = mine.post(f"{base}/api/v1/dashboard/{siege.target(_A).slug}/permalink", json={}, timeout=30)
    assert link.status_code == 201, link.text
    state = mine.post(
        f"{base}/api/v1/dashboard/{siege.target(_A).dashboard}/filter_state",
        json={"value": json.dumps(_A.mark)},
        timeout=30,
    )
    assert state.status_code == 201, state.text
    tries = [
        Attack("the same question", "POST", "/api/v1/chart/data", query),
        *attacks.annotations(siege.target(_B).dataset, siege.target(_A).charts),
        Attack("cached answer", "GET", f"/api/v1/chart/data/{first['cache_key']}"),
        Attack("cached form", "GET", f"/superset/explore_json/data/{first['cache_key']}"),
        Attack("results", "GET", f"/api/v1/sqllab/results/?q=(key:'{first['cache_key']}')"),
        Attack("permalink", "GET", f"/api/v1/dashboard/permalink/{link.json()['key']}"),
        Attack(
            "filter state",
            "GET",
            f"/api/v1/dashboard/{siege.target(_A).dashboard}/filter_state/{state.json()['key']}",
        ),
    ]
    assert_refused(siege, _B.user, tries, own=_B.mark)
    assert theirs.get(f"{base}/api/v1/me/", timeout=30).status_code == 200


@pytest.mark.parametrize("user", ["fuehrung", "planung", "datenschutz", "kommune-altensiel"])
def test_administration_is_for_administrators(siege: Siege, user: str) -> None:
    assert_refused(siege, user, attacks.administration(1))


def test_lists_name_nothing_foreign(siege: Siege) -> None:
    for kind in ("dashboard", "chart", "dataset", "database"):
        answer = siege.sessions[_A.user].get(
            f"{siege.superset.url}/api/v1/{kind}/?q=(page_size:100)", timeout=30
        )
        assert "Brookmühlen" not in json.dumps(answer.json(), ensure_ascii=False), kind
        assert "Kreisverwaltung" not in json.dumps(answer.json(), ensure_ascii=False), kind


def test_a_switched_internal_file_is_shown_without_restart(siege: Siege) -> None:
    """The release switches the files of the readers as it switches the public one: one rename, no restart."""
    live = siege.superset.state / "probekreis" / "published" / "intern" / _A.folder / "current.duckdb"
    kept, fresh = live.with_name("release-1.duckdb"), live.with_name("release-2.duckdb")
    os.link(live, kept)
    shutil.copyfile(live, fresh)
    with duckdb.connect(str(fresh)) as db:
        db.execute("update mart_measure_intern set value = 5 where value = ?", [_A.mark])
    fresh.chmod(0o400)
    query = attacks.context(siege.target(_A).dataset)
    try:
        switch(fresh, live)
        answer = siege.sessions[_A.user].post(
            f"{siege.superset.url}/api/v1/chart/data", json=query, timeout=30
        )
        assert [row["value"] for row in answer.json()["result"][0]["data"]] == [5]
        assert_refused(
            siege, _B.user, [Attack("after the switch", "POST", "/api/v1/chart/data", query)], own=_B.mark
        )
        assert live.stat().st_mode & 0o077 == 0
    finally:
        switch(kept, live)


def test_refusals_are_noted_without_personal_data(siege: Siege) -> None:
    """In Superset's log table and in our file, with the way and the roles, without what was asked or who asked."""
    word = "Erika-Mustermann-1974"
    attack = attacks.sql_lab(siege.public.database, f"select '{word}' from read_text('/etc/passwd')")
    before = _noted(siege)
    assert_refused(siege, "analyse", [attack])
    assert_refused(
        siege, _A.user, [Attack(word, "GET", f"/api/v1/dashboard/{siege.target(_B).slug}?x={word}")]
    )
    new = _noted(siege)[len(before) :]
    assert [(entry["weg"], entry["rollen"]) for entry in new] == [
        ("/api/v1/sqllab/execute/", ["Fachdienst-Analyse"]),
        ("/api/v1/dashboard/<id_or_slug>", ["Kommune:Altensiel"]),
    ]
    assert all(entry["status"] >= 400 for entry in new)
    with sqlite3.connect(siege.superset.state / "superset" / "superset.db") as db:
        rows = db.execute("select action, json, referrer from logs").fetchall()
        noted = [json.loads(content) for action, content, _ in rows if action == ACTION]
    assert [(entry["weg"], entry["status"]) for entry in noted[-2:]] == [
        (entry["weg"], entry["status"]) for entry in new
    ]
    kept = json.dumps(rows) + (siege.superset.state / "superset" / "refused.jsonl").read_text(
        encoding="utf-8"
    )
    for secret in (
        word,
        "read_text",
        "passwd",
        "127.0.0.1",
        *(f'"{name}"' for name in siege.superset.logins),
    ):
        assert secret not in kept, secret
    assert (siege.superset.state / "superset" / "refused.jsonl").stat().st_mode & 0o077 == 0


def _noted(siege: Siege) -> list[dict[str, Any]]:
    file = siege.superset.state / "superset" / "refused.jsonl"
    return (
        [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
    )
