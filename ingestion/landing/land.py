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
from typing import Final

from expectations.gate import check
from ingestion.anonymise.intake import Intake
from ingestion.anonymise.originals import settle_original
from ingestion.anonymise.reduction import NoAddressRegister, Reduction
from ingestion.connectors.fetch import fetch
from ingestion.formats.base import Issue, ParsedDelivery
from ingestion.formats.guard import inspect
from ingestion.formats.registry import adapter
from ingestion.landing.context import LandedContext
from ingestion.landing.deliveries import competition_key, succession
from ingestion.landing.empty import write_empty_tables
from ingestion.landing.inputs import clear_inbox, inputs
from ingestion.landing.interrupted import resume
from ingestion.landing.known import KnownDeliveries, hangs_on_areas, modified_at
from ingestion.landing.manifest import MANIFEST_NAME, Manifest, ManifestIssue, read_manifests
from ingestion.landing.order import landing_order
from ingestion.landing.places import remove, work_folder
from ingestion.landing.registry import write_registry
from ingestion.landing.report import write_report
from ingestion.landing.store import write_landing_table
from ingestion.landing.validations import Validations
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
    connector_failures: tuple[str, ...] = ()
    """What could not be fetched from the supplier's server: German lines without secrets and content."""

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
            connector_failures=self.connector_failures + other.connector_failures,
        )


_FORMATS_DIR = Path(__file__).resolve().parent.parent / "formats"
_ANONYMISE_DIR = _FORMATS_DIR.with_name("anonymise")
_DECISIVE: Final = {"format", "tables", "personal", "options", "checks", "protection"}


def land_source(instance: Instance, source: SourceConfig, progress: Progress = _silent) -> LandingReport:
    """Lands every new file of one source; files already known (same content) are counted and left alone, unless the
    source's configuration or, for one refused for an area key, the area register has changed since.
    Content that was superseded and comes back in a newer file is a delivery of its own.

    Raises only for faults of the configuration (unknown format or placeholder) and of the machine (disk full);
    a bad file ends in quarantine and the others go on.
    """
    intake = Intake(instance, source, adapter(source.format))
    resume(instance, source.id)
    known = KnownDeliveries(source.id, read_manifests(instance, source.id))
    fingerprint = config_fingerprint(source)
    context = LandedContext(instance, source, known.all)

    def outdated(manifest: Manifest) -> bool:
        changed_areas = hangs_on_areas(manifest) and manifest.areas_fingerprint != context.areas_fingerprint
        return manifest.config_fingerprint != fingerprint or changed_areas

    report = LandingReport()
    seen: set[str] = set()
    fetched = fetch(instance, source, progress)
    for path, prefix in inputs(instance, source, fetched.files, known.all, outdated):
        sha256 = _sha256(path)
        seen.add(sha256)
        earlier = known.latest(sha256)
        if earlier is not None and known.came_again(earlier, modified_at(path)):
            earlier = None  # The supplier has taken the correction back: a delivery of its own.
        if earlier is not None and not outdated(earlier):
            clear_inbox(instance, source, path, earlier)
            report = replace(report, duplicate=report.duplicate + 1)
            progress(f"{prefix} – bereits bekannt")
            continue
        try:
            reduction = intake.prepare()
        except NoAddressRegister:
            # Nothing is wrong with the delivery: it stays where it is until the addresses are there.
            log.warning("source %s waits for an address register", source.id)
            progress(f"{source.label}: wartet auf das Adressregister")
            break
        # Known, but judged under other circumstances: what it meant may have changed, so it is read again.
        manifest = _land_file(instance, source, intake, reduction, path, sha256, known, earlier, context)
        clear_inbox(instance, source, path, manifest)
        if manifest is earlier:
            report = replace(report, duplicate=report.duplicate + 1, warnings=report.warnings + 1)
            progress(f"{prefix} – mit geänderter Konfiguration nicht lesbar, bisheriger Stand gilt weiter")
            continue
        known.add(manifest)
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
    if source.protection.fate(source.personal) != "keep":
        # Their files are not in the inbox any more.
        report = replace(report, duplicate=report.duplicate + len(known.contents() - seen))
    ends = [
        item.period_end for item in known.all() if item.status == "landed" and item.period_end is not None
    ]
    return replace(report, newest_period_end=max(ends, default=None), connector_failures=fetched.failures)


def land_instance(instance: Instance, progress: Progress = _silent) -> dict[str, LandingReport]:
    """Lands all sources of an instance and writes the empty tables, the table of deliveries and the calendar."""
    write_empty_tables(instance)
    reports = {source.id: land_source(instance, source, progress) for source in landing_order(instance)}
    write_registry(instance)
    return reports


