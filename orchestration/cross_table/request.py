"""Which free cross tables may be asked for. Pure: configuration in, a request or a German refusal out.

Belongs here: every rule that refuses a table before a record is read. Does not belong here: counting, noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lagebild.cell_key import CellKeySettings
from lagebild.disclosure_rules import PUBLIC, DisclosureRule, resolve_rule
from lagebild.instance import InstanceConfig, InstanceMeasure
from semantic_layer.catalogue import groups
from semantic_layer.catalogue.model import AGE, Catalogue, Measure

_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "person": ("sex", "nationality", "migration", "household_type"),
    "case": ("sex", "nationality", "migration"),
}
"""Landing columns that are dimensions as they stand, per input; age and category are named by the instance."""
_SYNONYMS: Final[Mapping[str, str]] = {
    "nationalitaet": "nationality",
    "migration": "migration",
    "haushalt": "household_type",
}
_PLAIN: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", " ": "_", "-": "_"})


class Refused(Exception):
    """The table is not made; the message says why, in German."""


@dataclass(frozen=True)
class CrossTableRequest:
    """One permitted table: measure x areas of a level x members of the dimensions, at one period."""

    measure: InstanceMeasure
    label: str
    unit: str
    dimensions: tuple[str, ...]
    """In the order of the question; the last one becomes the columns of the sheet."""
    names: tuple[str, ...]
    """Their German names."""
    level: str
    level_rank: int
    settings: CellKeySettings


def request(
    config: InstanceConfig,
    catalogue: Catalogue,
    measures: Sequence[InstanceMeasure],
    rules: Mapping[str, DisclosureRule],
    measure_id: str,
    by: Sequence[str],
    level: str,
) -> CrossTableRequest:
    """The request, or `Refused` with the reason."""
    settings = config.cell_key
    if settings is None:
        raise Refused(
            "Für diese Instanz ist nicht entschieden, ob freie Kreuztabellen herausgegeben werden "
            "(Abschnitt »cell_key« in instance.yml)."
        )
    measure = next((item for item in measures if item.measure == measure_id), None)
    definition = catalogue.measure_by_id.get(measure_id)
    if measure is None or definition is None:
        known = ", ".join(sorted(item.measure for item in measures if item.input in _COLUMNS))
        raise Refused(
            f"Die Messgröße »{measure_id}« gibt es hier nicht. Aus Einzeldaten gezählt werden: {known}."
        )
    system = config.area_system(measure.area_system)
    levels = {item.code: rank for rank, item in enumerate(system.levels)}
    lowest = levels[measure.released_level]
    released = tuple(item.code for item in system.levels[: lowest + 1])
    _refuse_measure(measure, definition, rules[measure.rule], released)
    if level not in levels or levels[level] > lowest:
        raise Refused(
            f"»{definition.label}« gibt es nicht auf der Ebene »{level}«, nur auf: {', '.join(released)}."
        )
    dimensions = _dimensions(by, measure, catalogue, config)
    if len(dimensions) > settings.max_dimensions:
        raise Refused(
            f"Höchstens {settings.max_dimensions} Merkmale in einer Tabelle, gefragt sind {len(dimensions)}."
        )
    names = tuple(groups.dimension_label(item, catalogue, config) for item in dimensions)
    _refuse_published(measure, definition, dimensions, names)
    return CrossTableRequest(
        measure, definition.label, definition.unit, dimensions, names, level, levels[level], settings
    )


def _refuse_measure(
    measure: InstanceMeasure, definition: Measure, rule: DisclosureRule, levels: tuple[str, ...]
) -> None:
    label = f"»{definition.label}«"
    if definition.value_kind != "count":
        raise Refused(f"{label} ist keine Fallzahl. Beträge und Summen werden nicht überlagert.")
    if measure.input not in _COLUMNS:
        raise Refused(f"{label} wird fertig ausgezählt geliefert; freie Kreuztabellen brauchen Einzeldaten.")
    if measure.value != "count(*)":
        raise Refused(
            f"{label} zählt keine einzelnen Datensätze (sondern etwa Haushalte); das ist nicht vorgesehen."
        )
    if measure.tier != "public" or rule.policy != "evaluate":
        raise Refused(f"{label} wird nicht veröffentlicht, auch nicht als freie Kreuztabelle ({rule.basis}).")
    if rule.combinations:
        raise Refused(f"Für {label} sind bestimmte Merkmalsverbindungen ausgeschlossen ({rule.basis}).")
    # Thresholds of any level the release shows: what holds on one of them cannot be told apart here.
    held = [
        item.thresholds
        for item in resolve_rule(rule, levels)
        if (item.audience, item.tier) == (PUBLIC, PUBLIC)
    ]
    if any(item["protect_zero"] or item["group_disclosure"] for item in held):
        # The method leaves zeros as they are: "nobody but …" could be read off.
        raise Refused(
            f"Für {label} sind auch Nullen zu schützen ({rule.basis}); Nullen bleiben hier aber Nullen."
        )
    if any(item["min_denominator"] for item in held):
        raise Refused(
            f"Für {label} gilt eine Mindesteinwohnerzahl ({rule.basis}); die Überlagerung kennt keine."
        )
    counts_others = rule.contributor != "person" and any(item["min_contributors"] for item in held)
    if counts_others or any(item["min_providers"] for item in held):
        raise Refused(
            f"Für {label} sind Haushalte oder Einrichtungen zu schützen ({rule.basis}); "
            "die Überlagerung ist auf einzelne Personen bemessen."
        )


def _refuse_published(
    measure: InstanceMeasure, definition: Measure, dimensions: tuple[str, ...], names: Sequence[str]
) -> None:
    if frozenset(dimensions) in {frozenset(item) for item in measure.all_breakdowns}:
        raise Refused(
            f"»{definition.label}« nach {', '.join(names)} steht ohne Überlagerung in der Veröffentlichung. "
            "Beides nebeneinander gibt es nicht; bitte »lagebild abfrage« benutzen."
        )


def _dimensions(
    by: Sequence[str], measure: InstanceMeasure, catalogue: Catalogue, config: InstanceConfig
) -> tuple[str, ...]:
    known = dimension_names(measure, catalogue, config)
    found = []
    for word in by:
        dimension = known.get(word.strip().lower().translate(_PLAIN))
        if dimension is None:
            raise Refused(
                f"Das Merkmal »{word}« gibt es hier nicht. Möglich sind: {', '.join(sorted(known))}."
            )
        found.append(dimension)
    if not found:
        raise Refused("Bitte mindestens ein Merkmal nennen; Gesamtzahlen stehen in der Veröffentlichung.")
    if len(set(found)) < len(found):
        raise Refused("Ein Merkmal ist doppelt genannt.")
    return tuple(found)


def dimension_names(measure: InstanceMeasure, catalogue: Catalogue, config: InstanceConfig) -> dict[str, str]:
    """Words a dimension may be asked by, its id first among them. One age scale per measure: that of its release.

    Two scales would cut each other's bands, and the difference of two tables would show single years of age.
    """
    scales = [
        name for item in measure.all_breakdowns for name in item if groups.is_age_dimension(name, config)
    ]
    scales = scales or [AGE] * (AGE in config.dimensions)
    allowed = [
        *_COLUMNS[measure.input],
        *([measure.category_dimension] if measure.category_dimension else []),
    ]
    names: dict[str, str] = {}
    for dimension in (*scales[:1], *allowed):
        label = groups.dimension_label(dimension, catalogue, config)
        names |= {dimension: dimension, label.lower().translate(_PLAIN): dimension}
    return names | {word: name for word, name in _SYNONYMS.items() if name in allowed}


__all__ = ["CrossTableRequest", "Refused", "dimension_names", "request"]
