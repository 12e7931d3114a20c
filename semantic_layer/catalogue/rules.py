"""Checks of the disclosure rules of an instance against its levels, audiences, dimensions and measures. Pure.

Messages are German, name file, rule and field, and say what to do. What one rule can check on its own is checked by the
models (`lagebild.disclosure_rules`); how overrides are resolved stands there, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lagebild.disclosure_rules import (
    Combination,
    DisclosureRule,
    LevelledOverride,
    Resolved,
    resolve_rule,
)
from lagebild.instance import InstanceMeasure
from semantic_layer.catalogue import groups
from semantic_layer.catalogue.model import AGE
from semantic_layer.catalogue.resolve import Supply
from semantic_layer.catalogue.validate import Finding


def rule_findings(supply: Supply, rules: Mapping[str, DisclosureRule], file: str) -> list[Finding]:
    """All contradictions between the rules and the rest of the instance; empty when they are in order."""
    levels = tuple(
        dict.fromkeys(level.code for system in supply.config.area_systems for level in system.levels)
    )
    found: list[Finding] = []
    for rule in rules.values():
        found += _scopes(rule, supply, levels, file)
        found += _thresholds(rule, levels, file)
        found += _decision(rule, file)
        for item in rule.combinations:
            found += _combination(item, rule, supply, levels, file)
    for measure in supply.measures:
        if measure.rule in rules:
            found += _measure(measure, rules[measure.rule], supply, file)
    return found


def _scopes(rule: DisclosureRule, supply: Supply, levels: tuple[str, ...], file: str) -> Iterator[Finding]:
    audiences = [item.id for item in supply.config.audiences]
    for name in rule.audiences:
        if name not in audiences:
            known = f"Bekannt sind: {', '.join(audiences)}." if audiences else "Es ist keiner eingerichtet."
            yield Finding(
                f"{file}, {rule.id}.audiences.{name}",
                "Empfängerkreis unbekannt",
                f"Den Empfängerkreis „{name}“ nennt instance.yml nicht (audiences). {known}",
            )
    named = [(f"levels.{level}", level) for level in rule.levels]
    scopes: list[tuple[str, LevelledOverride]] = [(f"tiers.{tier}", it) for tier, it in rule.tiers.items()]
    scopes += [(f"audiences.{name}", it) for name, it in rule.audiences.items()]
    named += [(f"{scope}.levels.{level}", level) for scope, it in scopes for level in it.levels]
    for key, level in named:
        if level not in levels:
            yield Finding(
                f"{file}, {rule.id}.{key}",
                "Ebene unbekannt",
                f"Die Ebene „{level}“ gibt es in keiner Gebietsgliederung. Bekannt sind: {', '.join(levels)}.",
            )


def _thresholds(rule: DisclosureRule, levels: tuple[str, ...], file: str) -> Iterator[Finding]:
    """Thresholds that would silently do nothing, once all overrides are resolved. Each contradiction once."""
    told: set[str] = set()
    for item in resolve_rule(rule, levels):
        for problem in _powerless(item):
            if problem not in told:
                told.add(problem)
                yield Finding(f"{file}, {rule.id}", "Schwelle ohne Wirkung", f"{problem} ({_scope(item)}).")


def _powerless(item: Resolved) -> Iterator[str]:
    values = item.thresholds
    if bool(values["dominance_n"]) != bool(values["dominance_k_pct"]):
        yield "Die Dominanzregel braucht beide Angaben, dominance_n und dominance_k_pct"
    if values["protect_zero"] and not values["min_count"]:
        yield "Nullen werden nur zusammen mit einer Mindestfallzahl geschützt (min_count)"
    if values["group_disclosure_slack"] and not values["group_disclosure"]:
        yield "group_disclosure_slack gilt nur zusammen mit group_disclosure"


def _scope(item: Resolved) -> str:
    return f"Ebene {item.area_level}, {item.tier}, {item.audience}"


def _decision(rule: DisclosureRule, file: str) -> Iterator[Finding]:
    if rule.policy == "evaluate" and rule.decision is None:
        yield Finding(
            f"{file}, {rule.id}",
            "Entscheidung fehlt",
            "Bitte unter „decision“ eintragen, wer die Schwellen wann festgelegt hat (by, decided_on).",
        )


def _combination(
    item: Combination, rule: DisclosureRule, supply: Supply, levels: tuple[str, ...], file: str
) -> Iterator[Finding]:
    where = f"{file}, {rule.id}.combinations [{', '.join(item.of)}]"
    if item.not_below not in levels:
        yield Finding(
            where,
            "Ebene unbekannt",
            f"Die Ebene „{item.not_below}“ gibt es in keiner Gebietsgliederung. Bekannt sind: {', '.join(levels)}.",
        )
    for entry in item.of:
        name, _, member = entry.partition("=")
        known = {found.code for found in groups.members(name, supply.catalogue, supply.config)}
        if not known and name != AGE:
            yield Finding(where, "Gliederung unbekannt", f"Die Gliederung „{name}“ gibt es nicht.")
        elif member and member not in known:
            yield Finding(where, "Ausprägung unbekannt", f"„{name}“ kennt die Ausprägung „{member}“ nicht.")
    dimensions = {entry.split("=", maxsplit=1)[0] for entry in item.of}
    used = [measure for measure in supply.measures if measure.rule == rule.id]
    if not any(dimensions <= set(breakdown) for measure in used for breakdown in measure.all_breakdowns):
        yield Finding(
            where,
            "Kombination ohne Wirkung",
            "Keine Messgröße mit dieser Regel wird so gegliedert; bitte Gliederung oder Regel prüfen.",
        )


def _measure(measure: InstanceMeasure, rule: DisclosureRule, supply: Supply, file: str) -> Iterator[Finding]:
    where = f"{file}, {rule.id}"
    thresholds = [item.thresholds for item in resolve_rule(rule, (measure.lowest_level,))]
    if measure.input != "case" and any(values["min_providers"] for values in thresholds):
        yield Finding(
            where,
            "Anbieter unbekannt",
            f"„{supply.label(measure.measure)}“ wird nicht aus Einzelfällen gezählt, die Zahl der Anbieter ist "
            "unbekannt und jeder Wert wäre gesperrt. Nennt die Lieferung Anbieter: contributor: provider und "
            "min_contributors.",
        )
    if (
        measure.input == "person"
        and rule.contributor != "person"
        and any(values["min_contributors"] for values in thresholds)
    ):
        yield Finding(
            where,
            "Beitragende unbekannt",
            f"„{supply.label(measure.measure)}“ zählt Personen eines Registers; Haushalte und Anbieter sind dort nicht "
            "bekannt und jeder Wert wäre gesperrt. Bitte eine Regel mit contributor: person wählen.",
        )
    system = next(it for it in supply.config.area_systems if it.code == measure.area_system)
    for item in rule.combinations:
        if item.not_below not in [level.code for level in system.levels]:
            yield Finding(
                where,
                "Ebene passt nicht",
                f"„{supply.label(measure.measure)}“ liegt in „{system.label}“ ohne die Ebene „{item.not_below}“ "
                "(combinations).",
            )


__all__ = ["rule_findings"]
