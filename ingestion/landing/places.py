"""Where deliveries lie: the work folder of one in preparation, the place of a finished one."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import mkdtemp

from ingestion.landing.manifest import Manifest
from lagebild.instance import Instance


def work_folder(instance: Instance) -> Path:
    # Beside landing, not below it: dbt's glob over landing must never see an unfinished delivery.
    parent = instance.paths.protected / "landing_work"
    parent.mkdir(parents=True, exist_ok=True)
    return Path(mkdtemp(dir=parent))  # mode 0700


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def place(instance: Instance, manifest: Manifest) -> Path:
    """Folder of a landed or quarantined delivery."""
    zone = instance.paths.landing if manifest.status == "landed" else instance.paths.quarantine
    return zone / manifest.source_id / manifest.delivery_id
