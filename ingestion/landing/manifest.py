"""The manifest: what is known about one delivery. It holds no personal value."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ingestion.formats.base import Issue
from lagebild.instance import Instance
from lagebild.protection import Originals

MANIFEST_NAME = "manifest.json"


class ManifestIssue(BaseModel):
    """An `Issue` as stored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    severity: Literal["refusal", "warning"]
    rule: str
    message: str
    sheet: str | None = None
    row: int | None = None
    column: str | None = None
    value: str | None = None

    @classmethod
    def from_issue(cls, issue: Issue, personal: bool) -> ManifestIssue:
        """Stored form; for personal sources the value is dropped whatever the adapter put there."""
        return cls(
            severity=issue.severity,
            rule=issue.rule,
            message=issue.message,
            sheet=issue.sheet,
            row=issue.row,
            column=issue.column,
            value=None if personal else issue.value,
        )


class Manifest(BaseModel):
    """`manifest.json` of one delivery, landed or quarantined. Times are UTC."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    delivery_id: str
    source_id: str
    instance: str
    status: Literal["landed", "quarantined"]
    received_at: datetime
    file_name: str
    file_modified_at: datetime
    sha256: str
    size_bytes: int
    period_type: Literal["stichtag", "jahr", "schuljahr", "monat"] | None = None
    period_start: date | None = None
    period_end: date | None = None
    kommune_code: str | None = None
    part: str | None = None
    published_on: date | None = None
    """Day of publication the file names itself."""
    landed_at: datetime | None = None
    """When the delivery was accepted, where that was later than its arrival: refused at first, good under another
    configuration. None: accepted on arrival, or not accepted."""
    original: Originals = "keep"
    """What became of the original: kept as delivered, encrypted, or deleted once landed."""
    addresses: dict[str, int] = Field(default_factory=dict)
    """Rows per outcome of the search for their block (see `ingestion.anonymise.register.Outcome`)."""
    rows: dict[str, int] = Field(default_factory=dict)
    warnings: int = 0
    issues: tuple[ManifestIssue, ...] = ()
    supersedes: str | None = None
    adapter: str
    config_fingerprint: str
    """Hash of the configuration the file was read with; with another configuration it is read again."""
    areas_fingerprint: str | None = None
    """Refused for an area key only: hash of the area register that did not know it (see `LandedContext`)."""


def read_manifests(instance: Instance, source_id: str = "*") -> list[Manifest]:
    """All manifests of an instance (or of one source), landed and quarantined, sorted by delivery id."""
    found = [
        Manifest.model_validate_json(path.read_text(encoding="utf-8"))
        for zone in (instance.paths.landing, instance.paths.quarantine)
        for path in zone.glob(f"{source_id}/*/{MANIFEST_NAME}")
    ]
    return sorted(found, key=lambda manifest: (manifest.delivery_id, manifest.status))
