"""What a killed run left in the work folder: complete deliveries are moved into place, unfinished ones removed.

A delivery whose original lies in no inbox any more is replaced by two renames; between them it exists in the work
folder only.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Final

from ingestion.landing.manifest import MANIFEST_NAME, Manifest
from lagebild.instance import Instance

ABANDONED_AFTER: Final = 24 * 3600
"""Seconds; other sources may be landing at this moment, in work folders of their own."""


def resume(instance: Instance, source_id: str) -> int:
    """Puts complete deliveries of the source back where they belong; returns their number."""
    resumed = 0
    for folder in sorted(_folders(instance), key=lambda path: path.stat().st_mtime_ns, reverse=True):
        file = folder / MANIFEST_NAME
        if not file.exists():
            if time.time() - folder.stat().st_mtime > ABANDONED_AFTER:
                shutil.rmtree(folder, ignore_errors=True)
            continue
        manifest = Manifest.model_validate_json(file.read_text(encoding="utf-8"))
        if manifest.source_id != source_id:
            continue
        zones = {"landed": instance.paths.landing, "quarantined": instance.paths.quarantine}
        places = [zone / source_id / manifest.delivery_id for zone in zones.values()]
        if any(place.exists() for place in places):
            shutil.rmtree(folder, ignore_errors=True)
            continue
        target = zones[manifest.status] / source_id / manifest.delivery_id
        target.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(target)
        resumed += 1
    return resumed


def _folders(instance: Instance) -> list[Path]:
    parent = instance.paths.protected / "landing_work"
    return [path for path in parent.iterdir() if path.is_dir()] if parent.exists() else []
