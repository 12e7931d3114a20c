"""Sign-in: guessing is slow on page and interface, accounts come from the directory of the house where that is set."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import requests

from lagebild.secrets import SecretMissing
from superset_assets.access import sign_in
from superset_assets.access.throttle import Throttle
from tests.superset.conftest import RunningSuperset


def _page(base: str, user: str, password: str) -> requests.Response:
    with requests.Session() as http:
        found = re.search(
            r'name="csrf_token"[^>]*value="([^"]+)"', http.get(f"{base}/login/", timeout=30).text
        )
        assert found is not None
        form = {"csrf_token": found.group(1), "username": user, "password": password}
        return http.post(f"{base}/login/", data=form, timeout=30, allow_redirects=False)


def _interface(base: str, user: str, password: str) -> requests.Response:
    body = {"username": user, "password": password, "provider": "db"}
    return requests.post(f"{base}/api/v1/security/login", json=body, timeout=30)


@pytest.mark.superset
def test_guessing_is_throttled_on_page_and_interface_together(superset: RunningSuperset) -> None:
    limit = Throttle(Path("-"), "").per_account
    ways = (_page, _interface)
    for number in range(limit):
        answer = ways[number % 2](superset.url, "ratekonto", f"falsch{number}")
        assert answer.status_code in {302, 401}, answer.text
    for way in ways:
        refused = way(superset.url, "ratekonto", "noch einer")
        assert refused.status_code == 429
        assert "Zu viele Fehlversuche" in refused.text
        assert int(refused.headers["Retry-After"]) > 60
        assert way(superset.url, "RATEKONTO", "noch einer").status_code == 429
    # Others are not locked out with it.
    login = superset.logins["fuehrung"]
    assert _interface(superset.url, login.user, login.password).status_code == 200
    entries = [
        json.loads(line)
        for line in (superset.state / "superset" / "refused.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    kinds = [entry["art"] for entry in entries]
    assert kinds.count("Anmeldung gescheitert") >= limit
    assert "Anmeldung gedrosselt" in kinds
    assert "ratekonto" not in json.dumps(entries)


@pytest.mark.superset
def test_cross_site_form_is_refused(superset: RunningSuperset) -> None:
    login = superset.logins["fuehrung"]
    answer = requests.post(
        f"{superset.url}/login/",
        data={"username": login.user, "password": login.password},
        timeout=30,
        allow_redirects=False,
    )
    assert answer.status_code in {302, 400}
    assert answer.headers.get("Location") != "/"


def test_throttle_counts_per_account_and_per_address(tmp_path: Path) -> None:
    throttle = Throttle(tmp_path / "t.db", "key", window_s=60, per_account=2, per_address=5)
    assert throttle.wait("a", "1") == 0
    throttle.failed("a", "1")
    throttle.failed("A", "2")
    assert 50 < throttle.wait("a", "3") <= 60
    assert throttle.wait("b", "3") == 0
    throttle.succeeded("a")
    assert throttle.wait("a", "3") == 0
    for number in range(4):
        throttle.failed(f"c{number}", "1")
    assert throttle.wait("fresh", "1") > 0
    assert throttle.wait("fresh", "4") == 0
    # Another process sees the same counts, and nobody reads names or addresses from the file.
    assert (
        Throttle(tmp_path / "t.db", "key", window_s=60, per_account=2, per_address=5).wait("fresh", "1") > 0
    )
    assert b"account" not in (tmp_path / "t.db").read_bytes()
    assert (tmp_path / "t.db").stat().st_mode & 0o077 == 0
    assert Throttle(tmp_path / "t.db", "other key").pseudonym("x") != throttle.pseudonym("x")


def test_old_failures_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    throttle = Throttle(tmp_path / "t.db", "key", window_s=60, per_account=1)
    now = [1000.0]
    monkeypatch.setattr("superset_assets.access.throttle.time.time", lambda: now[0])
    throttle.failed("a", "1")
    assert throttle.wait("a", "1") == 60
    now[0] += 61
    assert throttle.wait("a", "1") == 0


@pytest.fixture
def groups(tmp_path: Path) -> Path:
    file = tmp_path / "gruppen.yml"
    file.write_text("'CN=Lagebild-Leitung,OU=Gruppen,DC=kreis': [Führungskraft]\nplanung: [Sozialplanung]\n")
    return file


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The settings are ours to test; whether a package is there is the environment's."""
    monkeypatch.setattr(sign_in, "find_spec", lambda _: object())
    monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path))


