"""Superset as a server: how to start it, whether it lives, what its charts answer.

Belongs here: the start command and requests over HTTP. Does not belong here: starting and stopping processes
(orchestration does), Superset's database (`sync`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from superset_assets.environment import superset_environment
from superset_assets.roles import Login

_TIMEOUT = 60


@dataclass(frozen=True)
class ChartAnswer:
    """What `/api/v1/chart/data` said about one chart."""

    chart_id: int
    title: str
    viz_type: str
    uuid: str
    rows: int
    error: str | None
    columns: tuple[str, ...] = ()
    data: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Answer:
    """What a dashboard answered. `ok`: it exists, has charts, and each gave rows."""

    slug: str
    title: str
    charts: tuple[ChartAnswer, ...]
    error: str | None = None

    @property
    def ok(self) -> bool:
        return self.error is None and bool(self.charts) and not self.problems

    @property
    def problems(self) -> list[str]:
        return [
            f"{chart.title}: {chart.error or 'no rows'}"
            for chart in self.charts
            if chart.error is not None or chart.rows == 0
        ]


def command(
    port: int, host: str = "127.0.0.1", workers: int = 2, threads: int = 8
) -> tuple[list[str], dict[str, str]]:
    """Command line and environment of the server (gunicorn with threads). Needs a sync before the first start."""
    gunicorn = str(Path(sys.executable).with_name("gunicorn"))
    return (
        [
            gunicorn,
            "--bind",
            f"{host}:{port}",
            "--worker-class",
            "gthread",
            "--workers",
            str(workers),
            "--threads",
            str(threads),
            "--timeout",
            "120",
            "--graceful-timeout",
            "10",
            "--keep-alive",
            "5",
            "--limit-request-line",
            "0",
            "--limit-request-field_size",
            "0",
            "superset.app:create_app()",
        ],
        superset_environment(),
    )


def health(base_url: str, timeout: float = 3.0) -> bool:
    """True when the server answers. Never raises."""
    try:
        answer = requests.get(f"{base_url.rstrip('/')}/health", timeout=timeout)
    except requests.RequestException:
        return False
    return answer.status_code == requests.codes.ok and answer.text.strip() == "OK"


class ApiError(RuntimeError):
    """Superset refused or failed; the message holds status and reason."""


@contextmanager
def session(base_url: str, login: Login) -> Iterator[requests.Session]:
    """A session logged in through the API, with the CSRF token that writing requests need.

    Raises ApiError when the login is refused.
    """
    base = base_url.rstrip("/")
    with requests.Session() as http:
        answer = http.post(
            f"{base}/api/v1/security/login",
            json={"username": login.user, "password": login.password, "provider": "db", "refresh": False},
            timeout=_TIMEOUT,
        )
        if answer.status_code != requests.codes.ok:
            raise ApiError(f"login of '{login.user}' refused: {answer.status_code}")
        http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        http.headers["Referer"] = base
        # The token call sets the session cookie that the token belongs to.
        token = http.get(f"{base}/api/v1/security/csrf_token/", timeout=_TIMEOUT)
        if token.status_code == requests.codes.ok:
            http.headers["X-CSRFToken"] = token.json()["result"]
        yield http


def dashboard_answers(base_url: str, login: Login, slug: str) -> Answer:
    """Log in and ask every chart of the dashboard for its data, as a browser would, without filters.

    Refusals and errors are in the answer, not raised; only a server that is away raises requests.RequestException.
    """
    base = base_url.rstrip("/")
    try:
        with session(base, login) as http:
            found = http.get(f"{base}/api/v1/dashboard/{slug}", timeout=_TIMEOUT)
            if found.status_code != requests.codes.ok:
                return Answer(slug, "", (), f"dashboard '{slug}': {found.status_code}")
            title = str(found.json()["result"]["dashboard_title"])
            charts = http.get(f"{base}/api/v1/dashboard/{slug}/charts", timeout=_TIMEOUT)
            if charts.status_code != requests.codes.ok:
                return Answer(slug, title, (), f"charts of '{slug}': {charts.status_code}")
            ids = [int(item["id"]) for item in charts.json()["result"]]
            return Answer(slug, title, tuple(_chart_answer(http, base, chart_id) for chart_id in ids))
    except ApiError as refused:
        return Answer(slug, "", (), str(refused))


def chart_data(base_url: str, login: Login, slug: str, title_or_uuid: str) -> list[dict[str, Any]]:
    """Rows of one chart of the dashboard, found by its uuid or its title. Raises ApiError when it gives none."""
    answer = dashboard_answers(base_url, login, slug)
    if answer.error:
        raise ApiError(answer.error)
    for chart in answer.charts:
        if title_or_uuid in {chart.uuid, chart.title}:
            if chart.error:
                raise ApiError(f"{chart.title}: {chart.error}")
            return list(chart.data)
    raise ApiError(f"no chart '{title_or_uuid}' on '{slug}'")


def query_dataset(
    base_url: str,
    login: Login,
    dataset_uuid: str,
    columns: list[str],
    metrics: list[str],
    filters: list[dict[str, Any]],
    row_limit: int = 10_000,
) -> list[dict[str, Any]]:
    """Free query on a dataset, as Explore sends it. Raises ApiError when refused."""
    base = base_url.rstrip("/")
    with session(base, login) as http:
        found = http.get(f"{base}/api/v1/dataset/{dataset_uuid}", timeout=_TIMEOUT)
        if found.status_code != requests.codes.ok:
            raise ApiError(f"dataset: {found.status_code}")
        context: dict[str, Any] = {
            "datasource": {"id": found.json()["result"]["id"], "type": "table"},
            "queries": [{"columns": columns, "metrics": metrics, "filters": filters, "row_limit": row_limit}],
            "result_format": "json",
            "result_type": "full",
        }
        answer = http.post(f"{base}/api/v1/chart/data", json=context, timeout=_TIMEOUT)
        if answer.status_code != requests.codes.ok:
            raise ApiError(f"chart data: {answer.status_code} {_reason(answer)}")
        return list(answer.json()["result"][0]["data"])


def run_sql(
    base_url: str, login: Login, database_name: str, statements: list[str]
) -> list[tuple[int, dict[str, Any]]]:
    """Run statements in SQL Lab, one after the other; status code and answer of each, whatever they are."""
    base = base_url.rstrip("/")
    with session(base, login) as http:
        listed = http.get(f"{base}/api/v1/database/", timeout=_TIMEOUT)
        found = [
            item["id"]
            for item in listed.json().get("result", [])
            if item.get("database_name") == database_name
        ]
        # Roles that may not list databases still get a refusal of SQL Lab itself, not of this lookup.
        database_id = found[0] if found else 1
        answers = [
            http.post(
                f"{base}/api/v1/sqllab/execute/",
                json={"database_id": database_id, "sql": sql, "runAsync": False, "schema": "main"},
                timeout=_TIMEOUT,
            )
            for sql in statements
        ]
        return [(answer.status_code, _body(answer)) for answer in answers]


def saved_queries(http: requests.Session, base_url: str, slug: str) -> list[str]:
    """The questions of all charts of a dashboard as JSON, as its page asks them."""
    listed = http.get(f"{base_url}/api/v1/dashboard/{slug}/charts", timeout=_TIMEOUT).json()["result"]
    contexts = [
        http.get(f"{base_url}/api/v1/chart/{item['id']}", timeout=_TIMEOUT).json()["result"]["query_context"]
        for item in listed
    ]
    return [json.dumps(json.loads(context)) for context in contexts if context]


def _chart_answer(http: requests.Session, base: str, chart_id: int) -> ChartAnswer:
    described = http.get(f"{base}/api/v1/chart/{chart_id}", timeout=_TIMEOUT)
    if described.status_code != requests.codes.ok:
        return ChartAnswer(
            chart_id, str(chart_id), "", "", 0, f"{described.status_code} {_reason(described)}"
        )
    chart = described.json()["result"]
    title, viz_type = str(chart["slice_name"]), str(chart["viz_type"])
    uuid = str(chart.get("uuid") or "")
    if not chart.get("query_context"):
        return ChartAnswer(chart_id, title, viz_type, uuid, 0, "no saved query")
    answer = http.post(f"{base}/api/v1/chart/data", json=json.loads(chart["query_context"]), timeout=_TIMEOUT)
    if answer.status_code != requests.codes.ok:
        return ChartAnswer(chart_id, title, viz_type, uuid, 0, f"{answer.status_code} {_reason(answer)}")
    result = answer.json()["result"][0]
    if result.get("error"):
        return ChartAnswer(chart_id, title, viz_type, uuid, 0, str(result["error"]))
    return ChartAnswer(
        chart_id,
        title,
        viz_type,
        uuid,
        int(result["rowcount"]),
        None,
        tuple(result["colnames"]),
        tuple(result["data"]),
    )


def _body(answer: requests.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {"text": answer.text[:500]}
    return body if isinstance(body, dict) else {"body": body}


def _reason(answer: requests.Response) -> str:
    body = _body(answer)
    errors = body.get("errors") or [{}]
    return str(body.get("message") or errors[0].get("message") or body)[:500]
