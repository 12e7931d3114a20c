"""API keys: who may ask, in which role, for which Kommune.

A key is shown once, when it is made; the file keeps only its SHA-256 (a key has 256 random bits, so nothing slower is
needed). Keys are withdrawn, not deleted: the log of requests names them by their id.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from lagebild.secrets import secrets_dir

Role = Literal["oeffentlich", "fachdienst", "fuehrung", "sozialplanung", "kommune", "datenschutz"]
PREFIX = "lb"


class ApiKey(BaseModel):
    """One key as stored. `kommune` is set for role `kommune` and empty for all others."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    label: str
    role: Role
    kommune: str = ""
    sha256: str
    created_on: date
    expires_on: date | None = None
    withdrawn_on: date | None = None

    def is_valid(self, today: date) -> bool:
        return self.withdrawn_on is None and (self.expires_on is None or today <= self.expires_on)


@dataclass(frozen=True)
class Caller:
    """Who asks: what limits and logs know of them."""

    id: str
    role: Role
    kommune: str = ""


_STORED = TypeAdapter(list[ApiKey])


def keys_file() -> Path:
    """Where the keys of this installation are kept."""
    return secrets_dir() / "api_keys.json"


def load_keys(path: Path | None = None) -> list[ApiKey]:
    """All keys, withdrawn ones included; empty before the first one is made."""
    path = path or keys_file()
    return _STORED.validate_json(path.read_bytes()) if path.exists() else []


def _save(keys: Sequence[ApiKey], path: Path) -> None:
    draft = path.with_suffix(".tmp")
    content: list[dict[str, Any]] = [key.model_dump(mode="json") for key in keys]
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
    draft.replace(path)


def create_key(
    label: str,
    role: Role,
    kommune: str = "",
    expires_on: date | None = None,
    path: Path | None = None,
) -> tuple[str, ApiKey]:
    """Makes a key; returns its text, which is never stored, and its entry.

    Raises ValueError (German) for role and Kommune that do not belong together.
    """
    if (role == "kommune") != bool(kommune):
        raise ValueError(
            "Ein Schlüssel für eine Kommune braucht ihren Gebietsschlüssel, ein anderer darf keinen haben."
        )
    path = path or keys_file()
    known = load_keys(path)
    identifier = secrets.token_hex(4)
    text = f"{PREFIX}_{identifier}_{secrets.token_urlsafe(32)}"
    entry = ApiKey(
        id=identifier,
        label=label,
        role=role,
        kommune=kommune,
        sha256=_hash(text),
        created_on=datetime.now(UTC).date(),
        expires_on=expires_on,
    )
    _save([*known, entry], path)
    return text, entry


def withdraw_key(identifier: str, path: Path | None = None) -> ApiKey:
    """Withdraws a key from now on. Raises KeyError for an unknown id."""
    path = path or keys_file()
    known = load_keys(path)
    for position, key in enumerate(known):
        if key.id == identifier:
            known[position] = key.model_copy(update={"withdrawn_on": datetime.now(UTC).date()})
            _save(known, path)
            return known[position]
    raise KeyError(identifier)


def caller_of(text: str, path: Path | None = None) -> Caller | None:
    """Who holds this key; None for a key that is unknown, expired or withdrawn."""
    given = _hash(text)
    found = None
    for key in load_keys(path):  # all of them, so that the time taken says nothing
        if hmac.compare_digest(key.sha256, given):
            found = key
    if found is None or not found.is_valid(datetime.now(UTC).date()):
        return None
    return Caller(found.id, found.role, found.kommune)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


__all__ = ["ApiKey", "Caller", "Role", "caller_of", "create_key", "keys_file", "load_keys", "withdraw_key"]
