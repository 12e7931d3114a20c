"""Destatis Gemeindeverzeichnis ("Auszug GV"): the state of all official areas on one day, with area and inhabitants.

One sheet, a title, a header of three rows, then one row per area. `Satzart` says what it is (10 Land, 20
Regierungsbezirk, 30 Region, 40 Kreis, 50 Gemeindeverband, 60 Gemeinde); the ARS stands in five columns; longitude and
latitude are texts with a decimal comma. Lands as `area` (a full state, see `state_date` in the contract) and, for
Gemeinden, as `observation` (inhabitants, by sex, and km²). Regions (Satzart 30, Baden-Württemberg only) are no level
of the chain and are left out; Gemeinden that belong to no Kreis (shared territory, coastal waters; nobody lives
there) have no place in it and are reported. Postcodes and coordinates are checked, not kept: the contract has no
place for them.

Options: `sheet` (its name begins so), `area_system`, `valid_from` (since when the first state vouches for its areas),
`measures` (population, area). The Stichtag is read from the header ("Gebietsstand am 31.12.2021").
Source: https://www.destatis.de/gemeindeverzeichnis, explanations on the sheet "Inhalt" of every file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict

from ingestion.formats import values
from ingestion.formats.amtlich import BUND, BUND_NAME, code_of, parent_of
from ingestion.formats.base import DeliveryPeriod, Issue, ParsedDelivery
from ingestion.formats.rows import landing_table, observation, stichtag
from ingestion.formats.sheets import Row, Sheet, SheetError, Workbook, cell, formula_issues, label
from ingestion.formats.tables import ObservationColumns
from lagebild.instance import SourceConfig

_KEY_HEADERS: Final = ("Satzart", "Gemeindename")
_DIGITS: Final = {"10": 1, "20": 2, "40": 3, "50": 4, "60": 5}
"""Satzart → number of key columns that are filled."""
_LENGTHS: Final = (2, 1, 2, 4, 3)
_LEVEL: Final = {
    "10": "land",
    "20": "regierungsbezirk",
    "40": "kreis",
    "50": "gemeindeverband",
    "60": "gemeinde",
}
_BOX: Final = ((5.5, 15.5), (47.0, 55.2))
"""Longitudes and latitudes between which every German Gemeinde lies."""
_NAMED: Final = 5


class _Measures(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    population: str = "population"
    area: str = "area_km2"


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    sheet: str = "Onlineprodukt_Gemeinden"
    area_system: str = "amtlich"
    valid_from: date = date(1990, 10, 3)
    measures: _Measures = _Measures()


@dataclass(frozen=True)
class _Entry:
    row: int
    kind: str
    ars: str
    name: str
    cells: Mapping[str, Any]


@dataclass
class _Found:
    """What the rows held, and what is wrong with them."""

    entries: list[_Entry] = field(default_factory=list)
    faults: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    def fault(self, rule: str, row: int, value: object) -> None:
        self.faults.setdefault(rule, []).append((row, str(value)))


_MESSAGES: Final = {
    "Schlüssel unvollständig": ("refusal", "Der Regionalschlüssel passt nicht zur Satzart."),
    "Schlüssel doppelt": ("refusal", "Dasselbe Gebiet steht mehrfach in der Datei."),
    "Name fehlt": ("refusal", "Das Gebiet hat keinen Namen."),
    "Unbekannte Satzart": ("refusal", "Bekannt sind die Satzarten 10, 20, 30, 40, 50 und 60."),
    "Übergeordnetes Gebiet fehlt": ("refusal", "Das Gebiet darüber steht nicht in der Datei."),
    "Keine Zahl": ("refusal", "Hier wird eine Zahl ab 0 erwartet."),
    "Summe weicht ab": ("refusal", "Männlich und weiblich ergeben nicht die Bevölkerung insgesamt."),
    "Ohne Kreis": ("warning", "Das Gebiet gehört zu keinem Kreis und wurde nicht übernommen (keine Einwohner)."),
    "Koordinaten unplausibel": ("warning", "Länge oder Breite liegt nicht in Deutschland."),
    "Postleitzahl unplausibel": ("warning", "Eine Postleitzahl hat fünf Ziffern."),
}  # fmt: skip


class GemeindeverzeichnisAdapter:
    """One "Auszug GV" → `area` (full state of the day) and `observation` (Gemeinden)."""

    name: ClassVar[str] = "gemeindeverzeichnis"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        options = _Options.model_validate(source.options)
        issues = formula_issues(path)
        try:
            book = Workbook(path)
            # The sheet's name grows by the date in some years.
            similar = [name for name in book.names if name.startswith(options.sheet)]
            sheet, header, renamed = book.find(similar[0] if similar else options.sheet, _KEY_HEADERS)
        except SheetError as error:
            return ParsedDelivery(issues=(error.issue,))
        issues += renamed
        columns = _columns(sheet, header)
        day = _state_date(sheet.rows[header : header + 4])
        absent = [
            name
            for name in ("Land", "RB", "Kreis", "VB", "Gem", "Fläche", "insgesamt")
            if name not in columns
        ]
        if absent:
            message = f"In der Kopfzeile fehlt: {', '.join(absent)}. Bitte die Datei unverändert liefern."
            issues.append(Issue("refusal", "Spalte fehlt", message, sheet.name, header + 1, absent[0]))
        if day is None:
            message = "In der Kopfzeile fehlt der Gebietsstand (zum Beispiel „Gebietsstand am 31.12.2023“)."
            issues.append(Issue("refusal", "Gebietsstand fehlt", message, sheet.name, header + 3))
        if day is None or any(issue.severity == "refusal" for issue in issues):
            return ParsedDelivery(issues=tuple(issues))
        found = _entries(sheet, header, columns)
        entries = _placed(found)
        areas = _areas(entries, options, day)
        period = stichtag(day)
        figures = _figures(sheet, entries, options, period, found)
        issues += _issues(found, sheet)
        if not any(entry.kind == "60" for entry in entries):
            issues.append(
                Issue("refusal", "Keine Gemeinden", "Die Datei enthält keine Gemeinde.", sheet.name)
            )
        if any(issue.severity == "refusal" for issue in issues):
            return ParsedDelivery(issues=tuple(issues))
        tables = {"area": landing_table("area", areas), "observation": figures.table()}
        return ParsedDelivery(tables=tables, issues=tuple(issues), period=period)


def _columns(sheet: Sheet, header: int) -> dict[str, int]:
    """Position by header; the second header row refines the first."""
    columns: dict[str, int] = {}
    for row in sheet.rows[header : header + 2]:
        for position, written in enumerate(row):
            name = label(written)
            if name.startswith("Fläche"):
                name = "Fläche"
            if name and name not in columns:
                columns[name] = position
    return columns


def _state_date(rows: Sequence[Row]) -> date | None:
    for row in rows:
        for written in row:
            if match := re.search(r"Gebietsstand am (\d{2})\.(\d{2})\.(\d{4})", str(written)):
                try:
                    return date(int(match[3]), int(match[2]), int(match[1]))
                except ValueError:
                    return None
    return None


def _entries(sheet: Sheet, header: int, columns: Mapping[str, int]) -> _Found:
    found = _Found()
    seen: set[str] = set()
    keys = [columns[name] for name in ("Land", "RB", "Kreis", "VB", "Gem")]
    kind_at, name_at = columns["Satzart"], columns["Gemeindename"]
    for number, row in enumerate(sheet.rows[header + 2 :], start=header + 3):
        kind = values.text(cell(row, kind_at))
        if kind == "30" or not kind:
            continue
        if kind not in _DIGITS:
            # Below the table stand notes; a row with a key is no note.
            if values.text(cell(row, keys[0])).strip():
                found.fault("Unbekannte Satzart", number, kind)
            continue
        count = _DIGITS[kind]
        parts = [values.text(cell(row, position)) for position in keys[:count]]
        if any(
            not re.fullmatch(r"[0-9]+", part) or len(part) != length
            for part, length in zip(parts, _LENGTHS, strict=False)
        ):
            found.fault("Schlüssel unvollständig", number, " ".join(parts))
            continue
        ars = "".join(parts)
        name = str(cell(row, name_at)).strip()
        if not name:
            found.fault("Name fehlt", number, ars)
            continue
        if ars in seen:
            found.fault("Schlüssel doppelt", number, ars)
            continue
        seen.add(ars)
        cells = {title: cell(row, position) for title, position in columns.items()}
        found.entries.append(_Entry(number, kind, ars, name, cells))
    return found


def _placed(found: _Found) -> list[_Entry]:
    """Entries whose parents stand in the file; Länder without Regierungsbezirke become their own."""
    known = {entry.ars for entry in found.entries}
    lands = {entry.ars: entry for entry in found.entries if entry.kind == "10"}
    placed = list(found.entries)
    for ars in sorted({entry.ars[:3] for entry in found.entries if entry.kind == "40"} - known):
        land = lands.get(ars[:2])
        if land is not None:
            placed.append(_Entry(land.row, "20", ars, land.name, {}))
            known.add(ars)
    homeless = {
        entry.ars
        for entry in placed
        if entry.kind == "50" and entry.ars[:5] not in known and entry.ars[:2] in lands
    }
    result = []
    for entry in placed:
        above = {"20": entry.ars[:2], "40": entry.ars[:3], "50": entry.ars[:5], "60": entry.ars[:9]}.get(
            entry.kind
        )
        if entry.ars[:9] in homeless:
            inhabitants = entry.cells.get("insgesamt")
            if entry.kind == "60" and inhabitants not in ("", None, 0, 0.0):
                found.fault("Übergeordnetes Gebiet fehlt", entry.row, entry.ars)
            elif entry.kind == "60":
                found.fault("Ohne Kreis", entry.row, entry.name)
            continue
        if above is not None and above not in known:
            found.fault("Übergeordnetes Gebiet fehlt", entry.row, entry.ars)
            continue
        result.append(entry)
    return result


def _areas(entries: Sequence[_Entry], options: _Options, day: date) -> list[dict[str, Any]]:
    common = {"area_system": options.area_system, "valid_from": options.valid_from, "state_date": day}
    rows: list[dict[str, Any]] = [
        {**common, "area_level": "bund", "area_code": BUND, "area_name": BUND_NAME, "parent_code": None}
    ]
    rows += [
        {
            **common,
            "source_row": entry.row,
            "area_level": _LEVEL[entry.kind],
            "area_code": code_of(entry.ars),
            "area_name": entry.name,
            "parent_code": parent_of(entry.ars),
        }
        for entry in entries
    ]
    return rows


def _figures(
    sheet: Sheet, entries: Sequence[_Entry], options: _Options, period: DeliveryPeriod, found: _Found
) -> ObservationColumns:
    built = ObservationColumns()
    for entry in entries:
        if entry.kind != "60":
            continue
        try:
            total, men, women = (
                _count(entry.cells.get(name, "")) for name in ("insgesamt", "männlich", "weiblich")
            )
            km2 = _count(entry.cells["Fläche"])
        except ValueError as error:
            found.fault("Keine Zahl", entry.row, error)
            continue
        if men is not None and women is not None and total is not None and men + women != total:
            found.fault("Summe weicht ab", entry.row, entry.ars)
        _look_at_place(entry, found)
        area = (options.area_system, "gemeinde", code_of(entry.ars))
        population = options.measures.population
        for measure, group, value, column in (
            (population, "total", total, "Bevölkerung insgesamt"),
            (population, "sex=m", men, "Bevölkerung männlich"),
            (population, "sex=f", women, "Bevölkerung weiblich"),
            (options.measures.area, "total", km2, "Fläche km2"),
        ):
            built.add(
                observation(
                    row=entry.row,
                    sheet=sheet.name,
                    column=column,
                    area=area,
                    period=period,
                    measure=measure,
                    group=group,
                    value=value,
                    status="A" if value is not None else "O",
                )
            )
    return built


def _count(written: Any) -> float | None:
    if written in ("", None):
        return None
    number = values.decimal(written, ",")
    if not 0 <= number < 1e12:
        raise ValueError(str(written))
    return number


def _look_at_place(entry: _Entry, found: _Found) -> None:
    postcode = values.text(entry.cells.get("Postleitzahl", ""))
    if postcode and not re.fullmatch(r"\d{5}", postcode):
        found.fault("Postleitzahl unplausibel", entry.row, postcode)
    place = [entry.cells.get(name, "") for name in ("Längengrad", "Breitengrad")]
    if any(item in ("", None) for item in place):
        return
    try:
        inside = all(
            low <= values.decimal(item, ",") <= high for item, (low, high) in zip(place, _BOX, strict=True)
        )
    except ValueError:
        inside = False
    if not inside:
        found.fault("Koordinaten unplausibel", entry.row, " / ".join(str(item) for item in place))


def _issues(found: _Found, sheet: Sheet) -> list[Issue]:
    issues = []
    for rule, places in found.faults.items():
        severity, message = _MESSAGES[rule]
        rows = ", ".join(str(row) for row, _ in places[:_NAMED])
        text = f"{message} Betroffen: {len(places)} Zeilen, zuerst Zeile {rows}."
        issues.append(Issue("refusal" if severity == "refusal" else "warning", rule, text, sheet.name, places[0][0],
                            value=places[0][1]))  # fmt: skip
    return issues
