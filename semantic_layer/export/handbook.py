"""The Datenkonzept: the handbook of an instance's indicators, generated from the catalogue.

`handbook` is pure and gives plain JSON values in reading order: one Steckbrief per indicator, measures, sources with
their delivery calendar, change log, glossary. `render_html` and `render_pdf` only set them; nothing is worded twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import typst
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lagebild import german
from lagebild.instance import Instance
from semantic_layer.catalogue import groups
from semantic_layer.catalogue.history import Change, load_changes
from semantic_layer.catalogue.loader import load_catalogue
from semantic_layer.catalogue.model import AGE, Catalogue, Indicator, Part
from semantic_layer.export.dbt import catalogue_tables

Handbook = dict[str, Any]

_FOLDER = Path(__file__).parent
_TEMPLATES = _FOLDER / "templates"

KINDS: Final[Mapping[str, str]] = {
    "count": "Anzahl",
    "share": "Anteil",
    "rate": "Quote",
    "ratio": "Verhältnis",
    "mean": "Mittelwert",
    "quotient": "Quotient",
    "index": "Index",
    "money": "Geldbetrag",
}
POLARITIES: Final[Mapping[str, str]] = {
    "higher_better": "ein höherer Wert ist günstig",
    "lower_better": "ein niedrigerer Wert ist günstig",
    "neutral": "ohne Bewertung",
}
STATUSES: Final[Mapping[str, str]] = {
    "active": "aktiv",
    "in_preparation": "in Vorbereitung",
    "not_available": "nicht verfügbar",
    "retired": "abgelöst",
}
TIERS: Final[Mapping[str, str]] = {"public": "öffentlich", "internal": "intern"}


def handbook(
    instance: Instance, catalogue: Catalogue | None = None, changes: Sequence[Change] | None = None
) -> Handbook:
    """Content of the handbook of an instance; the same input gives the same text."""
    catalogue = catalogue or load_catalogue()
    changes = load_changes() if changes is None else changes
    tables = {name: table.to_pylist() for name, table in catalogue_tables(instance, catalogue).items()}
    levels = {row["level"]: row["level_label"] for row in tables["area_level"]}
    rules = {rule.id: rule.basis for rule in instance.rules.values()}
    entry_by_key = {item.key: item for item in catalogue.indicators}
    sheets = [
        _sheet(row, entry_by_key[row["indicator_key"]], catalogue, levels, rules, changes)
        for row in tables["indicator"]
    ]
    shown = {sheet["id"] for sheet in sheets}
    return {
        "title": "Datenkonzept",
        "instance": instance.config.title,
        "subtitle": instance.config.subtitle,
        "attribution": instance.config.attribution,
        "synthetic": instance.config.synthetic is not None,
        "themes": [
            {
                "label": theme["label"],
                "description": theme["description"],
                "sheets": [sheet for sheet in sheets if sheet["theme"] == theme["theme_id"]],
            }
            for theme in tables["theme"]
            if any(sheet["theme"] == theme["theme_id"] for sheet in sheets)
        ],
        "counts": {
            label: sum(sheet["status"] == label for sheet in sheets)
            for label in STATUSES.values()
            if any(sheet["status"] == label for sheet in sheets)
        },
        "indices": [
            *(_index_sheet(row, levels) for row in tables["index"]),
            *_rule_sheets(tables["attention"]),
        ],
        "measures": [
            {
                "label": row["label"],
                "definition": row["definition"],
                "unit": row["unit"],
                "lowest_level": levels.get(row["public_level"], row["public_level"]),
                "rule": rules.get(row["rule_id"], ""),
            }
            for row in sorted(tables["measure"], key=lambda row: row["label"].casefold())
        ],
        "sources": [{**row, "tier": TIERS[row["tier"]]} for row in tables["source"]],
        "area_systems": [
            {
                "label": system.label,
                "levels": " › ".join(level.label for level in system.levels),
            }
            for system in instance.config.area_systems
        ],
        "changes": [
            {
                "date": german.day(change.date),
                "label": next(
                    (item.label for item in catalogue.indicators if item.id == change.indicator),
                    change.indicator,
                ),
                "version": change.version,
                "kind": change.kind,
                "note": change.note,
            }
            for change in sorted(changes, key=lambda change: change.date, reverse=True)
            if change.indicator in shown and not (change.kind == "neu" and change.version == 1)
        ],
        "glossary": sorted(
            yaml.safe_load((_FOLDER / "glossary.yml").read_text(encoding="utf-8")),
            key=lambda entry: entry["term"].casefold(),
        ),
    }


def formula(item: Indicator, catalogue: Catalogue) -> dict[str, str]:
    """Numerator, denominator and factor of an indicator in words."""
    return {
        "numerator": _parts_text(item.numerator, catalogue),
        "denominator": _parts_text(item.denominator, catalogue),
        "factor": german.number(item.factor),
    }


def _sheet(
    row: Mapping[str, Any],
    item: Indicator,
    catalogue: Catalogue,
    levels: Mapping[str, str],
    rules: Mapping[str, str],
    changes: Sequence[Change],
) -> dict[str, Any]:
    defined = [c.date for c in changes if (c.indicator, c.version) == (item.id, item.version)]
    named = [rules.get(rule, rule) for rule in row["rules"].split(", ") if rule]
    active = row["status"] == "active"
    facts = {
        "Art": KINDS[row["kind"]],
        "Einheit": row["unit"],
        "Bewertung": POLARITIES[row["polarity"]],
        "Turnus": row["cycle"],
        "Stichtag": row["reference_day"],
        "Verfügbar": row["delay"],
        "Ab": row["first_period"],
        "Kleinste Ebene": levels.get(row["lowest_level"] or "", row["lowest_level"] or ""),
        "Mindestnenner": german.number(row["min_denominator"]) if row["min_denominator"] else "",
        "Freigabe": TIERS[row["tier"]] if active else "",
        "Verantwortlich": row["owner"],
    }
    lines = {
        "Definition": row["definition"],
        "Grund": row["unavailable_reason"] or "",
        "Nachfolger": row["successor"] or "",
        "Quelle": row["source_label"],
        "Rechtsgrundlage": row["legal_basis"],
        "Brüche": row["breaks"],
        "Geheimhaltung": "; ".join(dict.fromkeys(named)),
        "Vergleich": row["benchmark_method"] if active else "",
        "Entwicklung": row["trend_method"] if active else "",
        "Summierbarkeit": row["additivity"],
        "Grenzen der Aussage": row["caveats"],
        "Schlagwörter": row["keywords"],
    }
    return {
        "id": item.id,
        "theme": row["theme_id"],
        "label": row["label"],
        "short_label": row["short_label"],
        "status": STATUSES[row["status"]],
        "active": active,
        "version": f"Fassung {item.version}" + (f" vom {german.day(defined[-1])}" if defined else ""),
        "formula": formula(item, catalogue),
        "facts": _entries(facts),
        "lines": _entries(lines),
    }


def _index_sheet(row: Mapping[str, Any], levels: Mapping[str, str]) -> dict[str, Any]:
    since = row["version_since"]
    lines = {
        "Definition": row["definition"],
        "Kennzahlen": row["parts_label"],
        "Verfahren": row["method_label"],
        "Klassen": row["classes_label"] or "",
        "Entwicklung": row["dynamics_label"] or "",
        "Gebiete": row["conditions_label"],
        "Ebene": levels.get(row["area_level"], row["area_level"]),
        "Bewertung": POLARITIES[row["polarity"]],
        "Methode nach": row["source_label"],
        "Beschluss": row["decision"],
        "Grenzen der Aussage": row["caveats"] or "",
    }
    return {
        "id": row["index_id"],
        "label": row["label"],
        "version": f"Fassung {row['version']}" + (f" vom {german.day(since)}" if since else ""),
        "lines": _entries(lines),
    }


def _rule_sheets(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rule of Aufmerksamkeitsbedarf beside the indices; none without a rule."""
    return [
        {
            "id": "aufmerksamkeit",
            "label": row["label"],
            "version": f"Fassung {row['version']}",
            "lines": _entries(
                {"Definition": row["definition"], "Regel": row["rule_label"], "Beschluss": row["decision"]}
            ),
        }
        for row in rows
    ]


