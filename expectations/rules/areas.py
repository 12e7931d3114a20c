"""Area keys: known in the register at the day of the figures. A dissolved key names its successor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, Final

import pandas as pd

from expectations.context import UNASSIGNED, AreaId, KnownArea, KnownAreas
from expectations.rules.comparison import Comparison, Judgement, judgement, listed, number, optional
from expectations.rules.observed import PLACE, rows_of
from expectations.tables import select
from lagebild.checks import AreaCheck, Severity

UNKNOWN: Final = "Unbekannter Gebietsschlüssel"
DISSOLVED: Final = "Aufgelöster Gebietsschlüssel"
UNCHECKED: Final = "Gebiete nicht geprüft"

MICRODATA_KEYS: Final = {"gemeinde_code": "gemeinde", "block_code": "block"}
"""Columns of persons and cases that hold area keys, and the level they name."""
_EXAMPLES: Final = 5
"""Keys named where many are told as one."""
_DAY: Final = {"person": "reference_date", "case": "period_end"}


def observed_areas(frame: pd.DataFrame, known: KnownAreas, check: AreaCheck) -> list[Judgement]:
    """Keys of observations."""
    if check.severity == "off":
        return []
    if not known.areas:
        return [_nothing_known()]
    places = frame.groupby([*PLACE[:3], "period_end"], sort=True, dropna=True).agg(
        source_row=("source_row", "min"),
        source_sheet=("source_sheet", "first"),
        rows=("measure_id", "size"),
    )
    registered = {(area.system, area.level) for area in known.areas}
    unchecked: set[str] = set()
    unknown: list[Comparison] = []
    dissolved: list[Comparison] = []
    for (system, level, code, day), row in zip(places.index, rows_of(places), strict=True):
        if (system, level) not in registered:
            unchecked.add(f"{system}/{level}")
            continue
        outcome = _judge(known, (system, level, code), day)
        where = {"row": optional(row.source_row), "sheet": optional(row.source_sheet), "value": str(code)}
        _sort(outcome, where, f"Betroffen: {row.rows} Angaben.", unknown, dissolved)
    if check.severity == "warning":
        # Tables that go on listing dissolved areas would give hundreds of the same hint.
        unknown, dissolved = _counted(unknown), _counted(dissolved)
    judged = _pair(unknown, dissolved, check.severity)
    if unchecked:
        text = f"Für diese Ebenen kennt das Gebietsverzeichnis keine Gebiete: {listed(sorted(unchecked))}."
        judged.append(judgement(UNCHECKED, "warning", [Comparison(1.0, text)]))
    return judged


def microdata_areas(
    name: str, table: Any, known: KnownAreas, check: AreaCheck, personal: bool
) -> list[Judgement]:
    """Keys of persons and cases. Personal sources: the key is not named, only its row."""
    if check.severity == "off" or name not in _DAY:
        return []
    if not known.areas:
        return [_nothing_known()]
    unknown: list[Comparison] = []
    dissolved: list[Comparison] = []
    for column, level in MICRODATA_KEYS.items():
        systems = sorted({area.system for area in known.areas if area.level == level})
        if not systems or column not in table.column_names:
            continue
        places = (
            select(table, [column, _DAY[name], "source_row"])
            .group_by([column, _DAY[name]])
            .aggregate([("source_row", "min"), ("source_row", "count")])
        )
        for item in sorted(places.to_pylist(), key=lambda entry: entry["source_row_min"] or 0):
            code, day = item[column], item[_DAY[name]]
            if code is None or day is None:
                continue
            outcomes = [_judge(known, (system, level, code), day) for system in systems]
            # One system that knows the key is enough: blocks stand once in every system.
            outcome = next((found for found in outcomes if found is None), outcomes[0])
            where = {"row": item["source_row_min"], "column": column, "value": None if personal else code}
            _sort(outcome, where, f"Betroffen: {item['source_row_count']} Zeilen.", unknown, dissolved)
    return _pair(unknown, dissolved, check.severity)


def _judge(known: KnownAreas, area: AreaId, day: date) -> tuple[bool, str] | None:
    """None: known at that day. Otherwise whether the key was or will be known, and what to do."""
    system, level, code = area
    levels: Iterable[str] = (level,)
    if code.endswith(UNASSIGNED):
        code = code.removesuffix(UNASSIGNED)
        levels = known.levels.get(system) or {item.level for item in known.areas if item.system == system}
    found = [item for each in levels for item in known.find((system, each, code))]
    if any(item.holds(day) for item in found):
        return None
    if not found:
        return False, (
            "Dieser Gebietsschlüssel steht nicht im Gebietsverzeichnis. Bitte den Schlüssel berichtigen; "
            "ist das Gebiet neu, bitte zuerst das Gebietsverzeichnis liefern lassen."
        )
    return True, _history(known, (system, level, code), found, day)


def _history(known: KnownAreas, area: AreaId, found: list[KnownArea], day: date) -> str:
    ended = [item for item in found if item.valid_to is not None and item.valid_to < day]
    if not ended:
        first = min(item.valid_from for item in found)
        return (
            f"Dieses Gebiet gibt es erst seit dem {first:%d.%m.%Y}; die Angaben sind vom {day:%d.%m.%Y}. "
            "Bitte in den Gebieten des Stichtags liefern."
        )
    last = max(item.valid_to for item in ended if item.valid_to is not None)
    heirs = known.successors.get(area, ())
    advice = f"Nachfolger: {listed(heirs)}. Bitte unter dem neuen Schlüssel liefern." if heirs else ""
    return f"Dieses Gebiet gilt nur bis zum {last:%d.%m.%Y}; die Angaben sind vom {day:%d.%m.%Y}. " + (
        advice or "Bitte in den Gebieten des Stichtags liefern."
    )


def _sort(
    outcome: tuple[bool, str] | None,
    where: dict[str, Any],
    affected: str,
    unknown: list[Comparison],
    dissolved: list[Comparison],
) -> None:
    if outcome is None:
        unknown.append(Comparison(0.0))
        return
    was_known, text = outcome
    (dissolved if was_known else unknown).append(Comparison(1.0, f"{text} {affected}", **where))


def _counted(found: list[Comparison]) -> list[Comparison]:
    """One comparison for all that offend: how many keys, some of them, and what is said of the first."""
    offending = [item for item in found if item.excess > 0]
    if len(offending) < 2:
        return found
    keys = list(dict.fromkeys(str(item.value) for item in offending))
    text = (
        f"{number(len(keys))} Gebietsschlüssel sind betroffen: {listed(keys, _EXAMPLES)}. Zum Beispiel {keys[0]}: "
        f"{offending[0].message}"
    )
    first = offending[0]
    return [Comparison(float(len(offending)), text, first.row, first.sheet, first.column, first.value)]


def _pair(unknown: list[Comparison], dissolved: list[Comparison], severity: Severity) -> list[Judgement]:
    return [judgement(UNKNOWN, severity, unknown), judgement(DISSOLVED, severity, dissolved)]


def _nothing_known() -> Judgement:
    text = (
        "Das Gebietsverzeichnis ist noch nicht geliefert. Die Gebietsschlüssel dieser Lieferung wurden deshalb "
        "nicht geprüft. Bei der Lieferstelle ist nichts zu tun."
    )
    return judgement(UNCHECKED, "warning", [Comparison(1.0, text)])


def descendants(known: KnownAreas, kommune: str, system: str, level: str, day: date) -> Iterator[str]:
    """Codes of a level that lie in a Kommune (on whatever level that stands)."""
    order = known.levels.get(system, ())
    homes = [item for item in order if known.at((system, item, kommune), day) is not None]
    for code in known.on_level(system, level, day):
        if any(known.ancestor((system, level, code), home, day) == kommune for home in homes):
            yield code
