"""INKAR exports of the BBSR: one indicator per file, areas in rows, years in columns, under two header rows.

The same layout comes as xls (BIFF8, sheets Daten, Metadaten, Quellangabe) and as xlsx: the first header row repeats
`Kennziffer`, `Raumeinheit`, `Aggregat` and the indicator, the second holds the year under each column. Deliveries from
IRIS, the BBSR's internal INKAR, come as CSV (cp1252, `;`, decimal comma): a title row, then `Gebietskennziffer`, `Name`
and the indicator with its year (`Einkommensteuer 2020`). One adapter reads both by structure, not by file name.
INKAR gives every year in the boundaries of its edition (2024: 31.12.2022), not in those of the year itself.

Options: `sheet` (default Daten), `area_system`, `levels` (text of `Aggregat` → level and number of digits of its key),
`indicators` (name in the file → measure, period_type, day), `ignored` (indicators not wanted).
Source: INKAR edition 2024, https://www.inkar.de; sheet Metadaten of every file.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from ingestion.formats import values
from ingestion.formats.base import DeliveryPeriod, Issue, ParsedDelivery
from ingestion.formats.rows import observation
from ingestion.formats.sheets import (
    Row,
    Sheet,
    SheetError,
    Workbook,
    cell,
    formula_issues,
    header_row,
    label,
    missing_header,
    moved_header,
)
from ingestion.formats.tables import ObservationColumns
from lagebild.instance import SourceConfig

KEYS: Final = ("Kennziffer", "Gebietskennziffer")
_NO_FIGURES: Final = (*KEYS, "Raumeinheit", "Aggregat", "Name")
_YEAR: Final = re.compile(r"(?:19|20)\d{2}")
_NAME_WITH_YEAR: Final = re.compile(r"(?P<name>.+?)\s+(?P<year>(?:19|20)\d{2})")
_NAMED: Final = 5
"""Rows named in an issue; the count is exact."""


class _Level(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    level: str
    digits: int


class _Indicator(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    measure: str
    period_type: Literal["stichtag", "jahr"]
    day: str = "12-31"
    """Month and day of a Stichtag."""


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    sheet: str = "Daten"
    area_system: str = "amtlich"
    levels: dict[str, _Level]
    indicators: dict[str, _Indicator]
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Column:
    position: int
    name: str
    indicator: _Indicator
    period: DeliveryPeriod


@dataclass
class _Faults:
    """Rows with the same fault, reported as one issue each."""

    sheet: str | None
    unknown_area: list[tuple[int, str]] = field(default_factory=list)
    duplicate: list[tuple[int, str]] = field(default_factory=list)
    unreadable: list[tuple[int, str]] = field(default_factory=list)

    def issues(self) -> Iterator[Issue]:
        rules = (
            ("Unbekannte Kennziffer", "Die Kennziffer passt nicht zum Aggregat. Bitte die führende Null prüfen.",
             "Kennziffer", self.unknown_area),
            ("Doppelte Kennziffer", "Dieselbe Raumeinheit steht mehrfach in der Datei.", "Kennziffer", self.duplicate),
            ("Keine Zahl", "Hier wird eine Zahl oder eine leere Zelle erwartet.", None, self.unreadable),
        )  # fmt: skip
        for rule, message, column, found in rules:
            if found:
                rows = ", ".join(str(row) for row, _ in found[:_NAMED])
                text = f"{message} Betroffen: {len(found)} Angaben, zuerst Zeile {rows}."
                yield Issue("refusal", rule, text, self.sheet, found[0][0], column, found[0][1])


class InkarAdapter:
    """An INKAR export → `observation`, one row per area, year and indicator."""

    name: ClassVar[str] = "inkar"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        options = _Options.model_validate(source.options)
        try:
            if path.suffix.lower() == ".csv":
                issues: list[Issue] = []
                sheet = _csv_sheet(path)
                header = _csv_header(sheet)
            else:
                issues = formula_issues(path)
                sheet, header, renamed = Workbook(path).find(options.sheet, KEYS[:1])
                issues += renamed + moved_header(sheet, header, 0)
        except SheetError as error:
            return ParsedDelivery(issues=(error.issue,))
        columns = list(_columns(sheet, header, options, issues))
        if not columns and not any(issue.severity == "refusal" for issue in issues):
            message = "Keine Spalte trägt einen vereinbarten Indikator mit einem Jahr darunter."
            issues.append(Issue("refusal", "Keine Werte", message, sheet=sheet.name, row=header + 1))
        if any(issue.severity == "refusal" for issue in issues):
            return ParsedDelivery(issues=tuple(issues))
        table, faults = _observations(
            sheet, header, columns, options, "," if path.suffix.lower() == ".csv" else "."
        )
        issues += faults.issues()
        if table.num_rows == 0 and not any(issue.severity == "refusal" for issue in issues):
            issues.append(
                Issue("refusal", "Keine Werte", "Unter der Kopfzeile steht keine Raumeinheit.", sheet.name)
            )
        if any(issue.severity == "refusal" for issue in issues):
            return ParsedDelivery(issues=tuple(issues))
        return ParsedDelivery(tables={"observation": table}, issues=tuple(issues))


def _csv_header(sheet: Sheet) -> int:
    for key in KEYS:
        if (found := header_row(sheet.rows, (key,))) is not None:
            return found
    raise missing_header(sheet, KEYS)


def _csv_sheet(path: Path) -> Sheet:
    raw = path.read_bytes()
    try:
        content = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        content = raw.decode("cp1252", errors="replace")
    if "\x00" in content or "�" in content:
        raise SheetError("Nicht lesbar", "Die Datei ist keine Textdatei in Windows-1252 oder UTF-8.")
    try:
        rows = [list(row) for row in csv.reader(io.StringIO(content, newline=""), delimiter=";")]
    except csv.Error as error:
        raise SheetError(
            "Nicht lesbar", "Die Datei ist keine Tabelle mit Semikolon als Trennzeichen."
        ) from error
    return Sheet(path.stem, rows)


def _columns(sheet: Sheet, header: int, options: _Options, issues: list[Issue]) -> Iterator[_Column]:
    names, years = sheet.rows[header], sheet.rows[header + 1] if header + 1 < len(sheet.rows) else []
    unknown: set[str] = set()
    seen: set[tuple[str, date]] = set()
    for position, written in enumerate(names):
        name, year = label(written), _YEAR.fullmatch(values.text(cell(years, position)))
        combined = _NAME_WITH_YEAR.fullmatch(name)
        if combined and name not in options.indicators:
            name, year = combined["name"], _YEAR.fullmatch(combined["year"])
        if name in _NO_FIGURES or not name or name in options.ignored:
            continue
        indicator = options.indicators.get(name)
        if indicator is None:
            unknown.add(name)
            continue
        if year is None:
            message = "Unter dem Indikator fehlt das Jahr (zweite Kopfzeile)."
            issues.append(
                Issue(
                    "refusal", "Jahr fehlt", message, sheet.name, header + 2, name, str(cell(years, position))
                )
            )
            return
        period = _period(indicator, int(year[0]))
        if (indicator.measure, period.end) in seen:
            message = f"Das Jahr {year[0]} steht mehrfach unter „{name}“."
            issues.append(Issue("refusal", "Jahr doppelt", message, sheet.name, header + 2, name, year[0]))
            return
        seen.add((indicator.measure, period.end))
        yield _Column(position, name, indicator, period)
    for name in sorted(unknown):
        message = f"Der Indikator „{name}“ ist nicht vereinbart und wurde nicht übernommen."
        issues.append(Issue("warning", "Unbekannter Indikator", message, sheet.name, header + 1, name))


def _period(indicator: _Indicator, year: int) -> DeliveryPeriod:
    if indicator.period_type == "jahr":
        return DeliveryPeriod("jahr", date(year, 1, 1), date(year, 12, 31))
    month, day = (int(part) for part in indicator.day.split("-"))
    return DeliveryPeriod("stichtag", date(year, month, day), date(year, month, day))


def _observations(
    sheet: Sheet, header: int, columns: Sequence[_Column], options: _Options, sign: str
) -> tuple[pa.Table, _Faults]:
    names = [label(item) for item in sheet.rows[header]]
    key = next(position for position, name in enumerate(names) if name in KEYS)
    aggregate = names.index("Aggregat") if "Aggregat" in names else None
    # The second header row has no key.
    below = (
        header + 1 if header + 1 < len(sheet.rows) and cell(sheet.rows[header + 1], key) != "" else header + 2
    )
    faults = _Faults(sheet.name)
    built = ObservationColumns()
    seen: set[tuple[str, str]] = set()
    for number, row in enumerate(sheet.rows[below:], start=below + 1):
        area = _area(row, key, aggregate, options)
        if area is None:
            if any(item not in ("", None) for item in row):
                faults.unknown_area.append((number, str(cell(row, key))))
            continue
        if area in seen:
            faults.duplicate.append((number, area[1]))
            continue
        seen.add(area)
        for column in columns:
            try:
                value = _value(cell(row, column.position), sign)
            except ValueError:
                faults.unreadable.append((number, str(cell(row, column.position))))
                continue
            built.add(
                observation(
                    row=number,
                    sheet=sheet.name,
                    column=f"{column.name} {column.period.end.year}",
                    area=(options.area_system, *area),
                    period=column.period,
                    measure=column.indicator.measure,
                    value=value,
                    # INKAR leaves the cell empty where it has no figure and does not say why.
                    status="A" if value is not None else "O",
                )
            )
    return built.table(), faults


def _area(row: Row, key: int, aggregate: int | None, options: _Options) -> tuple[str, str] | None:
    written = values.text(cell(row, key))
    if aggregate is None:
        level = next((item for item in options.levels.values() if item.digits == len(written)), None)
    else:
        level = options.levels.get(str(cell(row, aggregate)).strip())
    if level is None:
        return None
    if not isinstance(cell(row, key), str):
        # A key that Excel turned into a number lost its leading zero.
        written = written.zfill(level.digits)
    if not re.fullmatch(r"[0-9]+", written) or len(written) != level.digits:
        return None
    return level.level, written


def _value(written: Any, sign: str) -> float | None:
    if written in ("", None):
        return None
    if isinstance(written, str) and not written.strip():
        return None
    return values.decimal(written, sign)