def config_fingerprint(source: SourceConfig) -> str:
    """Hash of everything that decides how a file of this source is read: its configuration (labels and contacts do
    not count) and the code of the adapters and the landing contract. A changed adapter reads its files again."""
    decisive = source.model_dump(mode="json", include=_DECISIVE)
    text = json.dumps(decisive, sort_keys=True, ensure_ascii=True) + _reader_code_hash()
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def _reader_code_hash() -> str:
    digest = hashlib.sha256()
    for path in [
        *sorted(_FORMATS_DIR.glob("*.py")),
        *sorted(_ANONYMISE_DIR.glob("*.py")),
        Path(__file__).with_name("contracts.py"),
    ]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _land_file(
    instance: Instance,
    source: SourceConfig,
    intake: Intake,
    reduction: Reduction,
    path: Path,
    sha256: str,
    known: KnownDeliveries,
    earlier: Manifest | None,
    context: LandedContext,
) -> Manifest:
    delivery_id = earlier.delivery_id if earlier else known.new_id(sha256)
    work = work_folder(instance)
    validations = Validations(source)
    try:
        original = _keep_original(path, work, source.personal)
        # The copy is parsed, not the inbox file: what was checked is exactly what is kept.
        with original.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != sha256:
                raise OSError(f"{path.name} changed while it was read")
        parsed, rows = _read(source, intake, reduction, original, work, delivery_id, context, validations)
        refused = parsed.refused
        if refused and earlier is not None and earlier.status == "landed":
            # The file was good before: the fault is in the new configuration, and what is in use stays in use.
            log.error(
                "delivery %s is refused under the changed configuration and kept as it was", delivery_id
            )
            return earlier
        period = parsed.period
        fate = source.protection.fate(source.personal)
        if refused and fate == "delete":
            fate = "encrypt"  # nothing of it has landed yet: a corrected configuration may still read it
        manifest = Manifest(
            delivery_id=delivery_id,
            source_id=source.id,
            instance=instance.name,
            status="quarantined" if refused else "landed",
            received_at=earlier.received_at if earlier else datetime.now(UTC),
            file_name=path.name,
            # Read again, it keeps its place among its rivals, whichever copy of it lies in the inbox.
            file_modified_at=earlier.file_modified_at if earlier else modified_at(path),
            sha256=sha256,
            size_bytes=path.stat().st_size,
            period_type=period.period_type if period else None,
            period_start=period.start if period else None,
            period_end=period.end if period else None,
            kommune_code=parsed.kommune_code,
            part=parsed.part,
            published_on=parsed.published_on,
            landed_at=None if refused else _landed_at(earlier),
            original=fate,
            addresses=reduction.counts(),
            rows=rows,
            warnings=sum(issue.severity == "warning" for issue in parsed.issues),
            issues=tuple(
                ManifestIssue.from_issue(issue, source.personal)
                for issue in sorted(parsed.issues, key=_refusals_first)[:MAX_ISSUES]
            ),
            adapter=source.format,
            config_fingerprint=config_fingerprint(source),
        )
        if hangs_on_areas(manifest):
            manifest = manifest.model_copy(update={"areas_fingerprint": context.areas_fingerprint})
        if not refused:
            manifest = manifest.model_copy(update={"supersedes": _predecessor(manifest, known.all())})
            reduction.write_review(work)
        settle_original(instance, original, fate)
        validations.write(work)
        if manifest.issues:
            write_report(work, manifest, source)
        (work / MANIFEST_NAME).write_text(manifest.model_dump_json(indent=2), encoding="utf-8")
        _move_into_place(instance, manifest, work, source.personal)
        return manifest
    finally:
        remove(work)


def _keep_original(path: Path, work: Path, personal: bool) -> Path:
    folder = work / "original"
    folder.mkdir(mode=0o700)
    copy = folder / path.name
    shutil.copyfile(path, copy)
    copy.chmod(0o400 if personal else 0o444)
    return copy


def _read(
    source: SourceConfig,
    intake: Intake,
    reduction: Reduction,
    original: Path,
    work: Path,
    delivery_id: str,
    context: LandedContext,
    validations: Validations,
) -> tuple[ParsedDelivery, dict[str, int]]:
    """Parses, reduces and gates; writes the tables of a good delivery and returns their rows.

    Whatever fails unexpectedly becomes a refusal: one file must not stop the others.
    """
    scratch = work / "pieces"
    try:
        guarded = tuple(inspect(original, source))
        if any(issue.severity == "refusal" for issue in guarded):
            return ParsedDelivery(issues=guarded), {}
        parsed = intake.read(original, reduction, scratch)
        parsed = replace(parsed, issues=(*guarded, *parsed.issues))
        if not parsed.refused:
            parsed = replace(parsed, issues=(*parsed.issues, *check(source, parsed, context, validations)))
        rows = {}
        if not parsed.refused:
            rows = {
                name: write_landing_table(name, table, delivery_id, source.id, work)
                for name, table in parsed.tables.items()
            }
        return parsed, rows
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
        for begun in work.glob("*.parquet"):
            begun.unlink()
        return ParsedDelivery(issues=(issue,)), {}
    finally:
        remove(scratch)


def _refusals_first(issue: Issue) -> bool:
    """Sort key: of a file with very many findings those are kept that decide about it."""
    return issue.severity != "refusal"


def _landed_at(earlier: Manifest | None) -> datetime | None:
    """When a file read again was accepted, in case that is later than its arrival: an earlier night had it in
    quarantine."""
    if earlier is None:
        return None
    return datetime.now(UTC) if earlier.status == "quarantined" else earlier.landed_at


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
    # folder cannot be replaced by rename; a run killed in between is mended by `ingestion.landing.interrupted`.
    for old_zone in (instance.paths.landing, instance.paths.quarantine):
        old = old_zone / manifest.source_id / manifest.delivery_id
        if old.exists():
            void = work_folder(instance)
            old.rename(void)
            remove(void)
    work.rename(target)
