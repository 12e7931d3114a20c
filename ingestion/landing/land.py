"""Lands deliveries: every file of a source becomes a landed or a quarantined delivery, never half of one.

A delivery is prepared completely in a work folder beside the landing zone and then renamed into place, so a reader
sees all of it or nothing. What the files mean is the adapters' business, whether they are good the gate's.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from expectations.gate import check
from ingestion.connectors.folder import source_files
from ingestion.formats.base import Issue, ParsedDelivery
from ingestion.formats.registry import adapter
from ingestion.landing.conform import conform
from ingestion.landing.deliveries import competition_key, succession, write_delivery_table
from ingestion.landing.empty import write_empty_tables
from ingestion.landing.manifest import MANIFEST_NAME, Manifest, ManifestIssue, read_manifests
from ingestion.landing.report import write_report
from lagebild.instance import Instance, SourceConfig

log = logging.getLogger("lagebild.landing")

Progress = Callable[[str], None]
"""Receives one German line per file."""

MAX_ISSUES: Final = 200
"""Issues stored per delivery; a file with more faults is not read to its end by anybody."""


def _silent(_: str) -> None:
    return None


@dataclass(frozen=True)
class LandingReport:
    """Outcome of landing one source (or several): counts and ids only, no content."""

    landed: int = 0
    duplicate: int = 0
    quarantined: int = 0
    warnings: int = 0
    delivery_ids: tuple[str, ...] = ()
    """Deliveries newly landed or quarantined."""
    newest_period_end: date | None = field(default=None)
    """Latest period end among all landed deliveries of the source, also earlier ones."""

    @property
    def files(self) -> int:
        return self.landed + self.duplicate + self.quarantined

    def __add__(self, other: LandingReport) -> LandingReport:
        ends = [end for end in (self.newest_period_end, other.newest_period_end) if end is not None]
        return LandingReport(
            landed=self.landed + other.landed,
            duplicate=self.duplicate + other.duplicate,
            quarantined=self.quarantined + other.quarantined,
            warnings=self.warnings + other.warnings,
            delivery_ids=self.delivery_ids + other.delivery_ids,
            newest_period_end=max(ends, default=None),
        )


_FORMATS_DIR = Path(__file__).resolve().parent.parent / "formats"


def land_source(instance: Instance, source: SourceConfig, progress: Progress = _silent) -> LandingReport:
    """Lands every new file of one source; files already known (same content) are counted and left alone,
    unless the source's configuration has changed since they were read.

    Raises only for faults of the configuration (unknown format or placeholder) and of the machine (disk full);
    a bad file ends in quarantine and the others go on.
    """
    reader = adapter(source.format)
    known = {manifest.sha256: manifest for manifest in read_manifests(instance, source.id)}
    fingerprint = config_fingerprint(source)
    report = LandingReport()
    files = source_files(instance, source)
    for number, path in enumerate(files, start=1):
        prefix = f"{source.label}: Datei {number} von {len(files)} ({path.name})"
        sha256 = _sha256(path)
        earlier = known.get(sha256)
        if earlier is not None and earlier.config_fingerprint == fingerprint:
            report = replace(report, duplicate=report.duplicate + 1)
            progress(f"{prefix} – bereits bekannt")
            continue
        # Known, but read under another configuration: what it meant may have changed, so it is read again.
        manifest = _land_file(instance, source, reader.parse, path, sha256, list(known.values()), earlier)
        if manifest is earlier:
            report = replace(report, duplicate=report.duplicate + 1, warnings=report.warnings + 1)
            progress(f"{prefix} – mit geänderter Konfiguration nicht lesbar, bisheriger Stand gilt weiter")
            continue
        known[sha256] = manifest
        landed = manifest.status == "landed"
        report = replace(
            report,
            landed=report.landed + landed,
            quarantined=report.quarantined + (not landed),
            warnings=report.warnings + manifest.warnings,
            delivery_ids=(*report.delivery_ids, manifest.delivery_id),
        )
        rows = sum(manifest.rows.values())
        progress(f"{prefix} – {f'{rows} Zeilen übernommen' if landed else 'zurückgewiesen'}")
    ends = [
        item.period_end for item in known.values() if item.status == "landed" and item.period_end is not None
    ]
    return replace(report, newest_period_end=max(ends, default=None))


def land_instance(instance: Instance, progress: Progress = _silent) -> dict[str, LandingReport]:
    """Lands all sources of an instance and writes the empty tables and the table of deliveries."""
    write_empty_tables(instance)
    reports = {name: land_source(instance, source, progress) for name, source in instance.sources.items()}
    write_delivery_table(instance)
    return reports


def config_fingerprint(source: SourceConfig) -> str:
    """Hash of everything that decides how a file of this source is read: its configuration (labels and contacts do
    not count) and the code of the adapters and the landing contract. A changed adapter reads its files again."""
    decisive = source.model_dump(mode="json", include={"format", "tables", "personal", "options"})
    text = json.dumps(decisive, sort_keys=True, ensure_ascii=True) + _reader_code_hash()
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def _reader_code_hash() -> str:
    digest = hashlib.sha256()
    for path in [*sorted(_FORMATS_DIR.glob("*.py")), Path(__file__).with_name("contracts.py")]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _land_file(
    instance: Instance,
    source: SourceConfig,
    parse: Callable[[Path, SourceConfig], ParsedDelivery],
    path: Path,
    sha256: str,
    known: list[Manifest],
    earlier: Manifest | None,
) -> Manifest:
    delivery_id = f"{source.id}-{sha256[:12]}"
    work = _work_folder(instance)
    try:
        original = _keep_original(path, work, source.personal)
        # The copy is parsed, not the inbox file: what was checked is exactly what is kept.
        with original.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != sha256:
                raise OSError(f"{path.name} changed while it was read")
        parsed, tables = _read(source, parse, original, delivery_id)
        refused = parsed.refused
        if refused and earlier is not None and earlier.status == "landed":
            # The file was good before: the fault is in the new configuration, and what is in use stays in use.
            log.error(
                "delivery %s is refused under the changed configuration and kept as it was", delivery_id
            )
            return earlier
        stat = path.stat()
        period = parsed.period
        manifest = Manifest(
            delivery_id=delivery_id,
            source_id=source.id,
            instance=instance.name,
            status="quarantined" if refused else "landed",
            received_at=earlier.received_at if earlier else datetime.now(UTC),
            file_name=path.name,
            file_modified_at=datetime.fromtimestamp(stat.st_mtime, UTC),
            sha256=sha256,
            size_bytes=stat.st_size,
            period_type=period.period_type if period else None,
            period_start=period.start if period else None,
            period_end=period.end if period else None,
            kommune_code=parsed.kommune_code,
            rows={} if refused else {name: table.num_rows for name, table in tables.items()},
            warnings=sum(issue.severity == "warning" for issue in parsed.issues),
            issues=tuple(
                ManifestIssue.from_issue(issue, source.personal) for issue in parsed.issues[:MAX_ISSUES]
            ),
            adapter=source.format,
            config_fingerprint=config_fingerprint(source),
        )
        if not refused:
            manifest = manifest.model_copy(update={"supersedes": _predecessor(manifest, known)})
            for name, table in tables.items():
                pq.write_table(table, work / f"{name}.parquet", compression="zstd")
        if manifest.issues:
            write_report(work, manifest, source)
        (work / MANIFEST_NAME).write_text(manifest.model_dump_json(indent=2), encoding="utf-8")
        _move_into_place(instance, manifest, work, source.personal)
        return manifest
    finally:
        _remove(work)


def _work_folder(instance: Instance) -> Path:
    # Beside landing, not below it: dbt's glob over landing must never see an unfinished delivery.
    parent = instance.paths.protected / "landing_work"
    parent.mkdir(parents=True, exist_ok=True)
    return Path(mkdtemp(dir=parent))  # mode 0700


def _keep_original(path: Path, work: Path, personal: bool) -> Path:
    folder = work / "original"
    folder.mkdir(mode=0o700)
    copy = folder / path.name
    shutil.copyfile(path, copy)
    copy.chmod(0o400 if personal else 0o444)
    return copy


def _read(
    source: SourceConfig,
    parse: Callable[[Path, SourceConfig], ParsedDelivery],
    original: Path,
    delivery_id: str,
) -> tuple[ParsedDelivery, dict[str, pa.Table]]:
    """Parses, gates and conforms. Whatever fails unexpectedly becomes a refusal: one file must not stop the others."""
    try:
        parsed = parse(original, source)
        if not parsed.refused:
            parsed = replace(parsed, issues=(*parsed.issues, *check(source, parsed)))
        tables = {}
        if not parsed.refused:
            tables = {
                name: conform(name, table, delivery_id, source.id) for name, table in parsed.tables.items()
            }
        return parsed, tables
    except Exception as error:  # noqa: BLE001 - whatever it is, the other files must go on
        kind = type(error).__name__
        if source.personal:
            # The message of an exception may quote the record it stumbled over.
            log.error("delivery %s could not be read: %s", delivery_id, kind)
        else:
            log.error("delivery %s could not be read: %s: %s", delivery_id, kind, error)
        issue = Issue(
            severity="refusal",
            rule="Datei konnte nicht gelesen werden",
            message=(
                "Die Datei ist beschädigt oder hat einen unerwarteten Aufbau. Bitte prüfen, ob sie sich öffnen lässt, "
                "und neu liefern."
            ),
        )
        return ParsedDelivery(issues=(issue,)), {}


def _predecessor(manifest: Manifest, known: list[Manifest]) -> str | None:
    """The delivery this one stands in for, seen from now; None where it is the first or older than the current one."""
    rivals = [item for item in known if competition_key(item) == competition_key(manifest)]
    return succession([*rivals, manifest])[manifest.delivery_id][1]


def _move_into_place(instance: Instance, manifest: Manifest, work: Path, personal: bool) -> None:
    zone = instance.paths.landing if manifest.status == "landed" else instance.paths.quarantine
    target = zone / manifest.source_id / manifest.delivery_id
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = 0o700 if personal else 0o755
    work.chmod(mode)
    (work / "original").chmod(mode)
    # Same file, read again under a changed configuration: the old verdict is void. It is moved away first because a
    # folder cannot be replaced by rename; its content is in the inbox and in the new delivery.
    for old_zone in (instance.paths.landing, instance.paths.quarantine):
        old = old_zone / manifest.source_id / manifest.delivery_id
        if old.exists():
            void = _work_folder(instance)
            old.rename(void)
            _remove(void)
    work.rename(target)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
