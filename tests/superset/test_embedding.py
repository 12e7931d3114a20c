"""A public dashboard on another website: shown without login, in a real browser, and nothing else with that token."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
import pytest
import requests

from lagebild import embedding
from lagebild.secrets import secret
from superset_assets.screenshots import CHROMIUM
from superset_assets.sync import SyncError, sync
from tests.ports import free_port
from tests.running_superset import state_folder
from tests.superset import attacks, mock_release, mock_tiers
from tests.superset.conftest import SLUG, RunningSuperset
from tests.superset.test_red_team import (
    Siege,
    assert_refused,
    siege,  # noqa: F401 - a fixture
)

pytestmark = pytest.mark.superset

_PAGE = """<!doctype html><html lang="de"><title>Probekreis</title><h1>Sozialbericht</h1>
<div data-lagebild="probekreis/lage" data-dashboards="{superset}" style="height: 1200px"></div>
<script src="{api}/v1/einbettung.js" defer></script></html>"""


@pytest.fixture(scope="module")
def api(superset: RunningSuperset) -> Iterator[str]:
    """The query interface beside the running Superset, with its state."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "semantic_layer.api.app:create_app",
        "--factory",
        "--port",
        str(port),
    ]
    server = subprocess.Popen(
        [*command, "--log-level", "warning"], env={**os.environ, "LAGEBILD_VAR": str(superset.state)}
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                requests.get(f"{url}/gesundheit", timeout=2)
                break
            except requests.ConnectionError:
                assert server.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.3)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=20)


@pytest.fixture(scope="module")
def website(superset: RunningSuperset, api: str) -> Iterator[str]:
    """The Kreis website of the test, on the domain the instance allows."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            # The same site to the browser, as subdomains of one Kreis are: frames of another site often get no storage,
            # and Superset does not start without.
            dashboards = superset.url.replace("127.0.0.1", "localhost")
            content = _PAGE.format(superset=dashboards, api=api).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Silence."""

    port = int(mock_release.WEBSITE.rsplit(":", 1)[1])
    server = ThreadingHTTPServer(("127.0.0.1", port), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield mock_release.WEBSITE
    server.shutdown()


def _token(
    api: str, name: str = "probekreis/lage", origin: str | None = mock_release.WEBSITE
) -> requests.Response:
    instance, dashboard = name.split("/")
    headers = {"Origin": origin} if origin else {}
    return requests.post(f"{api}/v1/{instance}/einbettung/{dashboard}", headers=headers, timeout=30)


@pytest.mark.browser
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="chromium is not installed")
def test_the_page_shows_the_dashboard_without_login(website: str, superset: RunningSuperset) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 1400})
        answers: list[tuple[int, str]] = []
        page.on("response", lambda answer: answers.append((answer.status, answer.url)))
        page.goto(website)
        frame = page.frame_locator("iframe")
        frame.get_by_text("53.940").first.wait_for(timeout=90_000)
        data = [status for status, url in answers if "/api/v1/chart/data" in url]
        page.wait_for_timeout(1000)
        text = frame.locator("body").inner_text()
        # Another website gets no token, and the browser does not draw the frame.
        page.goto(website.replace("localhost", "127.0.0.1"))
        page.get_by_text("zurzeit nicht erreichbar").wait_for(timeout=15_000)
        browser.close()
    assert data
    assert set(data) == {200}
    assert "Synthetische Daten" in text
    assert "Unexpected error" not in text


