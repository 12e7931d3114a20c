"""The Prüfbericht: what a supplier reads about a delivery, as JSON, as a self-contained HTML page and as a workbook.

What stands in it says docs/pruefbericht.md. Values of persons never do: the manifest does not hold them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ingestion.landing.deliveries import TIMEZONE
from ingestion.landing.manifest import Manifest, ManifestIssue
from ingestion.landing.report_workbook import write_workbook
from lagebild.instance import SourceConfig

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,  # headers and values come from suppliers' files
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

PERIOD_LABELS = {"stichtag": "Stichtag", "jahr": "Jahr", "schuljahr": "Schuljahr", "monat": "Monat"}

COLUMN_LABELS = {
    "area_code": "Gebietsschlüssel",
    "gemeinde_code": "Gemeindeschlüssel",
    "block_code": "Baublock",
    "person_key": "Personenkennzeichen",
    "household_key": "Haushaltskennzeichen",
    "provider_key": "Kennzeichen der Einrichtung",
    "reference_date": "Stichtag",
    "period_start": "Beginn des Zeitraums",
    "period_end": "Ende des Zeitraums",
    "measure_id": "Merkmal",
    "group_id": "Gruppe",
    "value": "Wert",
    "sex": "Geschlecht",
    "age": "Alter",
    "nationality": "Staatsangehörigkeit",
    "migration": "Migrationshintergrund",
    "household_type": "Haushaltstyp",
    "household_size": "Haushaltsgröße",
    "area_system": "Gebietsgliederung",
    "area_level": "Gebietsebene",
    "valid_from": "Gültig ab",
    "amount_eur": "Betrag",
    "quantity": "Menge",
    "year": "Jahr",
    "product_code": "Produkt",
}
"""Words for columns of the landing contract, where a rule names one of them instead of the supplier's own header."""


@dataclass(frozen=True)
class RuleGroup:
    """All findings of one rule, in order of the file."""

    rule: str
    severity: str
    issues: tuple[ManifestIssue, ...]

    @property
    def is_refusal(self) -> bool:
        return self.severity == "refusal"


def period_label(manifest: Manifest) -> str:
    """The period in words, e.g. `Stichtag 31.12.2024`; empty when unknown."""
    if manifest.period_type is None or manifest.period_start is None or manifest.period_end is None:
        return ""
    label = PERIOD_LABELS[manifest.period_type]
    start, end = manifest.period_start, manifest.period_end
    if manifest.period_type == "stichtag":
        return f"{label} {end:%d.%m.%Y}"
    return f"{label} {start:%d.%m.%Y} bis {end:%d.%m.%Y}"


def received_label(manifest: Manifest) -> str:
    """When a delivery was taken in, by the clock of the offices."""
    return f"{manifest.received_at.astimezone(TIMEZONE):%d.%m.%Y %H:%M} Uhr"


def column_label(column: str | None) -> str:
    """The column in the supplier's words."""
    return ", ".join(COLUMN_LABELS.get(name, name) for name in column.split(", ")) if column else ""


def grouped(issues: Iterable[ManifestIssue]) -> list[RuleGroup]:
    """Findings by rule: refusals first, then in the order of their first occurrence."""
    groups: dict[tuple[str, str], list[ManifestIssue]] = {}
    for issue in issues:
        groups.setdefault((issue.severity, issue.rule), []).append(issue)
    found = [RuleGroup(rule, severity, tuple(items)) for (severity, rule), items in groups.items()]
    return sorted(found, key=lambda group: not group.is_refusal)


def write_report(folder: Path, manifest: Manifest, source: SourceConfig) -> None:
    """Writes `pruefbericht.json`, `pruefbericht.html` and `pruefbericht.xlsx` into a delivery folder."""
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
    groups = grouped(manifest.issues)
    html = _TEMPLATES.get_template("pruefbericht.html.j2").render(
        manifest=manifest,
        source=source,
        period=period_label(manifest),
        refusals=[group for group in groups if group.is_refusal],
        warnings=[group for group in groups if not group.is_refusal],
        column_label=column_label,
        received=received_label(manifest),
    )
    (folder / "pruefbericht.html").write_text(html, encoding="utf-8")
    facts = (received_label(manifest), period_label(manifest))
    write_workbook(folder / "pruefbericht.xlsx", manifest, source, *facts, groups, column_label)
