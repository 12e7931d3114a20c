"""Disclosure rules as rows for dbt: every override resolved, so that SQL only joins.

Pure functions on loaded entries. `rule`: one row per rule. `rule_threshold`: rule x area level x tier x audience.
`rule_combination`: measure x breakdown x named combination. `group_coarser`: measure x coarse group x fine group.
Does not belong here: whether a rule makes sense for the instance (`semantic_layer.catalogue.rules`).
"""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import pyarrow as pa

from lagebild.disclosure_rules import (
    THRESHOLD_FIELDS,
    Combination,
    DisclosureRule,
    Override,
    Thresholds,
    resolve_rule,
)
from lagebild.instance import InstanceConfig, InstanceMeasure
from semantic_layer.catalogue import groups
from semantic_layer.catalogue.resolve import Supply

Row = dict[str, Any]

_KINDS: Final[Mapping[Any, pa.DataType]] = {bool: pa.bool_(), int: pa.int32(), float: pa.float64()}
_HINTS: Final = typing.get_type_hints(Thresholds)

_CONTRIBUTORS: Final = {"person": "Personen", "household": "Haushalte", "provider": "Anbieter"}
_TIERS: Final = {"public": "öffentliche Werte", "internal": "interne Werte"}

RULE_SCHEMA: Final = pa.schema(
    [
        (name, pa.string())
        for name in ("rule_id", "basis", "decision", "policy", "contributor", "thresholds_text")
    ]
)
THRESHOLD_SCHEMA: Final = pa.schema(
    [
        *((name, pa.string()) for name in ("rule_id", "area_level", "tier", "audience", "basis", "decision")),
        # One column per field of the model, so that a new threshold reaches dbt without a second list.
        *((name, _KINDS[_HINTS[name]]) for name in THRESHOLD_FIELDS),
    ]
)
COARSER_SCHEMA: Final = pa.schema(
    [
        (name, pa.string())
        for name in ("measure_id", "breakdown", "group_id", "fine_breakdown", "fine_group_id")
    ]
)
COMBINATION_SCHEMA: Final = pa.schema(
    [
        *((name, pa.string()) for name in ("measure_id", "breakdown", "group_like")),
        ("level_rank", pa.int32()),
        *((name, pa.string()) for name in ("rule_id", "basis", "decision")),
    ]
)


def rule_rows(rules: Iterable[DisclosureRule], labels: Mapping[str, str]) -> list[Row]:
    """One row per rule; `thresholds_text` says in German what holds where."""
    return [
        {
            "rule_id": rule.id,
            "basis": rule.basis,
            "decision": rule.decision_text,
            "policy": rule.policy,
            "contributor": rule.contributor,
            "thresholds_text": rule_text(rule, labels),
        }
        for rule in sorted(rules, key=lambda rule: rule.id)
    ]


def threshold_rows(rules: Iterable[DisclosureRule], levels: tuple[str, ...]) -> list[Row]:
    """One row per rule, area level, tier and audience (the public, and those the rule names)."""
    return [
        {
            "rule_id": item.rule_id,
            "area_level": item.area_level,
            "tier": item.tier,
            "audience": item.audience,
            "basis": item.basis,
            "decision": item.decision,
            **item.thresholds,
        }
        for rule in sorted(rules, key=lambda rule: rule.id)
        for item in resolve_rule(rule, levels)
    ]


def coarser_rows(supply: Supply) -> Iterator[Row]:
    """One row per measure, coarse group and fine group it adds up."""
    for measure in supply.measures:
        for breakdown in measure.all_breakdowns:
            for group, fine in groups.finer_groups(breakdown, measure, supply.catalogue, supply.config):
                for item in fine:
                    finer = groups.finer_breakdown(breakdown, supply.config)
                    yield {
                        "measure_id": measure.measure,
                        "breakdown": groups.released_breakdown(breakdown, measure, supply.config),
                        "group_id": group.group_id,
                        "fine_breakdown": groups.released_breakdown(finer, measure, supply.config),
                        "fine_group_id": item.group_id,
                    }


def combination_rows(supply: Supply, rules: Mapping[str, DisclosureRule]) -> Iterator[Row]:
    """One row per measure, breakdown and named combination the breakdown contains."""
    for measure in supply.measures:
        rule = rules[measure.rule]
        for item in rule.combinations:
            system = supply.config.area_system(measure.area_system)
            for breakdown in measure.all_breakdowns:
                pattern = group_like(item, breakdown, measure, supply.config)
                if pattern:
                    yield {
                        "measure_id": measure.measure,
                        "breakdown": groups.released_breakdown(breakdown, measure, supply.config),
                        "group_like": pattern,
                        "level_rank": system.rank(item.not_below),
                        "rule_id": measure.rule,
                        "basis": item.basis or rule.basis,
                        "decision": item.decision.german if item.decision else rule.decision_text,
                    }


