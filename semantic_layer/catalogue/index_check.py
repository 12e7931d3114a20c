"""Checks recipes of indices and the rule of Aufmerksamkeitsbedarf against what the instance can show.

Pure: entries in, German findings out. What a recipe has to agree with itself is checked by its model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lagebild.attention import AttentionRule
from lagebild.index_recipe import IndexPart, IndexRecipe
from lagebild.instance import InstanceConfig
from semantic_layer.catalogue.resolve import ResolvedIndicator, Supply, resolve
from semantic_layer.catalogue.validate import Finding

_DIRECTION = {"lower_better": -1, "higher_better": 1}
"""Whether high figures are good (1) or bad (-1)."""


def index_findings(
    supply: Supply, recipes: Sequence[IndexRecipe], attention: AttentionRule | None
) -> list[Finding]:
    """All contradictions between the recipes, the rule and the instance; empty when they are in order."""
    if not recipes and attention is None:
        return []
    shown = {item.indicator.id: item for item in resolve(supply)}
    found = [finding for recipe in recipes for finding in _recipe(recipe, supply.config, shown)]
    if attention is not None:
        found += _attention(attention, supply.config, shown)
    return found


def _recipe(
    recipe: IndexRecipe, config: InstanceConfig, shown: Mapping[str, ResolvedIndicator]
) -> Iterator[Finding]:
    place = _place(recipe.id, recipe.area_system, recipe.area_level, config)
    if place is not None:
        yield place
        return
    if recipe.id in shown:
        yield Finding(
            recipe.id,
            "Kennung doppelt",
            "Eine Kennzahl heißt ebenso; bitte die Kennung des Index ändern.",
        )
    for part in recipe.indicators:
        for name in filter(None, (part.indicator, part.change)):
            yield from _used(recipe.id, name, recipe.area_system, recipe.area_level, config, shown)
        yield from _direction(recipe, part, shown)
    for classes in (recipe.classes, recipe.dynamics.classes if recipe.dynamics else None):
        if classes is not None and classes.published is not None:
            name = classes.published.indicator
            yield from _used(recipe.id, name, recipe.area_system, recipe.area_level, config, shown)
    if recipe.population is not None:
        name = recipe.population.indicator
        yield from _used(recipe.id, name, recipe.area_system, recipe.area_level, config, shown)


def _direction(
    recipe: IndexRecipe, part: IndexPart, shown: Mapping[str, ResolvedIndicator]
) -> Iterator[Finding]:
    """A high index is bad exactly where the unfavourable figures raise it; parts without polarity are free."""
    known = shown.get(part.indicator)
    own = _DIRECTION.get(recipe.polarity)
    direction = _DIRECTION.get(known.indicator.polarity or "") if known else None
    if own is not None and direction is not None and direction * part.orientation != own:
        yield Finding(
            recipe.id,
            "Richtung widerspricht der Polarität",
            f"„{known.indicator.short_label if known else part.indicator}“ geht mit der falschen Richtung ein; bitte "
            "„orientation“ oder die Polarität des Index prüfen.",
        )


def _attention(
    rule: AttentionRule, config: InstanceConfig, shown: Mapping[str, ResolvedIndicator]
) -> Iterator[Finding]:
    place = _place(rule.label, rule.area_system, rule.area_level, config)
    if place is not None:
        yield place
        return
    for item in rule.indicators:
        yield from _used(rule.label, item.indicator, rule.area_system, rule.area_level, config, shown)
        known = shown.get(item.indicator)
        if known is None:
            continue
        rated = known.indicator.polarity in _DIRECTION
        if rated and item.unfavourable is not None:
            yield Finding(
                rule.label,
                "Richtung doppelt",
                f"Bei „{known.indicator.short_label}“ folgt sie aus der Polarität; „unfavourable“ bitte streichen.",
            )
        if not rated and item.unfavourable is None:
            yield Finding(
                rule.label,
                "Richtung fehlt",
                f"„{known.indicator.short_label}“ hat keine Polarität; bitte „unfavourable“ angeben (high oder low).",
            )


def _place(subject: str, system: str, level: str, config: InstanceConfig) -> Finding | None:
    found = next((item for item in config.area_systems if item.code == system), None)
    if found is None:
        return Finding(subject, "Gebietsgliederung unbekannt", f"„{system}“ gibt es in dieser Instanz nicht.")
    if level not in [item.code for item in found.levels]:
        return Finding(subject, "Ebene unbekannt", f"„{found.label}“ hat keine Ebene „{level}“.")
    return None


def _used(
    subject: str,
    name: str,
    system: str,
    level: str,
    config: InstanceConfig,
    shown: Mapping[str, ResolvedIndicator],
) -> Iterator[Finding]:
    """An indicator that is used has to be active, public and released on the level."""
    known = shown.get(name)
    if known is None:
        yield Finding(
            subject, "Kennzahl unbekannt", f"Die Kennzahl „{name}“ gibt es in dieser Instanz nicht."
        )
        return
    label = known.indicator.short_label
    if known.status != "active":
        yield Finding(
            subject,
            "Kennzahl nicht verfügbar",
            f"„{label}“ ist hier nicht verfügbar: {known.unavailable_reason}",
        )
    elif known.tier != "public":
        yield Finding(subject, "Kennzahl nicht öffentlich", f"„{label}“ steht nur in den internen Dateien.")
    elif known.area_system != system:
        yield Finding(
            subject,
            "Gebietsgliederung passt nicht",
            f"„{label}“ liegt in der Gliederung „{known.area_system}“ vor, nicht in „{system}“.",
        )
    else:
        levels = config.area_system(system)
        if levels.rank(level) > levels.rank(known.lowest_level):
            yield Finding(subject, "Ebene zu fein", f"„{label}“ liegt auf der Ebene „{level}“ nicht vor.")


__all__ = ["index_findings"]
