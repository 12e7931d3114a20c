"""Fate of the original of a delivery: kept, encrypted at rest (age), or deleted after landing.

Belongs here: encryption and decryption of files, streamed. Does not belong here: when landing does it.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pyrage

from ingestion.anonymise.keys import original_identity
from lagebild.instance import Instance
from lagebild.protection import Originals

log = logging.getLogger("lagebild.originals")

SUFFIX: Final = ".age"
ACCESS_LOG: Final = "originals.log"


def settle_original(instance: Instance, original: Path, fate: Originals) -> None:
    """Turns the readable copy `original` of a delivery in preparation into what may stay of it."""
    if fate == "encrypt":
        sealed = original.with_name(original.name + SUFFIX)
        encrypt(instance, original, sealed)
        sealed.chmod(0o400)
    if fate != "keep":
        original.unlink()


def encrypt(instance: Instance, plain: Path, target: Path) -> None:
    """Writes `plain` to `target` for the instance's own key."""
    recipient = original_identity(instance).to_public()
    with plain.open("rb") as reader, target.open("xb") as writer:
        os.fchmod(writer.fileno(), 0o600)
        pyrage.encrypt_io(reader, writer, [recipient])


def decrypt(instance: Instance, sealed: Path, target: Path) -> None:
    """Writes the content of `sealed` to the new file `target` (mode 0600).

    Raises FileExistsError where `target` exists, pyrage.DecryptError where the key is another one or the file was
    changed; a target begun is removed then.
    """
    with sealed.open("rb") as reader, target.open("xb") as writer:
        os.fchmod(writer.fileno(), 0o600)
        try:
            pyrage.decrypt_io(reader, writer, [original_identity(instance)])
        except BaseException:
            target.unlink()
            raise


def stored_original(folder: Path, file_name: str) -> Path | None:
    """The original in a delivery's folder, readable or encrypted; None where it was deleted."""
    for name in (file_name, file_name + SUFFIX):
        path = folder / "original" / name
        if path.exists():
            return path
    return None


def open_original(instance: Instance, delivery_id: str, target: Path) -> Path:
    """Writes the original of a delivery, decrypted, to `target` (a folder: under its own name); returns the file.

    Raises FileNotFoundError for an unknown delivery or a deleted original. Who opened which delivery when is noted in
    `protected/originals.log`: never content, and not where to (a path may name a person).
    """
    zones = (instance.paths.landing, instance.paths.quarantine)
    folder = next((path for zone in zones for path in zone.glob(f"*/{delivery_id}") if path.is_dir()), None)
    if folder is None:
        raise FileNotFoundError(f"delivery {delivery_id} is unknown")
    source = next((path for path in (folder / "original").glob("*") if path.is_file()), None)
    if source is None:
        raise FileNotFoundError(f"original of {delivery_id} was deleted after landing")
    if target.is_dir():
        target = target / source.name.removesuffix(SUFFIX)
    if source.suffix == SUFFIX:
        decrypt(instance, source, target)
    else:
        with source.open("rb") as reader, target.open("xb") as writer:
            os.fchmod(writer.fileno(), 0o600)
            shutil.copyfileobj(reader, writer)
    log.warning("original of delivery %s was opened by uid %d", delivery_id, os.getuid())
    entry = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "delivery_id": delivery_id,
        "uid": os.getuid(),
    }
    with (instance.paths.protected / ACCESS_LOG).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(entry) + "\n")
    return target
