"""The Prüfbericht: what a supplier reads about a delivery, as JSON and as a self-contained HTML page."""

from __future__ import annotations

import json
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ingestion.landing.manifest import Manifest
from lagebild.instance import SourceConfig

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,  # headers and values come from suppliers' files
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

PERIOD_LABELS = {"stichtag": "Stichtag", "jahr": "Jahr", "schuljahr": "Schuljahr", "monat": "Monat"}


def period_label(manifest: Manifest) -> str:
    """The period in words, e.g. `Stichtag 31.12.2024`; empty when unknown."""
    if manifest.period_type is None or manifest.period_start is None or manifest.period_end is None:
        return ""
    label = PERIOD_LABELS[manifest.period_type]
    start, end = manifest.period_start, manifest.period_end
    if manifest.period_type == "stichtag":
        return f"{label} {end:%d.%m.%Y}"
    return f"{label} {start:%d.%m.%Y} bis {end:%d.%m.%Y}"


def write_report(folder: Path, manifest: Manifest, source: SourceConfig) -> None:
    """Writes `pruefbericht.json` and `pruefbericht.html` into a delivery folder."""
    content = {
        "lieferung": manifest.delivery_id,
        "quelle": source.label,
        "lieferstelle": source.supplier,
        "datei": manifest.file_name,
        "eingegangen": manifest.received_at.isoformat(),
        "berichtszeitraum": period_label(manifest),
        "ergebnis": "zurückgewiesen" if manifest.status == "quarantined" else "angenommen",
        "beanstandungen": [issue.model_dump() for issue in manifest.issues],
    }
    text = json.dumps(content, ensure_ascii=False, indent=2)
    (folder / "pruefbericht.json").write_text(text, encoding="utf-8")
    html = _TEMPLATES.get_template("pruefbericht.html.j2").render(
        manifest=manifest, source=source, period=period_label(manifest)
    )
    (folder / "pruefbericht.html").write_text(html, encoding="utf-8")