def _entries(named: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "text": text} for name, text in named.items() if text]


def _parts_text(parts: Sequence[Part], catalogue: Catalogue) -> str:
    text = " ".join(f"{'+' if part.sign > 0 else '−'} {_part_text(part, catalogue)}" for part in parts)
    return text.removeprefix("+ ")


def _part_text(part: Part, catalogue: Catalogue) -> str:
    known = catalogue.measure_by_id.get(part.measure)
    label = known.label if known else part.measure
    narrowed = [groups.age_label(part.age)] if part.age is not None else []
    for dimension, members in part.group.items():
        if dimension == AGE:
            continue
        found = catalogue.dimension_by_id.get(dimension)
        narrowed.append(" oder ".join((found.members if found else {}).get(str(m), str(m)) for m in members))
    return f"{label} ({'; '.join(narrowed)})" if narrowed else label


def render_html(content: Handbook) -> str:
    """One accessible page without scripts or outside resources."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("handbook.html.j2").render(**content)


def render_pdf(content: Handbook) -> bytes:
    """A4, tagged for screen readers, set by Typst."""
    return typst.compile(
        str(_TEMPLATES / "handbook.typ"),
        format="pdf",
        # A fixed day in the metadata: the same catalogue gives the same file.
        timestamp=0,
        sys_inputs={"content": json.dumps(content, ensure_ascii=False)},
    )


__all__ = ["Handbook", "formula", "handbook", "render_html", "render_pdf"]