def test_only_the_websites_of_the_instance_may_frame(superset: RunningSuperset, api: str) -> None:
    frame = f"{superset.url}/embedded/{_token(api).json()['kennung']}"
    allowed = requests.get(frame, headers={"Referer": f"{mock_release.WEBSITE}/"}, timeout=30)
    assert allowed.status_code == 200
    assert (
        f"frame-ancestors 'self' {mock_release.WEBSITE} https://www.probekreis.example"
        in allowed.headers["Content-Security-Policy"]
    )
    assert "X-Frame-Options" not in allowed.headers
    for referrer in ({}, {"Referer": "https://elsewhere.example/"}):
        assert requests.get(frame, headers=referrer, timeout=30).status_code == 403
    login = requests.get(f"{superset.url}/login/", timeout=30)
    assert "frame-ancestors 'self';" in login.headers["Content-Security-Policy"] + ";"
    assert login.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_tokens_are_for_embedded_dashboards_on_allowed_websites(api: str) -> None:
    good = _token(api)
    assert good.status_code == 200
    assert good.headers["Access-Control-Allow-Origin"] == mock_release.WEBSITE
    assert good.headers["Cache-Control"] == "no-store"
    claims = jwt.decode(good.json()["token"], options={"verify_signature": False})
    assert claims["resources"] == [{"type": "dashboard", "id": good.json()["kennung"]}]
    assert claims["rls_rules"] == []
    assert claims["exp"] - claims["iat"] == embedding.TOKEN_SECONDS
    assert _token(api, origin="https://elsewhere.example").status_code == 403
    for name in ("probekreis/intern", "probekreis/intern-99901001", "leerkreis/lage", "probekreis/tabelle"):
        assert _token(api, name).status_code == 404, name
    assert "Zu viele Anfragen" in next(
        a.json()["detail"] for _ in range(80) if (a := _token(api)).status_code == 429
    )


@pytest.fixture(scope="module")
def guest(superset: RunningSuperset) -> Iterator[requests.Session]:
    """Somebody with the token out of the page, without a browser around it."""
    with state_folder(superset.state):
        (offered,) = embedding.read_register()
        token = embedding.guest_token(offered)
    with requests.Session() as http:
        http.headers["X-GuestToken"] = token
        yield http


def test_a_guest_reaches_nothing_else(siege: Siege, guest: requests.Session) -> None:  # noqa: F811
    base = siege.superset.url
    own = guest.get(f"{base}/api/v1/dashboard/{SLUG}", timeout=30)
    assert own.status_code == 200, own.text
    guests = Siege(siege.superset, siege.targets, {"guest": guest})
    for reader in mock_tiers.READERS:
        assert_refused(guests, "guest", attacks.foreign_data(siege.target(reader)))
    assert_refused(guests, "guest", attacks.foreign_database(siege.public))
    assert_refused(guests, "guest", attacks.administration(1))
    assert_refused(guests, "guest", attacks.smuggled(siege.public.dataset))
    others = [name for name in siege.public.slugs if name != SLUG]
    assert_refused(
        guests, "guest", [attacks.Attack(name, "GET", f"/api/v1/dashboard/{name}") for name in others]
    )


@pytest.mark.parametrize(
    "change", ["another dashboard", "by number", "with a row rule", "other key", "nothing", "expired"]
)
def test_forged_tokens_open_nothing(superset: RunningSuperset, change: str) -> None:
    """Even with the right key: only what is embedded, without rules of somebody else."""
    with state_folder(superset.state):
        (offered,) = embedding.read_register()
        claims = jwt.decode(embedding.guest_token(offered), options={"verify_signature": False})
        key = secret(embedding.SECRET_NAME)
    match change:
        case "another dashboard":
            claims["resources"].append({"type": "dashboard", "id": "2"})
        case "by number":
            claims["resources"] = [{"type": "dashboard", "id": "1"}]
        case "with a row rule":
            claims["rls_rules"] = [{"clause": "1=1) or (1=1"}]
        case "other key":
            key = "x" * 64
        case "nothing":
            claims["resources"] = []
        case "expired":
            claims["exp"] = time.time() - 10
    token = jwt.encode(claims, key, algorithm=embedding.ALGORITHM)
    answer = requests.get(
        f"{superset.url}/api/v1/dashboard/lage-probekreis", headers={"X-GuestToken": token}, timeout=30
    )
    assert answer.status_code in {401, 403, 404}, answer.text


def test_settings_and_names_are_checked() -> None:
    for domain in ("http://www.probekreis.example", "https://x.example/pfad", "*", "https://*.example"):
        with pytest.raises(ValueError, match="expected https"):
            embedding.EmbeddingSettings(domains=(domain,))
    with pytest.raises(ValueError, match="nothing can be embedded"):
        embedding.EmbeddingSettings(domains=())


def test_an_unknown_dashboard_stops_the_sync(superset: RunningSuperset) -> None:
    wrong = mock_release.CONFIG.model_copy(
        update={
            "embedding": embedding.EmbeddingSettings(
                domains=("https://x.example",), dashboards=("mondkarte",)
            )
        }
    )
    with state_folder(superset.state), pytest.raises(SyncError, match="mondkarte"):
        sync(configs={"probekreis": wrong})
