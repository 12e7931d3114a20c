"""Secrets: those of this installation (generated on first use) and those others gave us (passwords of their servers).
One file each in `var/secrets/`, readable by the owner only.

Belongs here: creating and reading secrets. Does not belong here: what they are used for, default values
(there are none: an installation that was never started has no password anybody could guess).
"""

from __future__ import annotations

import os
import re
import secrets as random_source
import threading
from collections.abc import Callable
from pathlib import Path

from lagebild.paths import var_dir

_NAME = re.compile(r"^[a-z][a-z0-9_]*$")


def secrets_dir() -> Path:
    """Folder of the secrets, created with mode 0700."""
    folder = var_dir() / "secrets"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def secret(name: str, entropy_bytes: int = 24) -> str:
    """Value of the secret `name`, generated when it does not exist yet.

    Raises ValueError for a name that is not lower snake case and for an empty secret file.
    """
    if not _NAME.match(name):
        raise ValueError(f"secret name must be lower snake case: {name!r}")
    return stored_secret(secrets_dir(), name, lambda: random_source.token_urlsafe(entropy_bytes))


def stored_secret(folder: Path, name: str, make: Callable[[], str]) -> str:
    """Value of the secret file `name` in `folder`, made by `make` when it does not exist yet (mode 0600).

    Raises ValueError for an empty file.
    """
    path = folder / name
    if not path.exists():
        _create(path, make())
    value = path.read_text(encoding="utf-8").strip()
    if not value:
        raise ValueError(f"secret file {path.name} is empty: delete it to have a new secret generated")
    return value


class SecretMissing(Exception):
    """Nobody has stored this secret yet; `name` says which."""

    def __init__(self, name: str) -> None:
        super().__init__(f"secret {name} is not stored")
        self.name = name


def environment_name(name: str) -> str:
    """Environment variable that takes precedence over the file of a given secret."""
    return f"LAGEBILD_SECRET_{name.upper()}"


def given_secret(name: str) -> str:
    """A secret somebody else gave us (password, token, key, database URL): never generated.

    Read from the environment (`LAGEBILD_SECRET_<NAME>`), else from `var/secrets/<name>`. Raises `SecretMissing`, and
    PermissionError for a file that others on this machine may read.
    """
    if not _NAME.match(name):
        raise ValueError(f"secret name must be lower snake case: {name!r}")
    value = os.environ.get(environment_name(name), "")
    if not value:
        path = secrets_dir() / name
        if not path.exists():
            raise SecretMissing(name)
        if path.stat().st_mode & 0o077:
            raise PermissionError(f"secret file {name} is readable by others: chmod 600")
        value = path.read_text(encoding="utf-8").strip()
    if not value:
        raise SecretMissing(name)
    return value


def _create(path: Path, value: str) -> None:
    # Written under another name and linked: of several starting together one wins and all read its value.
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(value + "\n")
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink(missing_ok=True)
