"""BBSR Umsteigeschlüssel: which share of a Gemeinde of one year belongs to which Gemeinde of the next.

One sheet per year, one row per pair of Gemeinden. Keys are numbers without the leading zero (1001000), shares stand
three times: proportional to area, to inhabitants, to employees. Rows of Gemeinden that stay as they are say nothing
and are left out; the others land as `area_crosswalk` and, for both sides, as dated `area` rows (see `state_date` in
the contract). Where nobody lives the share of inhabitants means nothing and that of the area is taken. Shares rounded
by the source (3 × 0.3333) are brought to one; larger gaps are a refusal. The file knows year ends only: a change
counts from the day `effective` of the later year.

Options: `sheets` (default all), `area_system`, `weight` (population or area), `effective` (month and day).
Source: BBSR, Laufende Raumbeobachtung, Umsteigeschlüssel für konsistente Zeitreihen.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict

from ingestion.formats import values
from ingestion.formats.base import Issue, ParsedDelivery
from ingestion.formats.rows import landing_table
from ingestion.formats.sheets import Row, Sheet, SheetError, Workbook, cell, formula_issues
from lagebild.instance import SourceConfig

_STATE: Final = re.compile(r"Gemeinden\s+31\.12\.(\d{4})")
_NAMED: Final = 5
_ROUNDING: Final = 0.01
"""Largest gap to one that four decimals per share can leave."""


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    sheets: tuple[str, ...] = ()
    area_system: str = "amtlich"
    weight: Literal["population", "area"] = "population"
    effective: str = "01-01"


@dataclass(frozen=True)
class Pair:
    """One row of the key: shares of `from_code` that belong to `to_code`."""

    row: int
    from_code: str
    from_name: str
    to_code: str
    to_name: str
    by_area: float
    by_population: float
    inhabitants: float


class UmsteigeschluesselAdapter:
    """The workbook of yearly keys → `area_crosswalk` and dated `area` rows."""

    name: ClassVar[str] = "umsteigeschluessel"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        options = _Options.model_validate(source.options)
        issues = formula_issues(path)
        crosswalk: list[dict[str, Any]] = []
        areas: list[dict[str, Any]] = []
        try:
            book = Workbook(path)
            wanted = options.sheets or tuple(book.names)
            for name in wanted:
                if name not in book.names:
                    shown = ", ".join(f"„{item}“" for item in book.names)
                    raise SheetError(
                        "Blatt fehlt", f"Das Blatt „{name}“ fehlt. Vorhandene Blätter: {shown}.", value=name
                    )
                sheet = book.sheet(name)
                columns, year = _columns(sheet)
                pairs = list(_pairs(sheet, columns, issues))
                month, day = (int(part) for part in options.effective.split("-"))
                start = date(year, month, day)
                crosswalk += _crosswalk(pairs, options, start, sheet.name, issues)
                areas += area_rows(pairs, options.area_system, start)
        except SheetError as error:
            return ParsedDelivery(issues=(*issues, error.issue))
        if not crosswalk and not any(issue.severity == "refusal" for issue in issues):
            message = "Die Datei enthält keine Gemeinde, die sich geändert hat."
            issues.append(Issue("refusal", "Keine Änderungen", message))
        if any(issue.severity == "refusal" for issue in issues):
            return ParsedDelivery(issues=tuple(issues))
        tables = {
            "area_crosswalk": landing_table("area_crosswalk", crosswalk),
            "area": landing_table("area", areas),
        }
        return ParsedDelivery(tables=tables, issues=tuple(issues))


def _columns(sheet: Sheet) -> tuple[dict[str, int], int]:
    """Positions of the wanted columns and the later year. The header is the first row."""
    titles = [_plain(item) for item in (sheet.rows[0] if sheet.rows else [])]
    states = [
        (position, int(match[1])) for position, item in enumerate(titles) if (match := _STATE.fullmatch(item))
    ]
    names = [position for position, item in enumerate(titles) if item.startswith("Gemeindename")]
    shares = {
        kind: next((position for position, item in enumerate(titles) if item.startswith(start)), None)
        for kind, start in (
            ("by_area", "flächenproportional"),
            ("by_population", "bevölkerungsproportional"),
            ("inhabitants", "Bevölkerung am"),
        )
    }
    absent = [kind for kind, position in shares.items() if position is None]
    if len(states) != 2 or len(names) != 2 or absent or states[1][1] != states[0][1] + 1:
        raise SheetError(
            "Kopfzeile fehlt",
            f"Im Blatt „{sheet.name}“ stehen in der ersten Zeile nicht die Spalten eines Umsteigeschlüssels (Gemeinden "
            "zum 31.12. zweier Jahre, Namen, flächen- und bevölkerungsproportionaler Schlüssel, Bevölkerung).",
            sheet=sheet.name,
        )
    found = {kind: position for kind, position in shares.items() if position is not None}
    return {
        "from": states[0][0], "to": states[1][0], "from_name": names[0], "to_name": names[1], **found
    }, states[1][1]  # fmt: skip


def _plain(written: Any) -> str:
    joined = re.sub(r"-\s*\n\s*", "", str(written))
    return re.sub(r"\s+", " ", joined).strip()


def _pairs(sheet: Sheet, columns: dict[str, int], issues: list[Issue]) -> Iterator[Pair]:
    faults: list[tuple[int, str]] = []
    for number, row in enumerate(sheet.rows[1:], start=2):
        if all(item in ("", None) for item in row):
            continue
        try:
            yield _pair(row, columns, number)
        except ValueError as error:
            faults.append((number, str(error)))
    if faults:
        rows = ", ".join(str(at) for at, _ in faults[:_NAMED])
        message = (
            "Schlüssel oder Anteil ist nicht lesbar (erwartet werden Zahlen, Anteile zwischen 0 und 1). "
            f"Betroffen: {len(faults)} Zeilen, zuerst Zeile {rows}."
        )
        issues.append(
            Issue("refusal", "Zeile unlesbar", message, sheet.name, faults[0][0], value=faults[0][1])
        )


def _pair(row: Row, columns: dict[str, int], number: int) -> Pair:
    shares = [values.decimal(cell(row, columns[kind]), ",") for kind in ("by_area", "by_population")]
    if not all(0 <= share <= 1.000001 for share in shares):
        raise ValueError("share outside 0 to 1")
    return Pair(
        row=number,
        from_code=ags_of_number(cell(row, columns["from"])),
        from_name=str(cell(row, columns["from_name"])).strip(),
        to_code=ags_of_number(cell(row, columns["to"])),
        to_name=str(cell(row, columns["to_name"])).strip(),
        by_area=shares[0],
        by_population=shares[1],
        inhabitants=values.decimal(cell(row, columns["inhabitants"]), ","),
    )


def ags_of_number(written: Any) -> str:
    """AGS with its leading zero from a key that a spreadsheet keeps as a number: 1001000 → 01001000."""
    key = values.text(written).zfill(8)
    if not re.fullmatch(r"(0[1-9]|1[0-6])[0-9]{6}", key):
        raise ValueError(f"Schlüssel {written}")
    return key


def _changed(pairs: Sequence[Pair]) -> dict[str, list[Pair]]:
    groups: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        groups[pair.from_code].append(pair)
    return {
        code: group
        for code, group in groups.items()
        if len(group) > 1 or group[0].to_code != group[0].from_code
    }


def _crosswalk(
    pairs: Sequence[Pair], options: _Options, start: date, sheet: str, issues: list[Issue]
) -> Iterator[dict[str, Any]]:
    for code, group in _changed(pairs).items():
        by_population = options.weight == "population" and sum(pair.inhabitants for pair in group) > 0
        shares = [pair.by_population if by_population else pair.by_area for pair in group]
        total = sum(shares)
        if abs(total - 1) > _ROUNDING:
            message = f"Die Anteile von {code} ergeben {total:.4f} statt 1."
            issues.append(
                Issue("refusal", "Anteile ergeben nicht 1", message, sheet, group[0].row, value=code)
            )
            continue
        method = "exact" if len(group) == 1 else "population" if by_population else "area"
        for pair, share in zip(group, shares, strict=True):
            yield {
                "source_row": pair.row,
                "area_system": options.area_system,
                "area_level": "gemeinde",
                "from_code": code,
                "to_code": pair.to_code,
                "reform_date": start,
                "weight": share / total,
                "method": method,
            }


def area_rows(pairs: Sequence[Pair], area_system: str, start: date) -> list[dict[str, Any]]:
    """Dated statements of the Gemeinden that changed: receivers from the day on, ceased ones until the day before.

    The parent is not in the file; it stays what the states before and after say (`parent_code` NULL).
    """
    changed = _changed(pairs)
    receivers = {pair.to_code: pair for group in changed.values() for pair in group}
    last = start - timedelta(days=1)
    common = {"area_system": area_system, "area_level": "gemeinde", "parent_code": None}
    rows = [
        {**common, "source_row": pair.row, "area_code": code, "area_name": pair.to_name, "valid_from": start}
        for code, pair in receivers.items()
    ]
    rows += [
        {
            **common,
            "source_row": group[0].row,
            "area_code": code,
            "area_name": group[0].from_name,
            "valid_from": last,
            "valid_to": last,
        }
        for code, group in changed.items()
        if all(pair.to_code != code for pair in group)
    ]
    return rows
