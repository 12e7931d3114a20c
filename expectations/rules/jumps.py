"""Jumps: the change against the delivery before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from expectations.context import Earlier, MeasureFacts
from expectations.rules.comparison import Comparison, Judgement, judgement, number
from expectations.rules.observed import label, rows_of, where_found
from lagebild.checks import JumpCheck

JUMP: Final = "Ungewöhnlicher Sprung"
UNIT: Final = "Größenordnung"
ROWS: Final = "Fallzahl ungewöhnlich verändert"


def excess(new: float, old: float, check: JumpCheck, factor: float) -> float:
    """By how much a change is beyond `factor`, in units of the figure; 0 or less: within."""
    change = abs(new - old)
    if max(abs(new), abs(old)) < check.minimum_base or change < check.minimum_change:
        return 0.0
    high, low = max(abs(new), abs(old)), min(abs(new), abs(old))
    # A fall to nothing has no ratio; the smallest figure that has one stands for it.
    return high - factor * max(low, 1.0)


def extreme_excess(new: float, old: float, check: JumpCheck) -> float:
    """By how much a change is beyond what is refused. Only where both figures are large enough to compare: a shelter
    that opens (15 → 793, Berlin 2015/2016) or closes is no error of unit."""
    if check.refuse_factor is None or min(abs(new), abs(old)) < check.minimum_base:
        return 0.0
    return excess(new, old, check, check.refuse_factor)


def jumps(
    frame: pd.DataFrame, earlier: Earlier, measures: Mapping[str, MeasureFacts], check: JumpCheck
) -> list[Judgement]:
    """Figures of the catalogue's additive measures against the same figures before."""
    if check.severity == "off":
        return []
    usual: list[Comparison] = []
    extreme: list[Comparison] = []
    names = {name for name, facts in measures.items() if facts.additive and name not in check.without}
    chosen = frame[frame["measure_id"].isin(names) & frame["value"].notna()]
    for row in rows_of(chosen):
        if check.levels and row.area_level not in check.levels:
            continue
        key = (row.measure_id, row.group_id, row.area_system, row.area_level, row.area_code)
        old = earlier.figures.get(key)
        if old is None:
            continue
        new = float(row.value)
        beyond = extreme_excess(new, old, check)
        if beyond > 0:
            extreme.append(_changed(row, new, old, earlier, beyond, measures, _UNIT_ADVICE))
            continue
        beyond = excess(new, old, check, check.factor)
        usual.append(
            _changed(row, new, old, earlier, beyond, measures, _JUMP_ADVICE)
            if beyond > 0
            else Comparison(beyond)
        )
    return [judgement(JUMP, check.severity, usual), judgement(UNIT, "refusal", extreme)]


_JUMP_ADVICE: Final = "Bitte prüfen; ist die Zahl richtig, genügt eine kurze Bestätigung."
_UNIT_ADVICE: Final = (
    "Ein Wert dieser Größenordnung deutet auf eine andere Einheit oder ein verrutschtes Komma. Bitte berichtigen; "
    "ist er richtig, bitte mit der Fachstelle abstimmen."
)


def _changed(
    row: Any,
    new: float,
    old: float,
    earlier: Earlier,
    beyond: float,
    measures: Mapping[str, MeasureFacts],
    advice: str,
) -> Comparison:
    text = (
        f"„{label(measures, row.measure_id)}“ {row.area_code}: {number(new)} nach {number(old)} in der Lieferung zum "
        f"{earlier.period_end:%d.%m.%Y}. {advice}"
    )
    return Comparison(beyond, text, value=number(new), **where_found(row))


def row_jumps(rows: Mapping[str, int], earlier: Earlier, check: JumpCheck) -> list[Judgement]:
    """Numbers of rows of persons and cases against the delivery before."""
    if check.severity == "off":
        return []
    usual: list[Comparison] = []
    extreme: list[Comparison] = []
    for name in ("person", "case"):
        if name not in rows or name not in earlier.rows:
            continue
        new, old = rows[name], earlier.rows[name]
        text = (
            f"Die Lieferung hat {number(new)} Zeilen; zum {earlier.period_end:%d.%m.%Y} waren es {number(old)}. Bitte "
            "prüfen, ob sie vollständig ist und nichts doppelt enthält."
        )
        beyond = extreme_excess(new, old, check)
        if beyond > 0:
            extreme.append(Comparison(beyond, text))
        else:
            usual.append(Comparison(excess(new, old, check, check.factor), text))
    return [judgement(ROWS, check.severity, usual), judgement(ROWS, "refusal", extreme)]
