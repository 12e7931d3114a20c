"""What a source has delivered so far: which file is known already, which one came again, and under which id.

Belongs here: recognising content. Does not belong here: which delivery counts (`ingestion.landing.deliveries`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from expectations.rules.areas import DISSOLVED, UNKNOWN
from ingestion.landing.deliveries import age, competition_key
from ingestion.landing.manifest import Manifest


def modified_at(path: Path) -> datetime:
    """Modification time of a file as manifests hold it (microseconds)."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


class KnownDeliveries:
    """All deliveries of one source by id, landed and quarantined; grows while the source is landed."""

    def __init__(self, source_id: str, manifests: Iterable[Manifest]) -> None:
        self._source_id = source_id
        self._by_id = {manifest.delivery_id: manifest for manifest in manifests}

    def all(self) -> list[Manifest]:
        return list(self._by_id.values())

    def contents(self) -> set[str]:
        """SHA-256 of everything delivered."""
        return {manifest.sha256 for manifest in self._by_id.values()}

    def add(self, manifest: Manifest) -> None:
        self._by_id[manifest.delivery_id] = manifest

    def latest(self, sha256: str) -> Manifest | None:
        """The newest delivery of this content; None where it never came."""
        same = [manifest for manifest in self._by_id.values() if manifest.sha256 == sha256]
        return max(same, key=age, default=None)

    def came_again(self, earlier: Manifest, modified: datetime) -> bool:
        """True where content known as `earlier` was superseded since and a file newer than its rival brings it back.

        The inbox may hold both for ever: only a file younger than the rival says that the supplier meant this one.
        What was refused is refused again, so it takes back nothing.
        """
        if earlier.status != "landed":
            return False
        rivals = [
            item
            for item in self._by_id.values()
            if item.status == "landed" and competition_key(item) == competition_key(earlier)
        ]
        newest = max(rivals, key=age)
        return newest.sha256 != earlier.sha256 and modified > newest.file_modified_at

    def new_id(self, sha256: str) -> str:
        """Id of a delivery of this content: `<source>-<hash>`, from the second time on `<source>-<hash>-2`."""
        name = f"{self._source_id}-{sha256[:12]}"
        number = 1
        while (candidate := name if number == 1 else f"{name}-{number}") in self._by_id:
            number += 1
        return candidate


def hangs_on_areas(manifest: Manifest) -> bool:
    """True for a delivery refused for an area key the register did not hold: another register may hold it."""
    return manifest.status == "quarantined" and any(
        issue.severity == "refusal" and issue.rule in (UNKNOWN, DISSOLVED) for issue in manifest.issues
    )
