"""Recipes of indices and the rule of Aufmerksamkeitsbedarf as catalogue tables, with their wording for readers.

Pure functions on loaded entries. `stg_catalogue__index*` and `stg_catalogue__attention*` read the tables; what the
words say and what dbt computes come from the same recipe.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import pyarrow as pa

from lagebild import german
from lagebild.attention import AttentionRule, Threshold
from lagebild.index_recipe import IndexClasses, IndexPart, IndexRecipe
from lagebild.instance import InstanceConfig
from semantic_layer.catalogue.history import Change
from semantic_layer.catalogue.model import Catalogue

Row = dict[str, Any]

_TEXT, _INT, _FLOAT, _BOOL, _DAY = pa.string(), pa.int32(), pa.float64(), pa.bool_(), pa.date32()


def _schema(**fields: pa.DataType) -> pa.Schema:
    return pa.schema([pa.field(name, kind) for name, kind in fields.items()])


SCHEMAS: Final[Mapping[str, pa.Schema]] = {
    "index": _schema(
        index_id=_TEXT,
        version=_INT,
        label=_TEXT,
        short_label=_TEXT,
        definition=_TEXT,
        method_label=_TEXT,
        parts_label=_TEXT,
        conditions_label=_TEXT,
        classes_label=_TEXT,
        dynamics_label=_TEXT,
        source_label=_TEXT,
        caveats=_TEXT,
        decision=_TEXT,
        polarity=_TEXT,
        decimals=_INT,
        area_system=_TEXT,
        area_level=_TEXT,
        period_type=_TEXT,
        month=_INT,
        since=_DAY,
        until=_DAY,
        weighting=_TEXT,
        standardisation=_TEXT,
        aggregation=_TEXT,
        rescale=_TEXT,
        class_method=_TEXT,
        class_upper_inclusive=_BOOL,
        has_dynamics=_BOOL,
        change_years=_INT,
        change_class_method=_TEXT,
        change_class_upper_inclusive=_BOOL,
        population_indicator=_TEXT,
        population_minimum=_INT,
        minimum_areas=_INT,
        minimum_share=_FLOAT,
        version_since=_DAY,
        version_note=_TEXT,
    ),
    "index_part": _schema(
        index_id=_TEXT,
        indicator_id=_TEXT,
        position=_INT,
        orientation=_INT,
        weight=_FLOAT,
        change_indicator_id=_TEXT,
        since=_DAY,
        until=_DAY,
        max_age_months=_INT,
    ),
    "index_class": _schema(
        index_id=_TEXT,
        kind=_TEXT,
        class_number=_INT,
        label=_TEXT,
        upper_bound=_FLOAT,
        published_indicator_id=_TEXT,
        published_code=_INT,
    ),
    "attention": _schema(
        version=_INT,
        label=_TEXT,
        definition=_TEXT,
        decision=_TEXT,
        rule_label=_TEXT,
        root_label=_TEXT,
        area_system=_TEXT,
        area_level=_TEXT,
        deviation=_TEXT,
        confidence=_FLOAT,
        minimum_judged=_INT,
        minimum_areas=_INT,
        none_label=_TEXT,
    ),
    "attention_indicator": _schema(
        indicator_id=_TEXT, position=_INT, unfavourable=_TEXT, burden=_FLOAT, strong=_FLOAT
    ),
    "attention_degree": _schema(degree=_INT, label=_TEXT, burdens=_INT, strong=_INT),
}

_STANDARDISED: Final[Mapping[str, str]] = {
    "z_score": "Jede Kennzahl wird standardisiert (Abweichung vom Mittel der Gebiete in Standardabweichungen)",
    "min_max": "Jede Kennzahl wird auf 0 (niedrigster) bis 1 (höchster Wert der Gebiete) gebracht",
    "rank": "Jede Kennzahl wird durch ihren Rang unter den Gebieten ersetzt (zwischen 0 und 1)",
    "none": "Der Wert der Kennzahl gilt unverändert",
}
_AGGREGATED: Final[Mapping[str, str]] = {
    "sum": "Summe",
    "mean": "Mittelwert",
    "geometric_mean": "geometrisches Mittel",
}
_WEIGHTED: Final[Mapping[str, str]] = {
    "equal": "mit gleichen Gewichten",
    "given": "mit festen Gewichten",
    "factor": "mit Gewichten aus der Faktorenanalyse (Ladungen der ersten Hauptkomponente, je Zeitpunkt)",
}
_RESCALED: Final[Mapping[str, str]] = {
    "none": "",
    "z_score": "das Ergebnis wird noch einmal standardisiert (0 ist das Mittel der Gebiete)",
    "min_max": "das Ergebnis wird auf 0 bis 1 gebracht",
}


def method_label(recipe: IndexRecipe) -> str:
    """How parts become one number, in German."""
    steps = [_STANDARDISED[recipe.standardisation]]
    if len(recipe.indicators) > 1:
        steps.append(f"{_AGGREGATED[recipe.aggregation]} {_WEIGHTED[recipe.weighting]}")
    steps += [_RESCALED[recipe.rescale]] if recipe.rescale != "none" else []
    return "; ".join(steps) + "."


def parts_label(recipe: IndexRecipe, labels: Mapping[str, str]) -> str:
    """The parts with direction, weight and time, in German."""
    return "; ".join(_part_label(item, labels) for item in recipe.indicators)


def _part_label(part: IndexPart, labels: Mapping[str, str]) -> str:
    notes = ["umgekehrt: ein hoher Wert senkt den Index"] if part.orientation < 0 else []
    notes += [f"Gewicht {german.number(part.weight)}"] if part.weight is not None else []
    notes += [f"ab {german.day(part.since)}"] if part.since else []
    notes += [f"bis {german.day(part.until)}"] if part.until else []
    name = labels.get(part.indicator, part.indicator)
    return f"{name} ({', '.join(notes)})" if notes else name


def classes_label(classes: IndexClasses | None) -> str | None:
    """The classes with their limits, in German; None without classes."""
    if classes is None:
        return None
    count = len(classes.labels)
    if classes.method == "quantiles":
        names = ", ".join(f"{number} {label}" for number, label in enumerate(classes.labels, start=1))
        return f"{count} gleich große Klassen nach dem Wert: {names}"
    included, excluded = ("bis einschließlich", "über") if classes.upper_inclusive else ("unter", "ab")
    bounds = [german.number(bound).replace("-", "−") for bound in classes.bounds]
    limits = [f"{included} {bounds[0]}"]
    limits += [f"{excluded} {low} {included} {high}" for low, high in pairwise(bounds)]
    limits.append(f"{excluded} {bounds[-1]}")
    named = zip(classes.labels, limits, strict=True)
    return ", ".join(f"{number} {label} ({limit})" for number, (label, limit) in enumerate(named, start=1))


def dynamics_label(recipe: IndexRecipe) -> str | None:
    """How the development is formed, in German; None without one."""
    if recipe.dynamics is None:
        return None
    years = recipe.dynamics.years
    change = (
        "die gelieferten Veränderungen der Kennzahlen"
        if years is None
        else "die Veränderungen der Kennzahlen gegenüber dem Vorjahr"
        if years == 1
        else f"die Veränderungen der Kennzahlen in {years} Jahren"
    )
    return f"Wie der Index, gebildet über {change}; Klassen: {classes_label(recipe.dynamics.classes)}"


def conditions_label(recipe: IndexRecipe) -> str:
    """Which areas get an index, in German."""
    texts = ["Einen Index haben Gebiete, für die alle Kennzahlen veröffentlicht sind."]
    if recipe.population is not None:
        texts.append(
            f"Gebiete unter {german.number(recipe.population.minimum)} Einwohnerinnen und Einwohnern haben keinen."
        )
    texts.append(
        f"Ein Zeitpunkt braucht mindestens {recipe.minimum_areas} solche Gebiete und "
        f"{german.number(round(100 * recipe.minimum_share, 1))} % aller Gebiete."
    )
    return " ".join(texts)


def rows(
    recipes: Sequence[IndexRecipe],
    attention: AttentionRule | None,
    changes: Iterable[Change],
    catalogue: Catalogue,
    config: InstanceConfig,
) -> dict[str, Iterable[Row]]:
    """Rows of all tables of `SCHEMAS`; empty ones for an instance without indices."""
    entries = {(change.indicator, change.version): change for change in changes}
    labels = {item.id: item.short_label for item in catalogue.indicators}
    polarity = {item.id: item.polarity for item in catalogue.indicators_for(config.name)}
    return {
        "index": [_index_row(item, labels, entries.get((item.id, item.version))) for item in recipes],
        "index_part": [
            {
                "index_id": recipe.id,
                "indicator_id": part.indicator,
                "position": position,
                "orientation": part.orientation,
                "weight": part.weight,
                "change_indicator_id": part.change or None,
                **part.model_dump(include={"since", "until", "max_age_months"}),
            }
            for recipe in recipes
            for position, part in enumerate(recipe.indicators, start=1)
        ],
        "index_class": [row for recipe in recipes for row in _class_rows(recipe)],
        "attention": [] if attention is None else [_attention_row(attention, config)],
        "attention_indicator": []
        if attention is None
        else [
            {
                "indicator_id": item.indicator,
                "position": position,
                "unfavourable": item.unfavourable
                or ("high" if polarity.get(item.indicator) == "lower_better" else "low"),
                **(item.threshold or attention.threshold).model_dump(),
            }
            for position, item in enumerate(attention.indicators, start=1)
        ],
        "attention_degree": [] if attention is None else [item.model_dump() for item in attention.degrees],
    }


def _index_row(recipe: IndexRecipe, labels: Mapping[str, str], entry: Change | None) -> Row:
    same = set(SCHEMAS["index"].names) & set(IndexRecipe.model_fields)
    dynamics = recipe.dynamics
    return {
        **recipe.model_dump(include=same),
        "index_id": recipe.id,
        "caveats": recipe.caveats or None,
        "method_label": method_label(recipe),
        "parts_label": parts_label(recipe, labels),
        "conditions_label": conditions_label(recipe),
        "classes_label": classes_label(recipe.classes),
        "dynamics_label": dynamics_label(recipe),
        "period_type": recipe.periods.type,
        **recipe.periods.model_dump(include={"month", "since", "until"}),
        "class_method": recipe.classes.method if recipe.classes else None,
        "class_upper_inclusive": recipe.classes.upper_inclusive if recipe.classes else None,
        "has_dynamics": dynamics is not None,
        "change_years": dynamics.years if dynamics else None,
        "change_class_method": dynamics.classes.method if dynamics else None,
        "change_class_upper_inclusive": dynamics.classes.upper_inclusive if dynamics else None,
        "population_indicator": recipe.population.indicator if recipe.population else None,
        "population_minimum": recipe.population.minimum if recipe.population else None,
        "version_since": entry.date if entry else None,
        "version_note": entry.note if entry else None,
    }


def _class_rows(recipe: IndexRecipe) -> Iterator[Row]:
    kinds = {"value": recipe.classes, "change": recipe.dynamics.classes if recipe.dynamics else None}
    for kind, classes in kinds.items():
        for number, label in enumerate(classes.labels if classes else (), start=1):
            assert classes is not None
            published = classes.published
            yield {
                "index_id": recipe.id,
                "kind": kind,
                "class_number": number,
                "label": label,
                "upper_bound": classes.bounds[number - 1] if number <= len(classes.bounds) else None,
                "published_indicator_id": published.indicator if published else None,
                "published_code": (published.codes[number - 1] if published.codes else number)
                if published
                else None,
            }


def _attention_row(rule: AttentionRule, config: InstanceConfig) -> Row:
    same = set(SCHEMAS["attention"].names) & set(AttentionRule.model_fields)
    root = config.area_system(rule.area_system).levels[0].label
    return {**rule.model_dump(include=same), "rule_label": rule_label(rule, root), "root_label": root}


def rule_label(rule: AttentionRule, root: str) -> str:
    """The rule in German, so that a reader can count again. `root`: name of the level compared with."""
    burden, strong = _amounts(rule, rule.threshold)
    texts = [
        f"Eine Kennzahl gilt als Belastung, wenn sie um mindestens {burden} ungünstiger ist als der Wert für das ganze "
        f"Gebiet ({root}), und als starke Belastung ab {strong}."
    ]
    if any(item.threshold for item in rule.indicators):
        texts.append("Für einzelne Kennzahlen gelten eigene Schwellen.")
    if rule.confidence is not None:
        texts.append(
            "Abweichungen, die bei der Größe des Gebiets Zufall sein können "
            f"({german.number(round(100 * rule.confidence, 1))}-%-Intervall), zählen nicht."
        )
    degrees = [
        f"„{item.label}“ ab {item.burdens} Belastungen"
        + (f" oder {item.strong} starken" if item.strong else "")
        for item in rule.degrees
    ]
    texts.append(f"Stufen: {'; '.join(degrees)}.")
    texts.append(
        f"Gebiete mit weniger als {rule.minimum_judged} beurteilbaren von {len(rule.indicators)} Kennzahlen werden "
        "nicht beurteilt."
    )
    return " ".join(texts)


def _amounts(rule: AttentionRule, threshold: Threshold) -> tuple[str, str]:
    values = (threshold.burden, threshold.strong)
    if rule.deviation == "relative":
        burden, strong = (f"{german.number(round(100 * value, 1))} %" for value in values)
    else:
        burden, strong = (
            f"{german.number(value)} Standardabweichung{'' if value == 1 else 'en'}" for value in values
        )
    return burden, strong


__all__ = [
    "SCHEMAS",
    "classes_label",
    "conditions_label",
    "dynamics_label",
    "method_label",
    "parts_label",
    "rows",
    "rule_label",
]
