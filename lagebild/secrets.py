"""Secrets of this installation: generated on first use, one file each, readable by the owner only.

Belongs here: creating and reading secrets. Does not belong here: what they are used for, default values
(there are none: an installation that was never started has no password anybody could guess).
"""

from __future__ import annotations

import os
import re
import secrets as random_source
import threading
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
    path = secrets_dir() / name
    if not path.exists():
        _create(path, random_source.token_urlsafe(entropy_bytes))
    value = path.read_text(encoding="utf-8").strip()
    if not value:
        raise ValueError(f"secret file {path.name} is empty: delete it to have a new secret generated")
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
