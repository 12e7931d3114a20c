"""Runs the simulation and lets every source system hand in its deliveries.

Entry point of the package: `generate`. Does not belong here: the model and the layouts themselves.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pydantic import BaseModel

from ingestion.synthetic import truth as truth_writer
from ingestion.synthetic.areas import build_areas
from ingestion.synthetic.benefits import derive
from ingestion.synthetic.context import Desk, Snapshot
from ingestion.synthetic.deliveries import (
    ba_akg,
    civic,
    datenbogen,
    education,
    geobasis,
    health,
    hze,
    recommendations,
    register,
    transfers,
)
from ingestion.synthetic.population import Simulation
from lagebild.instance import SyntheticSettings

_HALF_YEARLY = (register.write_register, civic.write_elections)
_SUMMER = (health.write_seu, education.write_schule)
_YEARLY = (
    ba_akg.write_ba_akg,
    transfers.write_wohngeld,
    transfers.write_sgb12,
    hze.write_hze,
    health.write_pflege,
    health.write_disability,
    health.write_egh,
    education.write_kita,
    civic.write_budget,
    civic.write_housing,
    datenbogen.write_youth_work,
)


@dataclass(frozen=True)
class GenerationReport:
    """What a run did. `skipped`: the inbox was current already. `inhabitants`: persons at the last reference date."""

    skipped: bool
    files: int
    inhabitants: int
    faults: int
    seconds: float


class _Stamp(BaseModel):
    """What wrote an inbox: settings, hash of the generator (empty while it runs), files with their sizes."""

    settings: SyntheticSettings
    generator: str
    files: dict[str, int]
    inhabitants: int
    faults: int


def generate(
    settings: SyntheticSettings,
    inbox: Path,
    truth: Path,
    progress: Callable[[str], None],
    taken: Mapping[str, int] | None = None,
) -> GenerationReport:
    """Writes all deliveries below `inbox/<source_id>/` and the truth for tests.

    Deterministic: same settings and same generator source give byte-identical files. An inbox that was written by the
    same generator with the same settings is left alone; otherwise the folders of the simulated sources and the truth
    are replaced. `progress` gets one German line per step. `taken` are files that landing has taken out of the inbox
    (path below the inbox → size): a supplier does not deliver again what was received.
    """
    started = time.monotonic()
    stamp_file = truth / "stamp.json"
    generator = _source_hash()
    known = _read_stamp(stamp_file)
    if (
        known
        and known.settings == settings
        and known.generator == generator
        and _complete(known, inbox, taken or {})
    ):
        progress("Musterkreis ist aktuell, nichts zu erzeugen")
        return GenerationReport(
            True, len(known.files), known.inhabitants, known.faults, time.monotonic() - started
        )

    _clear(known, inbox, truth)
    progress("Gebiete und Geometrien des Musterkreises entstehen")
    areas = build_areas(settings.seed)
    desk = Desk(settings, areas, inbox)
    geobasis.write_geobasis(desk)
    geobasis.write_addresses(desk)
    recommendations.write_recommendations(desk)
    inhabitants = 0
    events: list[pd.DataFrame] = []
    for half in Simulation(settings, areas).run():
        snapshot = Snapshot(half, derive(half, areas), areas, settings.seed)
        inhabitants = len(half.people)
        for write in _HALF_YEARLY:
            write(snapshot, desk)
        events.append(half.events)
        if half.day.month == 6:
            for write in _SUMMER:
                write(snapshot, desk)
        else:
            register.write_movements(half.day.year, pd.concat(events, ignore_index=True), areas, desk)
            events = []
            for write in _YEARLY:
                write(snapshot, desk)
        truth_writer.write_persons(snapshot, truth)
        _write_stamp(stamp_file, desk, "", inhabitants)  # an interrupted run leaves a list of what it wrote
        done, total = half.index + 1, 2 * settings.years
        elapsed = time.monotonic() - started
        persons = f"{inhabitants:,}".replace(",", ".")
        progress(f"Halbjahr {done}/{total} ({half.day:%d.%m.%Y}): {persons} Personen, {elapsed:.0f} s")
    truth_writer.write_ledgers(desk, truth)
    files = _write_stamp(stamp_file, desk, generator, inhabitants)
    seconds = time.monotonic() - started
    progress(f"Musterkreis erzeugt: {files} Lieferungen in {seconds:.0f} s")
    return GenerationReport(False, files, inhabitants, len(desk.faults), seconds)


def _source_hash() -> str:
    """Hash of the generator's own code: another generator writes another Musterkreis."""
    digest = hashlib.sha256()
    root = Path(__file__).resolve().parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    # The form is defined outside: another form or layout of it makes other files.
    form = datenbogen.form_source().model_dump_json(include={"options", "label", "supplier", "contact"})
    digest.update(form.encode())
    for path in sorted((root.parent / "datenbogen").glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _read_stamp(path: Path) -> _Stamp | None:
    return _Stamp.model_validate_json(path.read_text(encoding="utf-8")) if path.exists() else None


def _write_stamp(path: Path, desk: Desk, generator: str, inhabitants: int) -> int:
    """Records all files filed so far; returns their number."""
    files = {path.relative_to(desk.inbox).as_posix(): path.stat().st_size for path in sorted(desk.files)}
    record = _Stamp(
        settings=desk.settings,
        generator=generator,
        files=files,
        inhabitants=inhabitants,
        faults=len(desk.faults),
    )
    path.write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return len(files)


def _complete(stamp: _Stamp, inbox: Path, taken: Mapping[str, int]) -> bool:
    def there(name: str, size: int) -> bool:
        path = inbox / name
        return path.stat().st_size == size if path.exists() else taken.get(name) == size

    return all(there(name, size) for name, size in stamp.files.items())


def _clear(known: _Stamp | None, inbox: Path, truth: Path) -> None:
    """Removes what an earlier run wrote, and only that: a file somebody put into the inbox stays."""
    for name in known.files if known else ():
        (inbox / name).unlink(missing_ok=True)
    if truth.exists():
        shutil.rmtree(truth)
    truth.mkdir(parents=True, mode=0o700)  # persons: readable by the owner only, also when they are simulated
    inbox.mkdir(parents=True, exist_ok=True, mode=0o700)
