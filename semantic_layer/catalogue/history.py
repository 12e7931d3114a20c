"""Change logs of definitions: which version of an indicator or index was defined when, and why.

`history/changes.yml` holds one entry per indicator and version, `instances/<name>/history/indices.yml` one per recipe
(`index_history`); both are written by `lagebild katalog fortschreiben` and never edited by hand. Each entry keeps a
fingerprint of what decides the number, so a definition cannot change unnoticed under the same version. Pure but for
`load_changes` and `save_changes`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from semantic_layer.catalogue.loader import CATALOGUE_DIR
from semantic_layer.catalogue.model import Catalogue, Indicator
from semantic_layer.catalogue.validate import Finding

CHANGES_FILE = CATALOGUE_DIR / "history" / "changes.yml"
FIRST_NOTE = "Erstfassung"
_RETIRED: Literal["abgelöst"] = "abgelöst"
_UNLOGGED = "Änderung nicht verzeichnet"
_DECISIVE = {"kind", "numerator", "denominator", "factor", "unit", "min_denominator"}
"""Fields that decide the number; wording, labels and owners may change without a new version."""


class Change(BaseModel):
    """One line of the change log."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    indicator: str
    """The entry: an indicator, or the recipe of an index."""
    version: int = Field(ge=1)
    date: date
    kind: Literal["neu", "geändert", "abgelöst"]
    note: str
    fingerprint: str


_LOG = TypeAdapter(list[Change])


@dataclass(frozen=True)
class Definition:
    """What a change log has to know about a definition in its present version."""

    id: str
    version: int
    change_note: str
    fingerprint: str


def content_hash(content: Mapping[str, Any]) -> str:
    """Short hash of plain JSON values; the order of keys does not matter."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def fingerprint(indicator: Indicator) -> str:
    """Short hash of what decides the number of an indicator."""
    return content_hash(indicator.model_dump(mode="json", include=_DECISIVE))


def load_changes(path: Path = CHANGES_FILE) -> list[Change]:
    """The change log in the order of writing; empty when there is none yet."""
    if not path.exists():
        return []
    return _LOG.validate_python(yaml.safe_load(path.read_text(encoding="utf-8")) or [])


def save_changes(changes: Sequence[Change], path: Path = CHANGES_FILE) -> None:
    """Writes the whole log; a reader sees the old or the new file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["# Written by »lagebild katalog fortschreiben«; do not edit."]
    for change in changes:
        entry = change.model_dump()
        lines.append(f"- {json.dumps(entry, ensure_ascii=False, default=str)}")
    draft = path.with_suffix(".tmp")
    draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
    draft.replace(path)


def history_findings(catalogue: Catalogue, changes: Iterable[Change]) -> list[Finding]:
    """What the catalogue and its change log disagree about; empty when the log is complete."""
    return definition_findings(
        _definitions(catalogue), changes, "Zähler, Nenner, Faktor, Einheit oder Mindestnenner weichen"
    )


def definition_findings(
    definitions: Iterable[Definition], changes: Iterable[Change], what_differs: str
) -> list[Finding]:
    """What definitions and their change log disagree about. `what_differs`: subject and verb of the German message."""
    known = {(change.indicator, change.version): change for change in changes if change.kind != _RETIRED}
    found = []
    for item in definitions:
        entry = known.get((item.id, item.version))
        earlier = [version for name, version in known if name == item.id and version != item.version]
        if entry is None and any(version > item.version for version in earlier):
            rule, advice = (
                "Fassung zurückgesetzt",
                f"Fassung {max(earlier)} ist schon vergeben; bitte hochzählen.",
            )
        elif entry is None and earlier and not item.change_note.strip():
            rule, advice = "Begründung fehlt", "Eine neue Fassung braucht eine Begründung (change_note)."
        elif entry is None:
            rule = _UNLOGGED
            advice = "Bitte »lagebild katalog fortschreiben« aufrufen."
        elif entry.fingerprint != item.fingerprint:
            rule = "Definition ohne neue Fassung geändert"
            advice = (
                f"{what_differs} von Fassung {item.version} ab. "
                "Bitte »version« um eins erhöhen, in »change_note« den Grund nennen und "
                "»lagebild katalog fortschreiben« aufrufen."
            )
        else:
            continue
        found.append(Finding(item.id, rule, advice))
    return found


def advance(catalogue: Catalogue, changes: Sequence[Change], today: date) -> list[Change]:
    """The log with entries for everything new; idempotent.

    Raises ValueError (German, one line per finding) when a change would need a decision first: a definition changed
    under the same version, a version without a reason.
    """
    refuse_blocking(history_findings(catalogue, changes))
    earlier = {change.indicator for change in changes}
    retired = {change.indicator for change in changes if change.kind == _RETIRED}
    ended = [
        Change(
            indicator=item.id,
            version=item.version,
            date=today,
            kind=_RETIRED,
            note=f"abgelöst durch {item.successor}" if item.successor else "ohne Nachfolger eingestellt",
            fingerprint=fingerprint(item),
        )
        for item in catalogue.indicators
        if item.status == "retired" and item.id in earlier and item.id not in retired
    ]
    return [*changes, *new_entries(_definitions(catalogue), changes, today), *ended]


def refuse_blocking(findings: Iterable[Finding]) -> None:
    """Raises ValueError (German, one line per finding) where a log cannot be carried on without a decision."""
    blocking = [finding for finding in findings if finding.rule != _UNLOGGED]
    if blocking:
        raise ValueError("\n".join(str(finding) for finding in blocking))


def new_entries(definitions: Iterable[Definition], changes: Sequence[Change], today: date) -> list[Change]:
    """Entries for the versions the log does not know yet."""
    known = {(change.indicator, change.version) for change in changes}
    earlier = {change.indicator for change in changes}
    return [
        Change(
            indicator=item.id,
            version=item.version,
            date=today,
            kind="geändert" if item.id in earlier else "neu",
            note=item.change_note.strip() or FIRST_NOTE,
            fingerprint=item.fingerprint,
        )
        for item in definitions
        if (item.id, item.version) not in known
    ]


def _definitions(catalogue: Catalogue) -> list[Definition]:
    """Entries with a definition that numbers are made by."""
    return [
        Definition(item.id, item.version, item.change_note, fingerprint(item))
        for item in catalogue.indicators
        if item.status == "active"
    ]


__all__ = [
    "CHANGES_FILE",
    "Change",
    "Definition",
    "advance",
    "content_hash",
    "definition_findings",
    "fingerprint",
    "history_findings",
    "load_changes",
    "new_entries",
    "refuse_blocking",
    "save_changes",
]
