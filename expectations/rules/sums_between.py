"""Sums between deliveries of one source: areas in one file give the area above them in another.

Belongs here: sources whose levels come in files of their own (INKAR: Gemeinden and Kreise). What is said is counted per
measure: the supplier of a published table corrects no single cell. Within one delivery: `expectations.rules.sums`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Final

import pandas as pd

from expectations.context import GateContext
from expectations.rules.comparison import DUST, Comparison, Judgement, judgement, number
from expectations.rules.observed import COLUMNS, label
from expectations.rules.sums import CHILDREN, ROUNDING, Sum, children
from lagebild.checks import Severity, SumCheck

_NAMED: Final = 3
"""Areas named as examples."""


@dataclass(frozen=True)
class _Gap:
    item: Sum
    off: float
    allowed: float


def sums_between(frame: pd.DataFrame, context: GateContext, check: SumCheck) -> list[Judgement]:
    """Own rows against those of the other deliveries in use, each level once."""
    wanted = frozenset(
        name for name, facts in context.measures.items() if facts.additive and name not in check.without
    ) & set(frame["measure_id"])
    others = context.siblings(frozenset(wanted)) if check.severity != "off" and wanted else None
    if check.severity == "off" or others is None or others.empty:
        return []
    severity = check.severity
    found: list[Judgement] = []
    for measure in sorted(wanted):
        own = frame[frame["measure_id"] == measure]
        levels = frozenset(str(level) for level in own["area_level"].unique())
        beside = others[(others["measure_id"] == measure) & ~others["area_level"].isin(levels)]
        if beside.empty:
            continue
        both = pd.concat([own[list(COLUMNS)], beside[list(COLUMNS)]], ignore_index=True)
        items = list(children(both, context.areas, check.boundaries, levels))
        most: dict[str, int] = {}
        for item in items:
            most[item.total.area_code] = max(item.parts, most.get(item.total.area_code, 0))
        # A year in which an area has no row of its own is a gap of the table, no wrong sum.
        gaps = [
            _gap(item, item.complete and item.parts == most[item.total.area_code], check) for item in items
        ]
        found += _judged(gaps, label(context.measures, measure), severity, check.rounding)
    return found


def _gap(item: Sum, complete: bool, check: SumCheck) -> _Gap:
    gap = item.known - float(item.total.value)
    allowed = check.tolerance + check.rounding * (item.parts + 1) / 2
    # What is known of an incomplete sum is a lower bound; a difference that rounding explains is told all the same.
    off = abs(gap) if complete or abs(gap) <= allowed else max(gap, 0.0)
    dust = DUST * (item.parts + 1) / 2
    # Whole figures that differ by one are no dust, however many there are.
    beneath = check.tolerance + (min(dust, check.rounding / 2) if check.rounding else dust)
    return _Gap(item, 0.0 if off <= beneath else off, allowed)


def _judged(gaps: list[_Gap], name: str, severity: Severity, rounding: float) -> list[Judgement]:
    wrong = [gap for gap in gaps if gap.off > gap.allowed]
    rounded = [gap for gap in gaps if 0 < gap.off <= gap.allowed]
    judged = [judgement(CHILDREN, severity, [_told(wrong, gaps, name, rounding=False)])]
    if rounding:
        judged.append(judgement(ROUNDING, "warning", [_told(rounded, gaps, name, rounding=True)]))
    return judged


def _told(offending: list[_Gap], gaps: list[_Gap], name: str, rounding: bool) -> Comparison:
    if not offending:
        return Comparison(0.0)
    compared: dict[date, int] = defaultdict(int)
    for gap in gaps:
        compared[gap.item.total.period_end] += 1
    last = max(gap.item.total.period_end for gap in offending)
    newest = [gap for gap in offending if gap.item.total.period_end == last]
    before = [gap for gap in offending if gap.item.total.period_end != last]
    text = (
        f"„{name}“: Summen der Gebiete gegen die Angaben einer anderen Lieferung. {_when(newest[0])}: "
        f"{number(len(newest))} von {number(compared[last])} Gebieten weichen ab, größte Abweichung {_largest(newest)}"
    )
    if before:
        days = {gap.item.total.period_end for gap in before}
        of = sum(compared[day] for day in days)
        text += (
            f"; davor (seit {min(days):%Y}) {number(len(before))} von {number(of)}, größte {_largest(before)}"
        )
    text += ". "
    if rounding:
        text += "Das erklärt die Rundung der Quelle; die Zahlen stehen wie geliefert."
    else:
        worst = sorted(offending, key=lambda gap: (-gap.off, gap.item.total.area_code))[:_NAMED]
        named = ", ".join(
            f"{gap.item.total.area_code} {_when(gap)}: {number(gap.item.known)} statt "
            f"{number(float(gap.item.total.value))}"
            for gap in worst
        )
        text += f"Mehr als Rundung erklärt, zum Beispiel {named}. Bitte beide Lieferungen prüfen."
    return Comparison(float(len(offending)), text)


def _largest(gaps: list[_Gap]) -> str:
    return number(max(gap.off for gap in gaps))


def _when(gap: _Gap) -> str:
    total = gap.item.total
    return f"{total.period_end:%Y}" if total.period_type == "jahr" else f"{total.period_end:%d.%m.%Y}"
