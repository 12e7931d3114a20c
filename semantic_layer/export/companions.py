"""Rows that stand beside the indicators in the catalogue export: breaks, change log, targets, Haushalt, peers.

Pure functions on loaded entries. Schemas stand in `semantic_layer.export.dbt`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, Final

from lagebild.budget_link import BudgetLink
from lagebild.target import PeerSettings, Target
from semantic_layer.catalogue.history import Change
from semantic_layer.catalogue.model import Catalogue
from semantic_layer.catalogue.resolve import ResolvedIndicator

Row = dict[str, Any]

_DATED_BREAK: Final = re.compile(
    r"Ab (?P<year>\d{4})(?:-(?P<month>\d\d)-(?P<day>\d\d))?: *(?P<note>.+)", re.S
)


def dated_break(text: str) -> tuple[date, str] | None:
    """Day and reason of a break that carries a date (`Ab 2023: …`, `Ab 2023-07-01: …`); None for plain remarks."""
    found = _DATED_BREAK.fullmatch(text.strip())
    if found is None:
        return None
    day = date(int(found["year"]), int(found["month"] or 1), int(found["day"] or 1))
    return day, found["note"]


def break_rows(resolved: Sequence[ResolvedIndicator], catalogue: Catalogue) -> list[Row]:
    """One row per indicator and day of a break, from the entry and from the measures it uses."""
    found: dict[tuple[str, date], str] = {}
    for item in resolved:
        measures = dict.fromkeys(part.measure for part in item.indicator.parts)
        texts = [*item.indicator.breaks]
        texts += [
            text
            for name in measures
            if name in catalogue.measure_by_id
            for text in _measure_breaks(name, catalogue)
        ]
        for text in texts:
            dated = dated_break(text)
            if dated is not None:
                found.setdefault((item.indicator.key, dated[0]), dated[1])
    return [{"indicator_key": key, "break_on": day, "note": note} for (key, day), note in found.items()]


def _measure_breaks(name: str, catalogue: Catalogue) -> tuple[str, ...]:
    return catalogue.measure_by_id[name].breaks


def change_rows(resolved: Sequence[ResolvedIndicator], changes: Iterable[Change]) -> Iterator[Row]:
    """The change log of the indicators this instance lists."""
    listed = {item.indicator.id for item in resolved}
    for change in changes:
        if change.indicator in listed:
            yield {
                "indicator_id": change.indicator,
                "version": change.version,
                "changed_on": change.date,
                "kind": change.kind,
                "note": change.note,
            }


def target_rows(targets: Iterable[Target]) -> Iterator[Row]:
    """One row per agreed target."""
    for target in targets:
        yield {
            "indicator_id": target.indicator,
            **target.model_dump(
                include={"area_level", "area_code", "year", "value", "decision", "decided_on"}
            ),
            "recommendation_id": target.recommendation or None,
        }


def budget_rows(links: Iterable[BudgetLink]) -> Iterator[Row]:
    """One row per product of the Haushalt and what it is told together with."""
    for link in links:
        yield {
            "product_code": link.product,
            "case_measure_id": link.cases or None,
            "case_group_key": link.case_group,
            "spending_measure_id": link.spending or None,
            "note": link.note or None,
        }


def budget_indicator_rows(links: Iterable[BudgetLink]) -> Iterator[Row]:
    """One row per product and indicator, in the order of the settings."""
    for link in links:
        for position, indicator in enumerate(link.indicators, start=1):
            yield {"product_code": link.product, "indicator_id": indicator, "position": position}


def feature_rows(resolved: Sequence[ResolvedIndicator], peers: PeerSettings) -> list[Row]:
    """The structural features that exist here, in the order of the settings."""
    active = {
        item.indicator.id: item.indicator
        for item in resolved
        if item.status == "active" and item.tier == "public"
    }
    return [
        {
            "indicator_id": feature.indicator,
            "label": active[feature.indicator].short_label,
            "is_logarithmic": feature.logarithmic,
        }
        for feature in peers.features
        if feature.indicator in active
    ]


__all__ = [
    "break_rows",
    "budget_indicator_rows",
    "budget_rows",
    "change_rows",
    "dated_break",
    "feature_rows",
    "target_rows",
]
