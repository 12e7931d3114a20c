"""German Index of Socioeconomic Deprivation of the RKI: published index values as CSV, one row per area and year.

The first column names the level (`kreis_id`, `gvb_id`, `ror_id`, `nuts_2_id`, `gem_id`); then name, year and the
values: score (0 to 1), quintile, decile, and the class 1/2/3 (`gisd_k`). The files of the Länder hold the score only,
computed within that Land, so it must not be mixed with the nationwide one (`measures` of the source says which is
which).

Options: `levels` (key column → area system, level, number of characters), `measures` (value column → measure),
`areas` (true: the file also names the areas of its level, below `root`), `valid_from` (of those areas).
Source: RKI, GISD release 2025 v1.0, DOI 10.5281/zenodo.14781119, Readme.md. Computing the index is not done here.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict

from ingestion.formats.base import DeliveryPeriod, Issue, ParsedDelivery
from ingestion.formats.rows import landing_table, observation
from ingestion.formats.tables import ObservationColumns
from lagebild.instance import SourceConfig


class _Level(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    system: str
    level: str
    characters: int


class _Root(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    level: str
    code: str
    name: str


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    levels: dict[str, _Level]
    measures: dict[str, str]
    areas: bool = False
    root: _Root | None = None
    valid_from: date = date(1990, 10, 3)


_NAMED: Final = 5


class GisdAdapter:
    """One CSV of the GISD → `observation` (and `area` where the source asks for it)."""

    name: ClassVar[str] = "gisd"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        options = _Options.model_validate(source.options)
        try:
            content = path.read_bytes().decode("utf-8-sig")
            rows = list(csv.reader(io.StringIO(content, newline="")))
        except (UnicodeDecodeError, csv.Error):
            return _refused("Nicht lesbar", "Die Datei ist keine CSV-Datei in UTF-8.")
        header = [name.strip().strip('"') for name in rows[0]] if rows else []
        key = next((name for name in header if name in options.levels), None)
        named = key.removesuffix("_id") + "_name" if key else ""
        wanted = [name for name in header if name in options.measures]
        if key is None or "year" not in header or named not in header or not wanted:
            known = ", ".join(options.levels)
            message = (
                f"Die Kopfzeile muss eine Schlüsselspalte ({known}) mit Namen, „year“ und mindestens einen Wert "
                f"({', '.join(options.measures)}) enthalten."
            )
            return _refused("Kopfzeile fehlt", message)
        columns = {name: position for position, name in enumerate(header)}
        return _parse(rows, columns, key, wanted, options)


def _parse(
    rows: list[list[str]], columns: dict[str, int], key: str, wanted: list[str], options: _Options
) -> ParsedDelivery:
    level = options.levels[key]
    built = ObservationColumns()
    faults: dict[str, list[int]] = {}
    names: dict[str, tuple[int, str]] = {}
    seen: set[tuple[str, int]] = set()
    for number, row in enumerate(rows[1:], start=2):
        if not any(row):
            continue
        if len(row) != len(columns):
            faults.setdefault("Zeile unvollständig", []).append(number)
            continue
        code, year = row[columns[key]].strip(), row[columns["year"]].strip()
        if len(code) != level.characters or not re.fullmatch(r"[A-Z0-9]+", code):
            faults.setdefault("Unbekannter Schlüssel", []).append(number)
            continue
        if not re.fullmatch(r"(19|20)\d{2}", year):
            faults.setdefault("Jahr unlesbar", []).append(number)
            continue
        if (code, int(year)) in seen:
            faults.setdefault("Doppelte Zeile", []).append(number)
            continue
        seen.add((code, int(year)))
        names.setdefault(code, (number, row[columns[key.removesuffix("_id") + "_name"]].strip()))
        period = DeliveryPeriod("jahr", date(int(year), 1, 1), date(int(year), 12, 31))
        for name in wanted:
            try:
                value = _number(row[columns[name]])
            except ValueError:
                faults.setdefault("Keine Zahl", []).append(number)
                continue
            built.add(
                observation(
                    row=number,
                    column=name,
                    area=(level.system, level.level, code),
                    period=period,
                    measure=options.measures[name],
                    value=value,
                    # The RKI writes NA where an area cannot be rated.
                    status="A" if value is not None else "O",
                )
            )
    issues = list(_issues(faults))
    if issues:
        return ParsedDelivery(issues=tuple(issues))
    if not seen:
        return _refused("Keine Werte", "Unter der Kopfzeile steht keine Zeile.")
    tables = {"observation": built.table()}
    if options.areas and options.root is not None:
        common = {"area_system": level.system, "valid_from": options.valid_from}
        root = options.root
        areas = [
            {**common, "area_level": root.level, "area_code": root.code, "area_name": root.name},
            *(
                {
                    **common,
                    "source_row": number,
                    "area_level": level.level,
                    "area_code": code,
                    "area_name": name or code,
                    "parent_code": root.code,
                }
                for code, (number, name) in sorted(names.items())
            ),
        ]
        tables["area"] = landing_table("area", areas)
    return ParsedDelivery(tables=tables)


def _number(written: str) -> float | None:
    if written.strip() in ("", "NA"):
        return None
    number = float(written)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def _issues(faults: dict[str, list[int]]) -> Iterator[Issue]:
    for rule, found in faults.items():
        rows = ", ".join(str(row) for row in found[:_NAMED])
        message = (
            f"Die Zeile passt nicht zum Aufbau des GISD. Betroffen: {len(found)} Zeilen, zuerst Zeile {rows}."
        )
        yield Issue("refusal", rule, message, row=found[0])


def _refused(rule: str, message: str) -> ParsedDelivery:
    return ParsedDelivery(issues=(Issue("refusal", rule, message),))
