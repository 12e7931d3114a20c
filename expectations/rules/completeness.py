"""Completeness: measures that are expected, and areas of every level a measure is delivered for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd

from expectations.context import KnownAreas, MeasureFacts
from expectations.rules.areas import descendants
from expectations.rules.comparison import Comparison, Judgement, judgement, listed
from expectations.rules.observed import groups, label
from lagebild.checks import CompletenessCheck

MEASURE_MISSING: Final = "Angabe fehlt ganz"
AREAS_MISSING: Final = "Gebiete fehlen"


def completeness(
    frame: pd.DataFrame,
    source_id: str,
    kommune: str | None,
    known: KnownAreas | None,
    measures: Mapping[str, MeasureFacts],
    check: CompletenessCheck,
    partial: bool = False,
) -> list[Judgement]:
    """Missing measures and areas. A delivery of one Kommune has to name the areas of that Kommune; one of several files
    of a period (`partial`) need not hold all measures."""
    if check.severity == "off":
        return []
    present = set(frame["measure_id"].dropna())
    usual = [
        item.measure_id
        for item in measures.values()
        if item.source_id == source_id and item.input == "observation" and not partial
    ]
    expected = check.measures or usual
    gone = [f"„{label(measures, measure)}“" for measure in expected if measure not in present]
    text = (
        f"In der Lieferung fehlen: {listed(gone)}. Bitte ergänzen; was es nicht gibt, mit dem vereinbarten Zeichen "
        "kennzeichnen."
    )
    found = [judgement(MEASURE_MISSING, check.severity, [Comparison(float(len(gone)), text)])]
    if known is not None and known.areas:
        found.append(judgement(AREAS_MISSING, check.severity, _areas(frame, kommune, known, measures, check)))
    return found


def _areas(
    frame: pd.DataFrame,
    kommune: str | None,
    known: KnownAreas,
    measures: Mapping[str, MeasureFacts],
    check: CompletenessCheck,
) -> list[Comparison]:
    expected: dict[tuple[object, ...], frozenset[str]] = {}
    lacking: dict[tuple[str, str, object, tuple[str, ...]], list[str]] = {}
    compared = 0
    keys = ["measure_id", "area_system", "area_level", "period_end"]
    for (measure, system, level, day), rows in groups(frame, keys):
        if measure in check.sparse or (check.levels and level not in check.levels):
            continue
        key = (system, level, day)
        if key not in expected:
            everywhere = known.on_level(system, level, day)
            # A key of a Kommune the register does not know (a Träger, a Jugendamtsbezirk) says nothing about areas.
            inside = list(descendants(known, kommune, system, level, day)) if kommune else everywhere
            expected[key] = frozenset(inside)
        compared += 1
        missing = tuple(sorted(expected[key] - set(rows["area_code"])))
        if missing:
            lacking.setdefault((system, level, day, missing), []).append(label(measures, measure))
    found = [Comparison(0.0)] * max(compared - len(lacking), 0)
    for (_, level, day, missing), labels in lacking.items():
        text = (
            f"Am {day:%d.%m.%Y} fehlen auf der Ebene „{level}“ {len(missing)} Gebiete: {listed(missing)}. Betroffen: "
            f"{listed(labels, 5)}. Die Summen darüber bleiben leer. Bitte die Gebiete ergänzen, auch mit null."
        )
        found.append(Comparison(float(len(missing)), text, value=missing[0]))
    return found
