"""Checks of coarser scales (`coarser` in instance.yml) and of the measures broken down by them.

Pure; messages are German and say what to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lagebild.instance import Coarsening, InstanceMeasure
from semantic_layer.catalogue import groups
from semantic_layer.catalogue.resolve import Supply
from semantic_layer.catalogue.validate import Finding


def coarser_findings(supply: Supply) -> list[Finding]:
    """All contradictions of coarser scales; empty when they are in order."""
    found: list[Finding] = []
    for name, scale in supply.config.coarser.items():
        found += _scale(name, scale, supply)
    for measure in supply.measures:
        found += _measure(measure, supply)
    return found


def _scale(name: str, scale: Coarsening, supply: Supply) -> Iterator[Finding]:
    where = f"{supply.config.name}/instance.yml, coarser.{name}"
    if name in supply.config.dimensions or name in supply.catalogue.dimension_by_id or name.startswith("age"):
        yield Finding(
            where,
            "Name vergeben",
            "So heißt schon eine Gliederung, oder der Name beginnt mit „age“; bitte anders nennen.",
        )
    fine = {member.code for member in groups.members(scale.of, supply.catalogue, supply.config)}
    if not fine or scale.of in supply.config.coarser:
        yield Finding(where, "Gliederung unbekannt", f"Die feine Gliederung „{scale.of}“ gibt es nicht.")
        return
    merged = {code for codes in scale.members.values() for code in codes}
    for code in sorted(merged - fine):
        yield Finding(where, "Ausprägung unbekannt", f"„{scale.of}“ kennt die Ausprägung „{code}“ nicht.")
    if fine - merged:
        missing = ", ".join(sorted(fine - merged))
        yield Finding(
            where,
            "Ausprägung fehlt",
            f"Jede Ausprägung von „{scale.of}“ muss in einer groben Gruppe liegen; es fehlen: {missing}.",
        )


def _measure(measure: InstanceMeasure, supply: Supply) -> Iterator[Finding]:
    declared = {frozenset(breakdown) for breakdown in measure.all_breakdowns}
    scales = [breakdown for breakdown in measure.all_breakdowns if groups.is_coarse(breakdown, supply.config)]
    for breakdown in scales:
        if len(breakdown) > 1:
            yield Finding(
                measure.measure,
                "Grobe Gliederung in Kreuztabelle",
                f"„{', '.join(breakdown)}“: Eine grobe Gliederung steht nur für sich, nicht in einer Kreuztabelle.",
            )
        elif frozenset(groups.finer_breakdown(breakdown, supply.config)) not in declared:
            fine = groups.finer_breakdown(breakdown, supply.config)[0]
            yield Finding(
                measure.measure,
                "Feine Gliederung fehlt",
                f"„{breakdown[0]}“ fasst „{fine}“ zusammen; bitte auch „{fine}“ unter „breakdowns“ eintragen.",
            )
    counted = Counter(groups.finer_breakdown(breakdown, supply.config) for breakdown in scales)
    for fine_breakdown, number in counted.items():
        if number > 1:
            yield Finding(
                measure.measure,
                "Zwei grobe Gliederungen",
                f"„{fine_breakdown[0]}“ wird auf zwei Weisen zusammengefasst; aus beiden ließen sich feine Gruppen "
                "errechnen. Bitte eine davon streichen.",
            )
    if scales and "distinct" in measure.value:
        yield Finding(
            measure.measure,
            "Grobe Gliederung nicht summierbar",
            "Die Messgröße zählt Verschiedene (distinct); Summen feiner Gruppen zählten manche doppelt.",
        )


__all__ = ["coarser_findings"]
