"""Idempotent sync: released files + templates -> Superset's database.

Belongs here: what has to be done, and whether anything has. Does not belong here: Superset's API (`apply` runs in
its own process).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lagebild.instance import Instance, InstanceConfig, list_instances
from superset_assets.access.readers import Reader, ReaderError, find_readers
from superset_assets.environment import CONFIG_FILE, metadata_file, state_dir, superset_environment
from superset_assets.identifiers import asset_uuid
from superset_assets.internal import read_internal, render_internal
from superset_assets.lint import lint
from superset_assets.read import read_facts
from superset_assets.render import Bundle, render
from superset_assets.roles import ROLES_FILE, for_readers, load_access, logins_file

BASE_MAP = (
    "tile://https://sgx.geodatenzentrum.de/wmts_basemapde/tile/1.0.0/de_basemapde_web_raster_grau/default/"
    "GLOBAL_WEBMERCATOR/{z}/{y}/{x}.png"
)


@dataclass(frozen=True)
class SyncReport:
    """What a sync did. `changed` is False when Superset was already in the wanted state."""

    changed: bool
    synced: tuple[str, ...]
    skipped: tuple[str, ...]
    """Instances without a release."""
    removed: tuple[str, ...]
    """Markers of removed orphans."""
    missing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Per instance: indicators the dashboard settings name but the release holds no value of."""
    seconds: float = 0.0


@dataclass(frozen=True)
class _Stamp:
    """What the last sync wrote, as hashes."""

    base: str = ""
    version: str = ""
    instances: dict[str, str] = field(default_factory=dict)
    access: str = ""
    """Readers of the internal tiers and embedded dashboards, of all instances."""


class SyncError(RuntimeError):
    """The sync did not succeed; Superset may hold the previous state."""


