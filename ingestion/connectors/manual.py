"""Files somebody hands over: which source takes them, and how they get into its inbox (`lagebild annehmen`).

Belongs here: names and places. Does not belong here: landing, and what is said about it (`orchestration.commands`).
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any, Final

from ingestion.connectors.failure import ConnectorFailure
from ingestion.connectors.inbox import arrive, begin, part_file, safe_name
from lagebild.instance import Instance, SourceConfig

_INBOX: Final = "${INBOX}/"
_GROUP: Final = re.compile(r"\((?:\?P<(?P<name>\w+)>|\?:)?(?P<inside>[^()]*)\)(?P<optional>[?*])?")
_WORDS: Final = {"year": "JJJJ", "date": "JJJJ-MM-TT", "month": "MM", "kommune": "Kommune"}


def inbox_place(instance: Instance, source: SourceConfig, name: str) -> Path:
    """Where a handed-over file of that name belongs. Raises ConnectorFailure that says which names are agreed."""
    if not source.files.startswith(_INBOX):
        raise ConnectorFailure(
            f"Die Quelle »{source.id}« liest nicht aus dem Posteingang; ihre Dateien werden nicht von Hand angenommen."
        )
    agreed = PurePosixPath(source.files.removeprefix(_INBOX))
    if not all(part == safe_name(part) for part in agreed.parent.parts):
        raise ConnectorFailure(
            f"Die Quelle »{source.id}« hat mehrere Ordner im Posteingang; bitte dort ablegen."
        )
    patterns = list(_file_patterns(source.options))
    fits = fnmatchcase(name, agreed.name) and (
        not patterns or any(re.fullmatch(pattern, name) for pattern in patterns)
    )
    if not fits or name != safe_name(name):
        expected = ", ".join(dict.fromkeys(map(in_words, patterns))) or agreed.name
        raise ConnectorFailure(
            f"Der Name »{name}« passt nicht zu »{source.label}«. Erwartet wird: {expected}"
        )
    return instance.paths.inbox / agreed.parent / name


def hand_over(source: SourceConfig, file: Path, target: Path) -> bool:
    """Copies a file to its place, complete or not at all; False where the same content lies there already.

    It counts as of now: what somebody hands over is meant to count, however old the file is and whatever lay there.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.personal:
        target.parent.chmod(0o700)
    part = part_file(target.parent, f"annehmen {os.getpid()} {target.name}")
    try:
        begin(part)
        shutil.copyfile(file, part)
        arrived = arrive(part, target, None)
        if not arrived:
            # It may have been superseded since it came: handed over again, it is to count again.
            os.utime(target)
        return arrived
    finally:
        part.unlink(missing_ok=True)


def in_words(pattern: str) -> str:
    """A pattern of file names for people: `EWR_(?P<date>…)(_.+)?\\.csv` → `EWR_JJJJ-MM-TT.csv`."""

    def word(match: re.Match[str]) -> str:
        if match["optional"]:
            return ""
        if match["name"] in _WORDS:
            return _WORDS[match["name"]]
        inside = match["inside"]
        plain = re.fullmatch(r"[\w|.-]+", inside)
        return inside.replace("|", "/") if plain else f"‹{match['name'] or '…'}›"

    text = _GROUP.sub(word, pattern)
    for code, meaning in ((r"\d{4}", "JJJJ"), (r"\d{2}", "JJ"), (r"\d\d", "JJ"), (".+", "…"), (".*", "…")):
        text = text.replace(code, meaning)
    return text.replace("\\", "")


def _file_patterns(options: Any) -> Iterator[str]:
    """All `file_pattern`s in a source's options, also those of one layout among several."""
    if isinstance(options, dict):
        for key, value in options.items():
            if key == "file_pattern" and isinstance(value, str) and value:
                yield value
            else:
                yield from _file_patterns(value)
    elif isinstance(options, list | tuple):
        for value in options:
            yield from _file_patterns(value)
