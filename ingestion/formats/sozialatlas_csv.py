"""Sozialatlas Flensburg: the first transcription (CSV, one file per printed table), before the database dump.

Belongs here: columns told by their place (half of the files have no header), cells the text recognition has spoilt.
Not here: the dump (`sozialatlas_dump`). A cell that is no number lands as missing (O) and is named in a warning: what
the print says can be looked up, but not guessed.

Options: `area_system`, `city_code`, `district_prefix`, `prefix` (put before every measure: a second edition must not be
taken for the first), `tables` (file name → `Layout`).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict

from ingestion.formats import values
from ingestion.formats.base import DeliveryPeriod, Issue, ParsedDelivery
from ingestion.formats.rows import landing_table, observation, stichtag
from lagebild.instance import SourceConfig

_DISTRICT: Final = re.compile(r"(\d{1,2})(?: .*)?")
_NAMED: Final = 10


class Layout(BaseModel):
    """One printed table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: Literal["districts", "labels"] = "districts"
    """What a row is: a Stadtteil by its number, or a figure of the city by its label."""
    header: bool = True
    delimiter: str = ","
    period: Literal["31.12.", "30.06.", "jahr"] = "31.12."
    columns: dict[int, str]
    """Place of a column (from 0) → `measure year [group]`; for labels → `year`."""
    labels: dict[str, str] = {}
    """Label of a row → `measure [group]`; other rows are not wanted."""
    row_count: int


class SozialatlasCsvAdapter:
    """One file → `observation`."""

    name: ClassVar[str] = "sozialatlas_csv"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        options = source.options
        if path.name not in options["tables"]:
            return _refused("Dateiname", "Diese Datei gehört zu keiner vereinbarten Tabelle.")
        layout = Layout.model_validate(options["tables"][path.name])
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            return _refused("Zeichensatz", "Die Datei ist nicht in UTF-8 geschrieben. Bitte so speichern.")
        lines = list(enumerate(csv.reader(io.StringIO(text), delimiter=layout.delimiter), start=1))
        body = [(number, cells) for number, cells in lines[1 if layout.header else 0 :] if any(cells)]
        wanted = [item for item in body if _area(item[1], layout, options) is not None]
        if len(wanted) != layout.row_count:
            return _refused(
                "Zeilenzahl ungewöhnlich",
                f"Die Tabelle hat {len(wanted)} Zeilen mit Angaben, vereinbart sind {layout.row_count}.",
            )
        rows: list[dict[str, Any]] = []
        spoilt: list[tuple[int, str]] = []
        for number, cells in wanted:
            for place, column in layout.columns.items():
                cell = cells[place].strip() if place < len(cells) else ""
                value = _number(cell)
                if value is None and cell:
                    spoilt.append((number, cell))
                rows.append(_row(number, cells, place, column, value, layout, options))
        issues = tuple(_spoilt(spoilt))
        return ParsedDelivery(tables={"observation": landing_table("observation", rows)}, issues=issues)


def _area(cells: list[str], layout: Layout, options: dict[str, Any]) -> tuple[str, str, str] | None:
    system, city = str(options["area_system"]), str(options["city_code"])
    if layout.rows == "labels":
        return (system, "stadt", city) if cells[0].strip() in layout.labels else None
    match = _DISTRICT.fullmatch(cells[0].strip())
    if match is None:
        return None
    return system, "stadtteil", f"{options['district_prefix']}{int(match[1]):02}"


def _row(
    number: int,
    cells: list[str],
    place: int,
    column: str,
    value: float | None,
    layout: Layout,
    options: dict[str, Any],
) -> dict[str, Any]:
    area = _area(cells, layout, options)
    assert area is not None  # the caller keeps rows with an area only
    said = column if layout.rows == "districts" else _of_label(layout.labels[cells[0].strip()], column)
    measure, year, *group = said.split()
    return observation(
        row=number,
        area=area,
        period=_period(layout.period, int(year)),
        measure=f"{options['prefix']}{measure}",
        group=group[0] if group else "total",
        value=value,
        status="A" if value is not None else "O",
        column=str(place + 1),
    )


def _of_label(label: str, year: str) -> str:
    measure, _, group = label.partition(" ")
    return f"{measure} {year} {group}"


def _period(kind: str, year: int) -> DeliveryPeriod:
    if kind == "jahr":
        return DeliveryPeriod("jahr", date(year, 1, 1), date(year, 12, 31))
    return stichtag(date(year, 12, 31) if kind == "31.12." else date(year, 6, 30))


def _number(cell: str) -> float | None:
    try:
        return values.decimal(cell, ",")
    except ValueError:
        return None


def _spoilt(cells: list[tuple[int, str]]) -> Iterator[Issue]:
    if not cells:
        return
    named = ", ".join(f"Zeile {number}: „{cell}“" for number, cell in cells[:_NAMED])
    message = (
        f"{len(cells)} Angaben sind keine Zahlen und stehen als fehlend: {named}. Bitte am Druck prüfen."
    )
    yield Issue("warning", "Keine Zahl", message, row=cells[0][0], value=cells[0][1])


def _refused(rule: str, message: str) -> ParsedDelivery:
    return ParsedDelivery(issues=(Issue("refusal", rule, message),))
