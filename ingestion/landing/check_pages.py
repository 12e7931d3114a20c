"""The Prüfseiten: Data Docs of the deliveries of the last night with a German index, below the protected zone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from expectations.data_docs import render
from ingestion.landing.deliveries import TIMEZONE
from ingestion.landing.manifest import Manifest, read_manifests
from ingestion.landing.report import period_label
from ingestion.landing.validations import VALIDATION_NAME
from lagebild.instance import Instance

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class CheckedDelivery:
    """One line of the index."""

    manifest: Manifest
    label: str
    period: str
    pages: tuple[tuple[str, str, int, int], ...]
    """File, name of the suite, rules judged, rules failed."""


def build_pages(
    instance: Instance, everything: bool = False, progress: Callable[[str], None] = lambda _: None
) -> Path | None:
    """Writes `protected/data_docs/` anew and returns its index; None where no delivery has been judged yet.

    Without `everything` the deliveries of the last day on which any arrived: older ones were shown then.
    """
    found = [(item, _folder(instance, item) / VALIDATION_NAME) for item in read_manifests(instance)]
    judged = [(item, path) for item, path in found if path.exists()]
    if not judged:
        return None
    last = max(_seen(item) for item, _ in judged).date()
    chosen = [pair for pair in judged if everything or _seen(pair[0]).date() == last]
    target = instance.paths.protected / "data_docs"
    work = target.with_suffix(".tmp")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True, mode=0o700)
    lines = []
    for number, (manifest, path) in enumerate(chosen, start=1):
        source = instance.sources.get(manifest.source_id)
        results: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        pages = []
        for position, result in enumerate(results):
            name = f"{manifest.delivery_id}-{position}.html"
            (work / name).write_text(render(result, "index.html"), encoding="utf-8")
            judged_rules = len(result["results"])
            failed = sum(not item["success"] for item in result["results"])
            pages.append((name, str(result["suite_name"]), judged_rules, failed))
        label = source.label if source else manifest.source_id
        lines.append(CheckedDelivery(manifest, label, period_label(manifest), tuple(pages)))
        progress(f"Lieferung {number} von {len(chosen)}")
    lines.sort(key=lambda line: (line.manifest.status != "quarantined", line.label, line.manifest.file_name))
    index = _TEMPLATES.get_template("pruefseiten.html.j2").render(
        title=instance.config.title, day=None if everything else last, lines=lines
    )
    (work / "index.html").write_text(index, encoding="utf-8")
    if target.exists():
        shutil.rmtree(target)
    work.rename(target)
    return target / "index.html"


def _seen(manifest: Manifest) -> datetime:
    """When a delivery was judged last."""
    return (manifest.landed_at or manifest.received_at).astimezone(TIMEZONE)


def _folder(instance: Instance, manifest: Manifest) -> Path:
    zone = instance.paths.landing if manifest.status == "landed" else instance.paths.quarantine
    return zone / manifest.source_id / manifest.delivery_id
