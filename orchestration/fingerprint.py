"""Is there anything new? One hash over everything a release depends on.

Belongs here: naming the inputs of a release and comparing their hash with the live release.
Does not belong here: deciding anything by time stamps; only contents count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import pyarrow.parquet as pq

from ingestion.landing.deliveries import registry_path
from ingestion.landing.registry import calendar_path
from lagebild.instance import Instance
from lagebild.paths import DBT_PROJECT_DIR, PROJECT_ROOT, InstancePaths
from orchestration.database_files import file_sha256
from orchestration.publish import current_release

# Adapters and landing too: a re-read delivery keeps its id and may mean something else.
_CODE_FOLDERS = (
    PROJECT_ROOT / "analysis",
    PROJECT_ROOT / "disclosure",
    PROJECT_ROOT / "ingestion",
    PROJECT_ROOT / "orchestration" / "protection",
)
_DASHBOARD_FOLDERS = (PROJECT_ROOT / "superset_assets",)
_GENERATED = {"target", "logs", "dbt_packages", "__pycache__"}
_MARKER_NAME = "dashboards.json"


def current_deliveries(instance: Instance) -> list[str]:
    """Ids of the deliveries that count, sorted. Quarantined and superseded ones change no figure; a delivery under
    embargo joins on the day it ends, because the registry is written anew every night."""
    path = registry_path(instance)
    if not path.exists():
        return []
    rows = pq.read_table(path, columns=["delivery_id", "status"]).to_pylist()
    return sorted(str(row["delivery_id"]) for row in rows if row["status"] == "current")


def calendar_hash(instance: Instance) -> str:
    """Hash of the delivery calendar: a deadline that has passed is news, the next night with the same list is not."""
    path = calendar_path(instance)
    if not path.exists():
        return ""
    content = json.dumps(pq.read_table(path).to_pylist(), sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()


def project_files(*folders: Path) -> list[Path]:
    """Source files below the folders, generated ones left out."""
    return sorted(
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
        and not _GENERATED.intersection(path.relative_to(folder).parts)
        and not path.name.startswith(".")
    )


def hash_files(files: Iterable[Path], root: Path) -> str:
    """Hash over relative names and contents."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(root)}\0{file_sha256(path)}\n".encode())
    return digest.hexdigest()


def input_parts(instance: Instance) -> dict[str, str]:
    """Hash per kind of input, by its German name."""
    deliveries = "\n".join(current_deliveries(instance))
    return {
        "Lieferungen": hashlib.sha256(deliveries.encode()).hexdigest(),
        "Lieferkalender": calendar_hash(instance),
        "Kennzahlenkatalog": hash_files(
            sorted(instance.paths.catalogue.glob("*.parquet")), instance.paths.catalogue
        ),
        "Einrichtung der Instanz": hash_files(project_files(instance.folder), instance.folder),
        "Rechenwege": hash_files(project_files(DBT_PROJECT_DIR, *_CODE_FOLDERS), PROJECT_ROOT),
        "Dashboards": hash_files(project_files(*_DASHBOARD_FOLDERS), PROJECT_ROOT),
    }


def input_fingerprint(instance: Instance) -> str:
    """Hash over all inputs of a release; part of the release itself."""
    return hashlib.sha256(json.dumps(input_parts(instance), sort_keys=True).encode()).hexdigest()


def changed_parts(instance: Instance) -> list[str]:
    """What differs from the inputs last looked at, for the log; remembers the present ones."""
    path = instance.paths.protected / "inputs.json"
    parts = input_parts(instance)
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(parts, ensure_ascii=False, indent=2), encoding="utf-8")
    return [name for name, value in parts.items() if before.get(name) != value]


def is_current(instance: Instance, fingerprint: str) -> bool:
    """True when the live release has these inputs and its dashboards were brought up to date."""
    release = current_release(instance.paths.published)
    return (
        release is not None
        and release["input_fingerprint"] == fingerprint
        and synced_release(instance.paths) == release["release_id"]
    )


def synced_release(paths: InstancePaths) -> str | None:
    """Release id the dashboards were last synchronised with."""
    marker = paths.published / _MARKER_NAME
    if not marker.exists():
        return None
    return str(json.loads(marker.read_text(encoding="utf-8"))["release_id"])


def mark_synced(paths: InstancePaths, release_id: str) -> None:
    """Remembers that the dashboards show this release; written after a successful sync only."""
    (paths.published / _MARKER_NAME).write_text(json.dumps({"release_id": release_id}), encoding="utf-8")
