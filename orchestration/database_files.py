"""Files of the releases: naming them in SQL, telling their content apart, switching to a new one.

Belongs here: what publishing, tier files, ledger and report do with a file. Does not belong here: what is in it.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def sql_literal(value: Path | str) -> str:
    """A path or text as SQL string, for statements that take no parameters (attach, copy, create view)."""
    return "'" + str(value).replace("'", "''") + "'"


def file_sha256(path: Path) -> str:
    """Hash of the content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def switch(release: Path, current: Path) -> None:
    """`current` becomes a second name for the same bytes in one rename: readers holding the old file keep it, the next
    connection sees the new one."""
    draft = current.with_name(current.name + ".tmp")
    draft.unlink(missing_ok=True)
    os.link(release, draft)
    os.replace(draft, current)