def sync(
    instances: list[str] | None = None,
    configs: dict[str, InstanceConfig] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> SyncReport:
    """Bring Superset to the state of the named instances (all with a release when None).

    Instances without a release are skipped and their assets removed; assets of other instances that have a
    release are left alone. `configs` replaces the instance folders (tests). `progress` gets German step names.
    Raises SyncError when the lint of the rendered assets or a step of Superset fails.
    """
    started = time.monotonic()
    known = configs or {name: Instance(name).config for name in list_instances() if _configured(name)}
    chosen = [name for name in (instances if instances is not None else sorted(known)) if name in known]
    unknown = [name for name in instances or [] if name not in known]
    if unknown:
        raise SyncError(f"unknown instance: {', '.join(unknown)}")
    released = {name for name in known if Instance(name).paths.current_release.exists()}
    bundles: dict[str, Bundle] = {}
    missing: dict[str, tuple[str, ...]] = {}
    readers = _readers(sorted(released))
    for name in chosen:
        if name in released:
            bundles[name], missing[name] = _bundle(
                known[name], [item for item in readers if item.instance == name]
            )
    embedded = [item for name in sorted(released) for item in _embedded(known[name], bundles.get(name))]
    others = sorted(released - set(chosen))
    files = {name: bundle.as_files() for name, bundle in bundles.items()}
    with _only_one():
        stamp = _read_stamp()
        kept = {name: value for name, value in stamp.instances.items() if name in others}
        wanted = _Stamp(
            base=_base_digest(),
            version=version("apache-superset"),
            instances={**kept, **{name: _digest(content) for name, content in files.items()}},
            access=_digest({"readers": repr(readers), "embedded": repr(embedded)}),
        )
        current = metadata_file().exists() and logins_file().exists() and stamp == wanted
        job = {
            "bundles": files,
            "kept_instances": others,
            "embedded": embedded,
            "readers": [asdict(reader) for reader in readers],
        }
        removed = [] if current else _apply(job, bundles, stamp, wanted, progress)
        if not current:
            _write_stamp(wanted)
    return SyncReport(
        changed=not current,
        synced=tuple(bundles),
        skipped=tuple(name for name in chosen if name not in released),
        removed=tuple(removed),
        missing=missing,
        seconds=round(time.monotonic() - started, 2),
    )


def _configured(name: str) -> bool:
    return (Instance(name).folder / "instance.yml").exists()


def _readers(instances: list[str]) -> list[Reader]:
    """Readers of the internal tiers of all instances with a release."""
    try:
        return [reader for name in instances for reader in find_readers(name)]
    except ReaderError as error:
        raise SyncError(f"internal tier: {error}") from error


def _bundle(config: InstanceConfig, readers: list[Reader]) -> tuple[Bundle, tuple[str, ...]]:
    """Linted documents of an instance, those of its readers included, and what its dashboard settings name in vain."""
    release = Instance(config.name).paths.current_release
    facts = read_facts(config, release, BASE_MAP)
    bundle = render(facts)
    findings = lint(bundle, release)
    documents = dict(bundle.documents)
    for reader in readers:
        own = render_internal(read_internal(config, reader, facts.released_on))
        findings += [f"{reader.folder}: {text}" for text in lint(own, reader.zone.file)]
        for path, document in own.documents.items():
            kind, name = path.split("/")
            documents[f"{kind}/{reader.folder}__{name}"] = document
    if findings:
        raise SyncError(f"{config.name}: " + "; ".join(findings))
    return replace(bundle, documents=documents), facts.missing


def _embedded(config: InstanceConfig, bundle: Bundle | None) -> list[dict[str, Any]]:
    """Dashboards of the instance that other websites may show. Raises SyncError for one that does not exist."""
    if config.embedding is None:
        return []
    unknown = [
        name
        for name in config.embedding.dashboards
        if bundle is not None and f"dashboards/{name}.yaml" not in bundle.documents
    ]
    if unknown:
        raise SyncError(f"{config.name}: embedding names dashboards that do not exist: {', '.join(unknown)}")
    return [
        {
            "instance": config.name,
            "name": name,
            "dashboard_id": asset_uuid(config.name, "dashboards", name),
            "embedded_id": asset_uuid(config.name, "embedded", name),
            "domains": list(config.embedding.domains),
        }
        for name in config.embedding.dashboards
    ]


def _apply(
    job: dict[str, Any],
    bundles: dict[str, Bundle],
    stamp: _Stamp,
    wanted: _Stamp,
    progress: Callable[[str], None],
) -> list[str]:
    for_readers(load_access(), [])  # a wrong roles.yml must fail before anything is written
    fresh = not metadata_file().exists() or stamp.version != wanted.version
    if fresh:
        progress("Superset: Verwaltungsdatenbank anlegen")
        superset = Path(sys.executable).with_name("superset")
        _run([str(superset), "db", "upgrade"], "superset db upgrade")
    progress("Superset: Dashboards und Rollen abgleichen")
    job = {
        **job,
        "initialise": fresh or stamp.base != wanted.base,
        "uuids": [doc["uuid"] for bundle in bundles.values() for doc in bundle.documents.values()],
    }
    with tempfile.TemporaryDirectory(dir=state_dir()) as folder:
        job_file, result_file = Path(folder) / "job.json", Path(folder) / "result.json"
        job_file.write_text(json.dumps(job), encoding="utf-8")
        _run([sys.executable, "-m", "superset_assets.apply", str(job_file), str(result_file)], "import")
        result = json.loads(result_file.read_text(encoding="utf-8"))
    return [str(item) for item in result["removed"]]


def _run(command: list[str], step: str) -> None:
    done = subprocess.run(command, env=superset_environment(), capture_output=True, text=True, check=False)
    log = state_dir() / "sync.log"
    log.write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode != 0:
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-15:])
        raise SyncError(f"{step} failed (exit {done.returncode}), see {log.name}:\n{tail}")


def _digest(files: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def _base_digest() -> str:
    """Everything but the bundles that changes what a sync writes."""
    sources = [
        CONFIG_FILE,
        ROLES_FILE,
        *(Path(__file__).with_name(name) for name in ("apply.py", "apply_access.py")),
    ]
    digest = hashlib.sha256(version("apache-superset").encode())
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _stamp_file() -> Path:
    return state_dir() / "sync-stamp.json"


def _read_stamp() -> _Stamp:
    path = _stamp_file()
    return _Stamp(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else _Stamp()


def _write_stamp(stamp: _Stamp) -> None:
    draft = _stamp_file().with_suffix(".draft")
    draft.write_text(json.dumps(asdict(stamp), indent=2), encoding="utf-8")
    draft.replace(_stamp_file())


@contextmanager
def _only_one() -> Iterator[None]:
    """Two refreshes may end at the same time; the second waits."""
    with (state_dir() / "sync.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