def group_like(
    item: Combination, breakdown: Iterable[str], measure: InstanceMeasure, config: InstanceConfig
) -> str:
    """Pattern (SQL `like`) of the groups of a breakdown that the combination covers; empty where it covers none."""
    named = dict([*entry.split("=", maxsplit=1), "%"][:2] for entry in item.of)
    dimensions = set(breakdown)
    if not set(named) <= dimensions:
        return ""
    pairs = sorted((groups.id_dimension(name, measure, config), named.get(name, "%")) for name in dimensions)
    return ";".join(f"{name}={member}" for name, member in pairs)


def labels_of(supply: Supply) -> dict[str, str]:
    """German names by code: area levels, audiences, dimensions (`sex`) and their members (`sex=f`)."""
    config, catalogue = supply.config, supply.catalogue
    labels = {level.code: level.label for system in config.area_systems for level in system.levels}
    labels |= {item.id: item.label for item in config.audiences}
    for name in (*config.dimensions, *config.coarser, *catalogue.dimension_by_id):
        label = groups.dimension_label(name, catalogue, config)
        labels[name] = label
        for member in groups.members(name, catalogue, config):
            labels[f"{name}={member.code}"] = f"{label} {member.label}"
    return labels


def levels_of(config: InstanceConfig) -> tuple[str, ...]:
    """Codes of all area levels of an instance, each once."""
    return tuple(dict.fromkeys(level.code for system in config.area_systems for level in system.levels))


def rule_text(rule: DisclosureRule, labels: Mapping[str, str]) -> str:
    """The thresholds of a rule in German words: `Mindestfallzahl 3; Sozialraum: Mindestfallzahl 5`.

    `labels`: German names by code (see `labels_of`).
    """
    if rule.policy == "source_released":
        return "vom Lieferanten bereits veröffentlicht"
    if rule.policy == "withhold":
        return "wird nicht veröffentlicht"
    base = {name: value for name in THRESHOLD_FIELDS if (value := getattr(rule, name))}
    parts = [_thresholds_text(base, rule) or "ohne Schwellen"]
    parts += _level_texts(rule.levels, rule, labels, "")
    scopes = [(_TIERS[tier], override) for tier, override in rule.tiers.items()]
    scopes += [(labels.get(name, name), override) for name, override in rule.audiences.items()]
    for scope, override in scopes:
        text = _thresholds_text(override.changes, rule)
        parts += [f"{scope}: {text}"] if text else []
        parts += _level_texts(override.levels, rule, labels, f"{scope}, ")
    for item in rule.combinations:
        named = " × ".join(labels.get(name, name) for name in item.of)
        parts.append(f"{named} nicht unterhalb der Ebene {labels.get(item.not_below, item.not_below)}")
    return "; ".join(parts)


def _level_texts(
    levels: Mapping[str, Override], rule: DisclosureRule, labels: Mapping[str, str], before: str
) -> list[str]:
    return [
        f"{before}{labels.get(level, level)}: {_thresholds_text(override.changes, rule)}"
        for level, override in levels.items()
    ]


def _thresholds_text(values: Mapping[str, Any], rule: DisclosureRule) -> str:
    """German words of the thresholds that are set, in the order of the model."""
    n = values.get("dominance_n", rule.dominance_n)
    k = values.get("dominance_k_pct", rule.dominance_k_pct)
    slack = values.get("group_disclosure_slack", rule.group_disclosure_slack)
    said: dict[str, str] = {}
    for name, value in values.items():
        match name:
            case "min_count":
                said[name] = f"Mindestfallzahl {value}" if value else "keine Mindestfallzahl"
            case "protect_zero":
                said[name] = "auch Nullen" if value else "Nullen frei"
            case "min_contributors":
                kind = _CONTRIBUTORS[rule.contributor]
                said[name] = f"mindestens {value} {kind}" if value else f"beliebig wenige {kind}"
            case "min_providers":
                said[name] = f"mindestens {value} Anbieter" if value else "beliebig wenige Anbieter"
            case "dominance_n" | "dominance_k_pct":
                said["dominance"] = f"Dominanz ({n}, {_number(k)} %)" if n else "keine Dominanzregel"
            case "p_percent":
                said[name] = f"p-%-Regel mit {_number(value)} %" if value else "keine p-%-Regel"
            case "min_denominator":
                said[name] = f"Gebiete ab {value} Einwohnern" if value else "ohne Mindesteinwohnerzahl"
            case "group_disclosure" | "group_disclosure_slack":
                few = f" (bis auf {slack})" if slack else ""
                allowed = values.get("group_disclosure", rule.group_disclosure)
                said["group"] = (
                    f"nicht alle{few} in einer Ausprägung" if allowed else "Gruppenoffenlegung nicht geprüft"
                )
            case "protect_unassigned":
                said[name] = "auch „räumlich nicht zuordenbar“" if value else "„nicht zuordenbar“ frei"
    return ", ".join(said.values())


def _number(value: float) -> str:
    return f"{value:g}".replace(".", ",")


__all__ = [
    "COARSER_SCHEMA",
    "COMBINATION_SCHEMA",
    "RULE_SCHEMA",
    "THRESHOLD_SCHEMA",
    "coarser_rows",
    "combination_rows",
    "group_like",
    "labels_of",
    "levels_of",
    "rule_rows",
    "rule_text",
    "threshold_rows",
]
