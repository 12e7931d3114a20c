"""Checks of targets and of the links between Haushalt and indicators. Pure: entries in, findings out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from lagebild.budget_link import BudgetLink
from lagebild.target import Target
from semantic_layer.catalogue.resolve import Supply, resolve
from semantic_layer.catalogue.validate import Finding


def goal_findings(
    supply: Supply, targets: Iterable[Target], links: Iterable[BudgetLink]
) -> Iterator[Finding]:
    """Contradictions of `targets.yml` and `haushalt.yml` with what the instance shows."""
    targets, links = tuple(targets), tuple(links)
    if not targets and not links:
        return
    active = {item.indicator.id for item in resolve(supply) if item.status == "active"}
    for target in targets:
        if target.indicator not in active:
            yield Finding(
                target.indicator, "Zielwert ohne Kennzahl", "Die Kennzahl ist hier nicht verfügbar."
            )
        if target.decided_on is not None and target.decided_on.year > target.year:
            yield Finding(
                target.indicator,
                "Zielwert aus der Zukunft",
                f"Der Beschluss vom {target.decided_on:%d.%m.%Y} liegt nach dem Zieljahr {target.year}.",
            )
    for product, number in Counter(link.product for link in links).items():
        if number > 1:
            yield Finding(product, "Produkt doppelt", "Das Produkt steht zweimal in haushalt.yml.")
    for link in links:
        yield from _link(link, supply, active)


def _link(link: BudgetLink, supply: Supply, active: set[str]) -> Iterator[Finding]:
    for name in filter(None, (link.cases, link.spending)):
        measure = supply.measure(name)
        definition = supply.catalogue.measure_by_id.get(name)
        if measure is None or definition is None:
            yield Finding(
                link.product, "Messgröße unbekannt", f"„{name}“ wird in dieser Instanz nicht geliefert."
            )
        elif (name == link.spending) != (definition.value_kind == "money"):
            wanted = "einen Geldbetrag" if name == link.spending else "Fälle oder Personen"
            yield Finding(
                link.product, "Messgröße passt nicht", f"„{definition.label}“ zählt nicht {wanted}."
            )
    for indicator in link.indicators:
        if indicator not in active:
            yield Finding(
                link.product, "Kennzahl nicht verfügbar", f"Die Kennzahl „{indicator}“ gibt es hier nicht."
            )


__all__ = ["goal_findings"]
