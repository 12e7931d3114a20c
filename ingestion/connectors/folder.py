"""Folder connector: the files a source has delivered, in the order in which they arrived."""

from __future__ import annotations

import glob
from pathlib import Path

from lagebild.instance import Instance, SourceConfig
from lagebild.paths import data_dir


def source_files(instance: Instance, source: SourceConfig) -> list[Path]:
    """Files matching the source's `files` glob, oldest first (modification time, then name).

    `${INBOX}` is the instance's inbox, `${LAGEBILD_DATA}` the folder of real deliveries. An unknown placeholder
    raises ValueError; a glob without a match is an empty list (nothing delivered yet).
    """
    pattern = source.files
    for placeholder, folder in (("${INBOX}", instance.paths.inbox), ("${LAGEBILD_DATA}", data_dir())):
        pattern = pattern.replace(placeholder, glob.escape(str(folder)))
    if "${" in pattern:
        raise ValueError(f"{source.id}: unknown placeholder in files: {source.files}")
    found = [Path(name) for name in glob.glob(pattern, recursive=True)]
    # Hidden and temporary names are files still being written by the supplier's transfer.
    ready = [path for path in found if path.is_file() and not path.name.startswith((".", "~"))]
    return sorted(ready, key=lambda path: (path.stat().st_mtime_ns, path.name))
