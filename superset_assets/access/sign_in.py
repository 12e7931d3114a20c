"""How people sign in: accounts of this installation, the directory of the house (LDAP), its sign-on (OpenID Connect).

Settings of the installation come from the environment, passwords and keys from `lagebild.secrets`; both are described
in docs/operations.md. Belongs here: turning them into Superset's settings. Does not belong here: which role may do
what (`roles.yml`).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import yaml

from lagebild.secrets import given_secret

# Flask-AppBuilder's numbers; its module may only be imported once Superset is being configured.
_AUTH_DB, _AUTH_LDAP, _AUTH_OAUTH = 1, 2, 4
NOBODY: Final = "Public"
"""Role of somebody whose groups are mapped to no role: it has no permission."""


class SignInError(RuntimeError):
    """The sign-in is not configured completely; the message is German and names what is missing."""


def settings(environment: Mapping[str, str]) -> dict[str, Any]:
    """Superset's settings for `LAGEBILD_AUTH` = `konten` (default), `ldap` or `oidc`.

    Raises SignInError for an unknown kind, a missing setting, an insecure address or a package that is not installed;
    lagebild.secrets.SecretMissing for a password that was not stored.
    """
    kind = environment.get("LAGEBILD_AUTH", "konten")
    if kind == "konten":
        return {"AUTH_TYPE": _AUTH_DB, "AUTH_USER_REGISTRATION": False, "AUTH_ROLES_SYNC_AT_LOGIN": False}
    if kind not in {"ldap", "oidc"}:
        raise SignInError(f"LAGEBILD_AUTH={kind}: bekannt sind konten, ldap und oidc.")
    common = {
        # People come from the directory; what they may do follows their groups at every sign-in.
        "AUTH_USER_REGISTRATION": True,
        "AUTH_USER_REGISTRATION_ROLE": NOBODY,
        "AUTH_ROLES_SYNC_AT_LOGIN": True,
        "AUTH_ROLES_MAPPING": _groups(_needed(environment, "LAGEBILD_AUTH_GROUPS")),
    }
    return {**common, **(_ldap(environment) if kind == "ldap" else _oidc(environment))}


def _ldap(environment: Mapping[str, str]) -> dict[str, Any]:
    _package("ldap", "python-ldap", "LDAP")
    server = _needed(environment, "LAGEBILD_LDAP_SERVER")
    start_tls = environment.get("LAGEBILD_LDAP_STARTTLS", "") == "1"
    if not server.startswith("ldaps://") and not start_tls:
        raise SignInError(
            "LAGEBILD_LDAP_SERVER muss mit ldaps:// beginnen oder LAGEBILD_LDAP_STARTTLS=1 gesetzt sein; Kennwörter "
            "gehen sonst unverschlüsselt über das Netz."
        )
    return {
        "AUTH_TYPE": _AUTH_LDAP,
        "AUTH_LDAP_SERVER": server,
        "AUTH_LDAP_USE_TLS": start_tls,
        "AUTH_LDAP_TLS_DEMAND": True,
        "AUTH_LDAP_SEARCH": _needed(environment, "LAGEBILD_LDAP_SEARCH"),
        "AUTH_LDAP_SEARCH_FILTER": environment.get("LAGEBILD_LDAP_FILTER", ""),
        "AUTH_LDAP_UID_FIELD": environment.get("LAGEBILD_LDAP_UID_FIELD", "sAMAccountName"),
        "AUTH_LDAP_GROUP_FIELD": environment.get("LAGEBILD_LDAP_GROUP_FIELD", "memberOf"),
        "AUTH_LDAP_BIND_USER": _needed(environment, "LAGEBILD_LDAP_BIND_USER"),
        "AUTH_LDAP_BIND_PASSWORD": given_secret("ldap_bind_password"),
    }


def _oidc(environment: Mapping[str, str]) -> dict[str, Any]:
    _package("authlib", "Authlib", "OpenID Connect")
    metadata = _needed(environment, "LAGEBILD_OIDC_METADATA")
    if not metadata.startswith("https://"):
        raise SignInError("LAGEBILD_OIDC_METADATA muss mit https:// beginnen.")
    return {
        "AUTH_TYPE": _AUTH_OAUTH,
        "LAGEBILD_OIDC_GROUPS_CLAIM": environment.get("LAGEBILD_OIDC_GROUPS_CLAIM", "groups"),
        "OAUTH_PROVIDERS": [
            {
                "name": "oidc",
                "icon": "fa-key",
                "token_key": "access_token",
                "remote_app": {
                    "client_id": _needed(environment, "LAGEBILD_OIDC_CLIENT"),
                    "client_secret": given_secret("oidc_client_secret"),
                    "server_metadata_url": metadata,
                    "client_kwargs": {
                        "scope": environment.get("LAGEBILD_OIDC_SCOPE", "openid profile email groups")
                    },
                },
            }
        ],
    }


def user_of_claims(claims: Mapping[str, Any], groups_claim: str) -> dict[str, Any]:
    """What Superset keeps of somebody signed on through OpenID Connect. Raises SignInError without a user name."""
    name = claims.get("preferred_username") or claims.get("sub")
    if not name:
        raise SignInError("Die Anmeldestelle nennt keinen Benutzernamen (preferred_username oder sub).")
    groups = claims.get(groups_claim) or []
    return {
        "username": str(name),
        "first_name": str(claims.get("given_name", "")),
        "last_name": str(claims.get("family_name", "")),
        "email": str(claims.get("email") or f"{name}@lagebild.invalid"),
        "role_keys": [groups] if isinstance(groups, str) else [str(group) for group in groups],
    }


def _needed(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise SignInError(f"{name} ist nicht gesetzt; ohne diese Angabe ist keine Anmeldung möglich.")
    return value


def _package(module: str, package: str, purpose: str) -> None:
    if find_spec(module) is None:
        raise SignInError(
            f"Die Anmeldung über {purpose} braucht das Paket „{package}“; es ist in dieser Umgebung nicht eingerichtet."
        )


def _groups(file: str) -> dict[str, list[str]]:
    """Group of the directory -> roles, from a YAML file of the house."""
    path = Path(file)
    if not path.is_file():
        raise SignInError(f"LAGEBILD_AUTH_GROUPS: die Datei {path.name} gibt es nicht.")
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or not all(
        isinstance(roles, list) and all(isinstance(role, str) for role in roles) for roles in content.values()
    ):
        raise SignInError(f"{path.name}: erwartet wird je Gruppe eine Liste von Rollen.")
    return {str(group): [str(role) for role in roles] for group, roles in content.items()}


__all__ = ["NOBODY", "SignInError", "settings", "user_of_claims"]
