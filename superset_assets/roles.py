"""Roles and users as code: reading `roles.yml`, the generated passwords.

Belongs here: what is independent of a running Superset. Does not belong here: writing into Superset's database
(`apply`), printing passwords (only the command of the CLI does that).
"""

from __future__ import annotations

import json
import os
import re
import secrets as random_source
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

from lagebild.secrets import secrets_dir
from superset_assets.access.readers import Reader
from superset_assets.access.zones import Zone

ROLES_FILE = Path(__file__).parent / "roles.yml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RoleSpec(_Strict):
    name: str
    description: str
    based_on: tuple[str, ...] = ()
    like: str = ""
    """Role of the same file whose `allow` is taken over."""
    data: Literal["none", "dashboards", "databases"]
    """`dashboards`: the published tables; `databases`: also SQL Lab on the released files."""
    audiences: tuple[str, ...] = ()
    """Internal files without areas the role may open (`intern`: that of the Kreisverwaltung)."""
    per_reader: bool = False
    """One role per reader with an area instead of this one; `{label}` in the name is the reader's."""
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    zones: tuple[Zone, ...] = ()
    """Internal files the role may open; filled by `for_readers`."""


class UserSpec(_Strict):
    name: str
    role: str
    first_name: str
    last_name: str


class AccessSpec(_Strict):
    roles: tuple[RoleSpec, ...]
    users: tuple[UserSpec, ...]


class Login(_Strict):
    """A user of Superset with the generated password of this installation."""

    user: str
    role: str
    password: str

    def __repr__(self) -> str:
        # A login in a log line or a failed assertion must not show the password.
        return f"Login(user={self.user!r}, role={self.role!r})"

    __str__ = __repr__


def load_access(path: Path = ROLES_FILE) -> AccessSpec:
    """Roles and users as written. Raises KeyError for a `like` that names no role of the file."""
    access = AccessSpec.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    by_name = {role.name: role for role in access.roles}
    roles = tuple(
        role.model_copy(update={"allow": (*by_name[role.like].allow, *role.allow)}) if role.like else role
        for role in access.roles
    )
    return access.model_copy(update={"roles": roles})


def for_readers(access: AccessSpec, readers: Sequence[Reader]) -> AccessSpec:
    """The spec with its internal files: audiences resolved, and a role and an account per reader with an area."""
    roles: list[RoleSpec] = []
    users = list(access.users)
    kommunen = [reader for reader in readers if reader.code]
    for spec in access.roles:
        if not spec.per_reader:
            zones = tuple(r.zone for r in readers if not r.code and r.audience in spec.audiences)
            roles.append(spec.model_copy(update={"zones": zones}))
            continue
        for reader in kommunen:
            label = _distinct(reader, kommunen)
            role = spec.model_copy(
                update={"name": spec.name.format(label=label), "zones": (reader.zone,), "per_reader": False}
            )
            roles.append(role)
            users.append(
                UserSpec(
                    name=f"{reader.audience}-{_plain(label)}",
                    role=role.name,
                    first_name=reader.label,
                    last_name="Lagebild",
                )
            )
    return AccessSpec(roles=tuple(roles), users=tuple(users))


def _distinct(reader: Reader, readers: Sequence[Reader]) -> str:
    """Name of the reader; with his code where another one has the same, or would have the same account."""
    same = [other for other in readers if _plain(other.label) == _plain(reader.label)]
    return reader.label if len(same) == 1 else f"{reader.label} ({reader.instance} {reader.code})"


def _plain(label: str) -> str:
    """`Amt Hohe Köppel` -> `amt-hohe-koeppel`, to be typed at the sign-in."""
    spelled = label.lower()
    for letter, written in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        spelled = spelled.replace(letter, written)
    return re.sub(r"[^a-z0-9]+", "-", spelled).strip("-")


def choose_permissions(spec: RoleSpec, inherited: set[str], existing: set[str]) -> set[str]:
    """Names ("<permission> on <subject>") the role gets, out of those that exist.

    Raises ValueError for a pattern that matches nothing: it would be a rule nobody notices is gone.
    """
    chosen = set(inherited)
    for pattern in spec.allow:
        matched = {name for name in existing if fnmatchcase(name, pattern)}
        if not matched:
            raise ValueError(f"role {spec.name}: 'allow: {pattern}' matches no permission of Superset")
        chosen |= matched
    for pattern in spec.deny:
        matched = {name for name in chosen if fnmatchcase(name, pattern)}
        if not matched:
            raise ValueError(f"role {spec.name}: 'deny: {pattern}' takes nothing away")
        chosen -= matched
    return chosen


def logins_file() -> Path:
    return secrets_dir() / "logins.json"


def read_logins() -> dict[str, Login]:
    """Logins by user name. Raises FileNotFoundError before the first sync."""
    raw = json.loads(logins_file().read_text(encoding="utf-8"))
    return {
        name: Login(user=name, role=item["role"], password=item["password"]) for name, item in raw.items()
    }


def ensure_logins(access: AccessSpec) -> dict[str, Login]:
    """Logins of all users of the spec; existing passwords are kept, missing ones generated."""
    path = logins_file()
    known = read_logins() if path.exists() else {}
    logins = {
        user.name: Login(
            user=user.name,
            role=user.role,
            password=known[user.name].password if user.name in known else random_source.token_urlsafe(12),
        )
        for user in access.users
    }
    if logins != known:
        content = {name: {"role": item.role, "password": item.password} for name, item in logins.items()}
        draft = path.with_suffix(".draft")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False, indent=2)
        draft.replace(path)
    return logins