def _ldap(groups: Path, **more: str) -> dict[str, str]:
    return {
        "LAGEBILD_AUTH": "ldap",
        "LAGEBILD_AUTH_GROUPS": str(groups),
        "LAGEBILD_LDAP_SERVER": "ldaps://dc.kreis.example",
        "LAGEBILD_LDAP_SEARCH": "DC=kreis",
        "LAGEBILD_LDAP_BIND_USER": "CN=lagebild,DC=kreis",
        **more,
    }


def test_accounts_of_the_installation_are_the_default() -> None:
    assert sign_in.settings({}) == {
        "AUTH_TYPE": 1, "AUTH_USER_REGISTRATION": False, "AUTH_ROLES_SYNC_AT_LOGIN": False,
    }  # fmt: skip


@pytest.mark.usefixtures("installed")
def test_directory(groups: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SecretMissing):
        sign_in.settings(_ldap(groups))
    monkeypatch.setenv("LAGEBILD_SECRET_LDAP_BIND_PASSWORD", "geheim")
    found = sign_in.settings(_ldap(groups))
    assert found["AUTH_TYPE"] == 2
    assert found["AUTH_LDAP_TLS_DEMAND"] is True
    assert found["AUTH_USER_REGISTRATION_ROLE"] == "Public"
    assert found["AUTH_ROLES_SYNC_AT_LOGIN"] is True
    assert found["AUTH_ROLES_MAPPING"]["planung"] == ["Sozialplanung"]
    with pytest.raises(sign_in.SignInError, match="unverschlüsselt"):
        sign_in.settings(_ldap(groups, LAGEBILD_LDAP_SERVER="ldap://dc.kreis.example"))
    with pytest.raises(sign_in.SignInError, match="LAGEBILD_LDAP_SEARCH ist nicht gesetzt"):
        sign_in.settings(_ldap(groups, LAGEBILD_LDAP_SEARCH=""))
    with pytest.raises(sign_in.SignInError, match="gibt es nicht"):
        sign_in.settings(_ldap(groups.with_name("anders.yml")))


@pytest.mark.usefixtures("installed")
def test_sign_on_of_the_house(groups: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAGEBILD_SECRET_OIDC_CLIENT_SECRET", "geheim")
    environment = {
        "LAGEBILD_AUTH": "oidc",
        "LAGEBILD_AUTH_GROUPS": str(groups),
        "LAGEBILD_OIDC_CLIENT": "lagebild",
        "LAGEBILD_OIDC_METADATA": "https://sso.kreis.example/.well-known/openid-configuration",
    }
    (provider,) = sign_in.settings(environment)["OAUTH_PROVIDERS"]
    assert provider["remote_app"]["client_id"] == "lagebild"
    with pytest.raises(sign_in.SignInError, match="https"):
        sign_in.settings({**environment, "LAGEBILD_OIDC_METADATA": "http://sso.kreis.example/"})


def test_claims_become_a_user() -> None:
    user = sign_in.user_of_claims({"preferred_username": "meier", "groups": ["planung"]}, "groups")
    assert (user["username"], user["role_keys"], user["email"]) == (
        "meier",
        ["planung"],
        "meier@lagebild.invalid",
    )
    assert sign_in.user_of_claims({"sub": "7", "rollen": "planung"}, "rollen")["role_keys"] == ["planung"]
    with pytest.raises(sign_in.SignInError, match="keinen Benutzernamen"):
        sign_in.user_of_claims({}, "groups")


@pytest.mark.parametrize(("kind", "package"), [("ldap", "python-ldap"), ("oidc", "Authlib")])
def test_a_missing_package_is_named(
    kind: str, package: str, groups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "find_spec", lambda _: None)
    with pytest.raises(sign_in.SignInError, match=package):
        sign_in.settings({"LAGEBILD_AUTH": kind, "LAGEBILD_AUTH_GROUPS": str(groups)})


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(sign_in.SignInError, match="bekannt sind"):
        sign_in.settings({"LAGEBILD_AUTH": "keine"})
