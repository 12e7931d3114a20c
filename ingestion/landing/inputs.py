"""What there is to land: files that arrived, and encrypted originals that have to be read again.

Belongs here: which file comes next, and that files of protected sources leave the inbox. Not here: reading them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from ingestion.anonymise.inbox import take_from_inbox
from ingestion.anonymise.originals import SUFFIX, decrypt, settle_original, stored_original
from ingestion.landing.deliveries import competition_key, succession
from ingestion.landing.manifest import Manifest
from ingestion.landing.places import place, remove, work_folder
from lagebild.instance import Instance, SourceConfig


def inputs(
    instance: Instance,
    source: SourceConfig,
    files: Sequence[Path],
    known: Callable[[], Iterable[Manifest]],
    outdated: Callable[[Manifest], bool],
) -> Iterator[tuple[Path, str]]:
    """Files to look at and how to speak of them: those that arrived (`files`), then encrypted originals whose verdict
    is `outdated`. `known` is asked when it is their turn."""
    for number, path in enumerate(files, start=1):
        yield path, f"{source.label}: Datei {number} von {len(files)} ({path.name})"
    manifests = list(known())
    stale = [
        manifest
        for manifest in manifests
        # A superseded delivery stays as it was read: it answers for an earlier night.
        if outdated(manifest) and not _superseded(manifest, manifests)
    ]
    for manifest in sorted(stale, key=lambda item: (item.file_modified_at, item.file_name)):
        sealed = stored_original(place(instance, manifest), manifest.file_name)
        if sealed is None or sealed.suffix != SUFFIX:
            continue
        work = work_folder(instance)
        try:
            plain = work / manifest.file_name
            decrypt(instance, sealed, plain)
            moment = manifest.file_modified_at.timestamp()
            os.utime(plain, (moment, moment))
            yield plain, f"{source.label}: gespeichertes Original {manifest.file_name}"
        finally:
            remove(work)


def _superseded(manifest: Manifest, known: Iterable[Manifest]) -> bool:
    rivals = [item for item in known if competition_key(item) == competition_key(manifest)]
    return succession(rivals)[manifest.delivery_id][0] == "superseded"


def clear_inbox(instance: Instance, source: SourceConfig, path: Path, manifest: Manifest) -> None:
    """Takes a file of a protected source out of the inbox, once its original has met its fate."""
    fate = source.protection.fate(source.personal)
    if fate == "keep":
        return
    stored = stored_original(place(instance, manifest), manifest.file_name)
    if stored is not None and stored.suffix != SUFFIX:
        settle_original(instance, stored, fate)  # landed before the source was protected
    elif stored is None and manifest.original != "delete":
        return
    take_from_inbox(instance, path, manifest.sha256, manifest.delivery_id)
