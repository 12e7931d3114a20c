"""Workbooks of the Statistik der Bundesagentur für Arbeit: regions in rows, a header block above, footnotes below.

Titles, notes and the number of header rows differ from order to order, so nothing is addressed by position. The table
begins with the first row whose region cell holds an official key ("01001 Flensburg, Stadt", or the key alone); the
rows between the title and it are the header block. Merged header cells reach to the right, so that every column has a
path of headings ("Sozialversicherungspflichtig Beschäftigte / ohne Berufsabschluss / 30.06.2021") and is chosen by
the words on it. The period stands in the path, in a column of its own (`period_column`), or in the title ("Stichtag:
30. Juni 2021"). Rows without a key below the table are footnotes. `*` is hidden by the BA (fewer than 3, or to
protect another cell), the other signs are those of official statistics (`ingestion.formats.signs`).

Options: `sheet` (regular expression; default every sheet with such a table), `area_system`, `levels` (digits →
level), `period_type`, `period_column`, `figures` (measure, group, `words` of the path, `without`).
Source: Statistik der BA, "Zeichenerklärung" and sheet "Impressum" of its workbooks.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from ingestion.formats import signs, values
from ingestion.formats.base import DeliveryPeriod, Issue, ParsedDelivery
from ingestion.formats.rows import observation
from ingestion.formats.sheet_audit import SheetAudit, audit, merged_issue
from ingestion.formats.sheets import Row, Sheet, SheetError, Workbook, cell, formula_issues
from ingestion.formats.tables import ObservationColumns
from lagebild.instance import SourceConfig

_KEY: Final = re.compile(r"(?P<key>\d{2,8})(?:\s+\D.*)?")
_MONTHS: Final = (
    "januar", "februar", "märz", "april", "mai", "juni", "juli", "august", "september", "oktober", "november",
    "dezember",
)  # fmt: skip
_DATE: Final = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})")
_MONTH: Final = re.compile(rf"(?:(\d{{1,2}})\.\s*)?({'|'.join(_MONTHS)})\s+(\d{{4}})", re.IGNORECASE)
_YEAR: Final = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")
_HEADER_ROWS: Final = 8
_NAMED: Final = 5


class _Figure(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    measure: str
    group: str = "total"
    words: tuple[str, ...]
    """All of them stand in the headings of the column (upper and lower case alike)."""
    without: tuple[str, ...] = ()
    """None of them does."""


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    sheet: str = ""
    area_system: str = "amtlich"
    levels: dict[int, str] = Field(default_factory=lambda: {2: "land", 5: "kreis", 8: "gemeinde"})
    period_type: Literal["stichtag", "jahr", "monat"] = "stichtag"
    period_column: str = ""
    figures: tuple[_Figure, ...]


@dataclass(frozen=True)
class _Table:
    sheet: Sheet
    first: int
    key_at: int
    paths: Mapping[int, str]
    title: str


@dataclass
class _Faults:
    found: dict[str, list[tuple[str, int, str]]] = field(default_factory=dict)

    def add(self, rule: str, sheet: str, row: int, value: object) -> None:
        self.found.setdefault(rule, []).append((sheet, row, str(value)))

    def issues(self) -> Iterator[Issue]:
        for rule, places in self.found.items():
            rows = ", ".join(str(row) for _, row, _ in places[:_NAMED])
            message = f"Bitte die Angaben prüfen. Betroffen: {len(places)} Zellen, zuerst Zeile {rows}."
            yield Issue("refusal", rule, message, places[0][0], places[0][1], value=places[0][2])


class BaWorkbookAdapter:
    """A workbook of the BA → `observation`, from every sheet that holds a table by region."""

    name: ClassVar[str] = "ba_workbook"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        options = _Options.model_validate(source.options)
        issues = formula_issues(path)
        built, faults = ObservationColumns(), _Faults()
        seen: set[tuple[str, str, date, str, str]] = set()
        matched: set[_Figure] = set()
        try:
            book = Workbook(path)
            wanted = [name for name in book.names if re.search(options.sheet, name)]
            tables = [table for name in wanted if (table := _table(book.sheet(name), options)) is not None]
            if not tables:
                shown = ", ".join(f"„{name}“" for name in book.names) or "keine"
                raise SheetError(
                    "Tabelle fehlt",
                    "Kein Blatt enthält eine Tabelle mit amtlichen Schlüsseln in den Zeilen. "
                    f"Vorhandene Blätter: {shown}.",
                )
        except SheetError as error:
            return ParsedDelivery(issues=(*issues, error.issue))
        audited = audit(path)
        for table in tables:
            if issue := _merged(table, audited.get(table.sheet.name, SheetAudit())):
                issues.append(issue)
            matched |= _read(table, options, built, faults, seen)
        issues += faults.issues()
        for figure in options.figures:
            if figure not in matched:
                words = ", ".join(f"„{word}“" for word in figure.words)
                message = f"Keine Spalte trägt die Überschriften {words}. Bitte den Aufbau nicht verändern."
                issues.append(
                    Issue(
                        "refusal", "Spalte fehlt", message, column=figure.words[0] if figure.words else None
                    )
                )
        if any(issue.severity == "refusal" for issue in issues):
            return ParsedDelivery(issues=tuple(issues))
        return ParsedDelivery(tables={"observation": built.table()}, issues=tuple(issues))


def _merged(table: _Table, found: SheetAudit) -> Issue | None:
    """A refusal where keys or figures are merged downwards: rows without a key would pass for notes."""
    downwards = SheetAudit(merged=tuple(item for item in found.merged if item.last_row > item.first_row))
    columns = {table.key_at + 1: "Schlüssel", **{at + 1: path for at, path in table.paths.items()}}
    return merged_issue(
        downwards, table.sheet.name, range(table.first + 1, len(table.sheet.rows) + 1), columns
    )


def _key(written: Any, options: _Options) -> str | None:
    found = _KEY.fullmatch(values.text(written))
    return found["key"] if found and len(found["key"]) in options.levels else None


def _table(sheet: Sheet, options: _Options) -> _Table | None:
    """Where the table of a sheet begins: the first row with a key left of at least one filled cell."""
    for number, row in enumerate(sheet.rows):
        for position, written in enumerate(row[:3]):
            if not isinstance(written, str) or _key(written, options) is None:
                continue
            if all(item in ("", None) for item in row[position + 1 :]):
                continue
            header = sheet.rows[max(0, number - _HEADER_ROWS) : number]
            return _Table(sheet, number, position, _paths(header, position), _title(sheet.rows[:number]))
    return None


def _paths(header: Sequence[Row], key_at: int) -> dict[int, str]:
    """Headings above each column, coarsest first; a heading reaches to the right until the next one of its row."""
    rows = [row for row in header if sum(item not in ("", None) for item in row) > 1]
    width = max((len(row) for row in rows), default=0)
    paths: dict[int, list[str]] = {position: [] for position in range(key_at + 1, width)}
    for row in rows:
        current = ""
        for position in range(key_at + 1, width):
            written = cell(row, position)
            current = _heading(written) if written not in ("", None) else current
            if current:
                paths[position].append(current)
    return {position: " / ".join(parts) for position, parts in paths.items() if parts}


def _heading(written: Any) -> str:
    if isinstance(written, datetime | date):
        return f"{written:%d.%m.%Y}"
    joined = re.sub(r"-\s*\n\s*", "", values.text(written))
    return re.sub(r"\s+", " ", joined).strip()


def _title(rows: Sequence[Row]) -> str:
    return " ".join(_heading(item) for row in rows for item in row if item not in ("", None))


def _figure(path: str, options: _Options) -> _Figure | None:
    text = path.lower()
    for figure in options.figures:
        if all(word.lower() in text for word in figure.words) and not any(
            word.lower() in text for word in figure.without
        ):
            return figure
    return None


def period_in(text: str, period_type: Literal["stichtag", "jahr", "monat"]) -> DeliveryPeriod | None:
    """The last period a text names: `30.06.2021`, `30. Juni 2021`, `Juni 2021` (its last day), `2021`."""
    try:
        return _period(text, period_type)
    except ValueError:  # 31.02.2021
        return None


def _period(text: str, period_type: Literal["stichtag", "jahr", "monat"]) -> DeliveryPeriod | None:
    days = [date(int(found[3]), int(found[2]), int(found[1])) for found in _DATE.finditer(text)]
    for found in _MONTH.finditer(text):
        month, year = _MONTHS.index(found[2].lower()) + 1, int(found[3])
        days.append(date(year, month, int(found[1] or monthrange(year, month)[1])))
    years = [int(found[0]) for found in _YEAR.finditer(text)]
    if period_type == "jahr":
        return DeliveryPeriod("jahr", date(years[-1], 1, 1), date(years[-1], 12, 31)) if years else None
    if not days:
        return None
    end = days[-1]
    if period_type == "monat":
        return DeliveryPeriod(
            "monat", end.replace(day=1), end.replace(day=monthrange(end.year, end.month)[1])
        )
    return DeliveryPeriod("stichtag", end, end)


def _read(
    table: _Table,
    options: _Options,
    built: ObservationColumns,
    faults: _Faults,
    seen: set[tuple[str, str, date, str, str]],
) -> set[_Figure]:
    sheet = table.sheet.name
    period_at = next(
        (at for at, path in table.paths.items() if options.period_column and options.period_column in path),
        None,
    )
    columns = [
        (at, figure, period_in(path, options.period_type))
        for at, path in table.paths.items()
        if at != period_at and (figure := _figure(path, options)) is not None
    ]
    from_title = period_in(table.title, options.period_type)
    for number, row in enumerate(table.sheet.rows[table.first :], start=table.first + 1):
        code = _key(cell(row, table.key_at), options)
        if code is None:
            continue
        own = (
            period_in(_heading(cell(row, period_at)), options.period_type) if period_at is not None else None
        )
        for at, figure, in_header in columns:
            period = own or in_header or from_title
            if period is None:
                faults.add("Zeitraum fehlt", sheet, number, table.paths[at])
                continue
            identity = (options.levels[len(code)], code, period.end, figure.measure, figure.group)
            if identity in seen:
                faults.add("Doppelte Angabe", sheet, number, code)
                continue
            seen.add(identity)
            try:
                read = _cell(cell(row, at))
            except ValueError:
                faults.add("Keine Zahl", sheet, number, cell(row, at))
                continue
            built.add(
                observation(
                    row=number,
                    sheet=sheet,
                    column=table.paths[at],
                    area=(options.area_system, options.levels[len(code)], code),
                    period=period,
                    measure=figure.measure,
                    group=figure.group,
                    value=read.value,
                    status=read.obs_status,
                    conf=read.conf_status,
                )
            )
    return {figure for _, figure, _ in columns}


def _cell(written: Any) -> signs.Cell:
    if written in ("", None):
        return signs.MISSING
    if not isinstance(written, str):
        return signs.Cell(values.decimal(written, ","))
    if written.strip() == "*":
        return signs.HIDDEN
    return signs.read(written, ",")
