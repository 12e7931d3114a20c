"""Security settings and texts of the configuration, read in a process of its own as Superset does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from superset_assets.environment import superset_environment
from superset_assets.roles import (
    RoleSpec,
    choose_permissions,
    ensure_logins,
    load_access,
    logins_file,
    read_logins,
)

_NAMES = (
    "WTF_CSRF_ENABLED", "TALISMAN_ENABLED", "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE",
    "SESSION_COOKIE_SECURE", "PUBLIC_ROLE_LIKE", "AUTH_RATE_LIMITED", "RATELIMIT_ENABLED", "ENABLE_CORS",
    "BABEL_DEFAULT_LOCALE", "D3_FORMAT", "FEATURE_FLAGS", "MAPBOX_API_KEY", "SECRET_KEY", "TALISMAN_CONFIG",
    "GUEST_ROLE_NAME", "GUEST_TOKEN_JWT_SECRET", "DB_CONNECTION_MUTATOR", "DB_SQLA_URI_VALIDATOR", "SQL_QUERY_MUTATOR",
    "CUSTOM_SECURITY_MANAGER", "PREVENT_UNSAFE_DB_CONNECTIONS", "SQLALCHEMY_DATABASE_URI", "AUTH_USER_REGISTRATION",
)  # fmt: skip


_OWN_HOOKS = ("open_connection", "validate_connection", "pass_statement", "LagebildSecurityManager")


def _config(**more: str) -> dict[str, object]:
    code = (
        "import json, superset_assets.superset_config as c;"
        f"print('@' + json.dumps({{n: getattr(c, n) for n in {_NAMES!r}}}, default=str))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**superset_environment(), **more},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, object] = json.loads(done.stdout.split("@", 1)[1])
    return found


def test_security_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path))
    config = _config(LAGEBILD_HTTPS="1")
    for name in ("WTF_CSRF_ENABLED", "TALISMAN_ENABLED", "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SECURE",
                 "AUTH_RATE_LIMITED", "RATELIMIT_ENABLED", "PREVENT_UNSAFE_DB_CONNECTIONS"):  # fmt: skip
        assert config[name] is True, name
    assert config["SESSION_COOKIE_SAMESITE"] == "Lax"
    assert config["PUBLIC_ROLE_LIKE"] is None
    assert config["GUEST_ROLE_NAME"] == "Öffentlich"
    assert len(str(config["GUEST_TOKEN_JWT_SECRET"])) >= 42
    for hook in (
        "DB_CONNECTION_MUTATOR",
        "DB_SQLA_URI_VALIDATOR",
        "SQL_QUERY_MUTATOR",
        "CUSTOM_SECURITY_MANAGER",
    ):
        assert any(name in str(config[hook]) for name in _OWN_HOOKS), hook
    assert config["ENABLE_CORS"] is False
    assert config["AUTH_USER_REGISTRATION"] is False
    assert config["MAPBOX_API_KEY"] == ""
    policy = config["TALISMAN_CONFIG"]["content_security_policy"]  # type: ignore[index]
    assert "'unsafe-eval'" not in policy["script-src"]
    assert "'unsafe-inline'" not in policy["script-src"]
    flags = config["FEATURE_FLAGS"]
    assert isinstance(flags, dict)
    assert not flags["ENABLE_TEMPLATE_PROCESSING"]
    assert not flags["ENABLE_JAVASCRIPT_CONTROLS"]
    assert not flags["DASHBOARD_RBAC"]
    assert str(tmp_path) in str(config["SQLALCHEMY_DATABASE_URI"])


@pytest.mark.thorough
def test_each_installation_has_its_own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = []
    for name in ("one", "two", "one"):
        monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path / name))
        keys.append(_config()["SECRET_KEY"])
    assert keys[0] == keys[2] != keys[1]
    assert len(str(keys[0])) >= 42


def test_german_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path))
    config = _config()
    assert config["BABEL_DEFAULT_LOCALE"] == "de"
    formats = config["D3_FORMAT"]
    assert isinstance(formats, dict)
    assert (formats["decimal"], formats["thousands"], formats["currency"]) == (",", ".", ["", "\u00a0€"])


def test_passwords_are_generated_kept_and_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAGEBILD_VAR", str(tmp_path))
    access = load_access()
    first = ensure_logins(access)
    assert ensure_logins(access) == first == read_logins()
    assert logins_file().stat().st_mode & 0o777 == 0o600
    assert len({login.password for login in first.values()}) == len(first) == 5
    assert all(login.password not in repr(login) and login.user != login.password for login in first.values())


def test_role_pattern_that_matches_nothing_is_an_error() -> None:
    existing = {"can_read on Dashboard", "can_write on Dashboard"}
    with pytest.raises(ValueError, match="matches no permission"):
        choose_permissions(
            RoleSpec(name="r", description="", data="dashboards", allow=("can_fly on *",)), set(), existing
        )
    with pytest.raises(ValueError, match="takes nothing away"):
        choose_permissions(
            RoleSpec(name="r", description="", data="dashboards", deny=("can_fly on *",)), existing, existing
        )
    spec = RoleSpec(
        name="r", description="", data="dashboards", allow=("* on Dashboard",), deny=("can_write on *",)
    )
    assert choose_permissions(spec, set(), existing) == {"can_read on Dashboard"}
