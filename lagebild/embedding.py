"""Embedding of public dashboards on other websites: what an instance allows, and what the running system offers.

Belongs here: the settings, the register of embedded dashboards (written by the sync of the dashboards, read by Superset
and by the query interface), the guest token both agree on. Does not belong here: Superset, HTTP.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import jwt
from pydantic import BaseModel, ConfigDict, field_validator

from lagebild.paths import var_dir
from lagebild.secrets import secret

AUDIENCE: Final = "lagebild-einbettung"
ALGORITHM: Final = "HS256"
TOKEN_SECONDS: Final = 300
SECRET_NAME: Final = "superset_guest_token_key"  # noqa: S105 - its name, not its value
_ORIGIN: Final = re.compile(r"^(https://[a-z0-9.-]+(:\d+)?|http://(localhost|127\.0\.0\.1)(:\d+)?)$")


class EmbeddingSettings(BaseModel):
    """Part `embedding` of `instance.yml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    domains: tuple[str, ...]
    """Websites that may show the dashboards: scheme and host, e.g. `https://www.musterkreis.example`."""
    dashboards: tuple[str, ...] = ("lage",)
    """Names of dashboards of the public tier, e.g. `lage`."""

    @field_validator("domains")
    @classmethod
    def _origins(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        for domain in domains:
            if not _ORIGIN.match(domain):
                raise ValueError(f"'{domain}': expected https:// and a host, nothing behind it")
        if not domains:
            raise ValueError("without a domain nothing can be embedded: leave 'embedding' out")
        return domains


@dataclass(frozen=True)
class EmbeddedDashboard:
    """One dashboard offered for embedding. `embedded_id`: Superset's identifier in the address of the frame."""

    instance: str
    name: str
    embedded_id: str
    title: str
    domains: tuple[str, ...]


def register_file() -> Path:
    return var_dir() / "superset" / "embedding.json"


def write_register(dashboards: list[EmbeddedDashboard]) -> None:
    """Replaces the register. Nothing in it is secret."""
    path = register_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps([asdict(item) for item in dashboards], ensure_ascii=False, indent=1), "utf-8")
    draft.replace(path)


def read_register() -> list[EmbeddedDashboard]:
    """Dashboards offered; empty before the first sync."""
    path = register_file()
    try:
        written = path.stat().st_mtime_ns
    except FileNotFoundError:
        return []
    return list(_read(path, written))


@lru_cache(maxsize=2)
def _read(path: Path, _written: int) -> tuple[EmbeddedDashboard, ...]:
    content: list[Mapping[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return tuple(EmbeddedDashboard(**{**item, "domains": tuple(item["domains"])}) for item in content)


def embedded_ids() -> set[str]:
    return {item.embedded_id for item in read_register()}


def guest_token(dashboard: EmbeddedDashboard, now: float | None = None) -> str:
    """A token for one dashboard, for `TOKEN_SECONDS`; for nobody in particular and with nothing else in it."""
    issued = time.time() if now is None else now
    claims = {
        "user": {"username": "gast", "first_name": "", "last_name": ""},
        "resources": [{"type": "dashboard", "id": dashboard.embedded_id}],
        "rls_rules": [],
        "iat": issued,
        "exp": issued + TOKEN_SECONDS,
        "aud": AUDIENCE,
        "type": "guest",
    }
    return jwt.encode(claims, secret(SECRET_NAME, entropy_bytes=48), algorithm=ALGORITHM)


__all__ = [
    "ALGORITHM",
    "AUDIENCE",
    "SECRET_NAME",
    "TOKEN_SECONDS",
    "EmbeddedDashboard",
    "EmbeddingSettings",
    "embedded_ids",
    "guest_token",
    "read_register",
    "register_file",
    "write_register",
]
