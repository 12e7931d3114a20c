"""From a raw table to a landing table, as a `Part` of the YAML says. Pure: no files, no landing zone.

Faults are collected as issues, one per column and kind of fault with the count and the first row; the value itself is
named for non-personal sources only.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import pyarrow as pa

from ingestion.formats import values
from ingestion.formats.base import DeliveryPeriod, Issue
from ingestion.formats.observations import observations
from ingestion.formats.raw import RawTable
from ingestion.formats.reading import Context, Reader, affected
from ingestion.formats.records import DAY_NUMBER, is_day_number, records
from ingestion.formats.spec import Part


@dataclass
class Outcome:
    """The landing table of one part (None after a refusal) and what was found."""

    table: pa.Table | None = None
    issues: list[Issue] = field(default_factory=list)

    @property
    def refused(self) -> bool:
        return any(issue.severity == "refusal" for issue in self.issues)


@dataclass
class PieceMapper:
    """Maps one part that arrives in pieces (large files). What it finds is the same as for the whole: one issue per
    column and kind of fault with its first row and the count over all pieces.

    For record tables only: figures are summed and completed over the whole file (`map_part`).
    """

    part: Part
    context: Context
    period_header: str = ""
    period: DeliveryPeriod | None = None
    _found: dict[tuple[str, str, str | None], Issue] = field(default_factory=dict)
    _counts: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    _signs: tuple[set[str], set[str]] = field(default_factory=lambda: (set(), set()))
    """Columns read with the agreed sign, and with the other one."""
    _rows: int = 0
    _given_up: bool = False

    def add(self, raw: RawTable) -> pa.Table | None:
        """The landing rows of the next piece; None where there are none or the delivery is refused already."""
        if self._given_up:
            return None
        for note in raw.notes:
            self._found.setdefault((note.rule, note.severity, note.column), note)
        outcome, reader, period = _map(raw, self.part, self.context, self.period_header)
        self._rows += len(reader.raw.rows)
        for issue in outcome.issues:
            if issue.rule == _NO_DATA:
                continue  # of this piece; whether of the file is known at the end
            if issue.rule == _OTHER_DAY and self.period is not None:
                # The pieces before had the day of the file name: it is not the name that is wrong.
                issue = _several_days(raw, self.period_header, issue.row or 0)
            self._found.setdefault((issue.rule, issue.severity, issue.column), issue)
            # Faults of the header and of the period would repeat in every piece.
            self._given_up |= issue.severity == "refusal" and issue.rule in _OF_THE_WHOLE
        for key, (hint, count) in reader.unreadable_cells.items():
            self._counts[key] = (hint, self._counts.get(key, (hint, 0))[1] + count)
        self._signs[0].update(reader.agreed_signs)
        self._signs[1].update(
            issue.column or "" for issue in outcome.issues if issue.rule == "Dezimalzeichen geändert"
        )
        if self.period is not None and period is not None and period != self.period:
            first = int(reader.raw.rows[0])
            self._found["Mehrere Stichtage", "refusal", None] = _several_days(raw, self.period_header, first)
            self._given_up = True
        self.period = self.period or period
        return None if self.refused else outcome.table

    @property
    def refused(self) -> bool:
        return any(issue.severity == "refusal" for issue in self._found.values())

    def finish(self) -> list[Issue]:
        """All issues, after the last piece."""
        if self._given_up:
            # A file without its columns or its day is not judged row by row.
            return [
                issue
                for issue in self._found.values()
                if issue.rule in _OF_THE_WHOLE or issue.rule in _OF_THE_HEADER
            ]
        if not self._rows and not self.refused and not self.context.may_be_empty:
            return [*self._found.values(), _no_data(None)]
        for column in sorted(self._signs[0] & self._signs[1]):
            warning = self._found.pop(("Dezimalzeichen geändert", "warning", column))
            self._found["Keine Zahl", "refusal", column] = Issue(
                "refusal",
                "Keine Zahl",
                "Die Zahlen der Spalte sind teils mit Dezimalpunkt, teils mit Dezimalkomma geschrieben. Bitte "
                "einheitlich neu liefern.",
                row=warning.row,
                column=column,
            )
        issues = []
        for issue in self._found.values():
            counted = self._counts.get((issue.rule, issue.column or ""))
            issues.append(replace(issue, message=affected(*counted)) if counted else issue)
        return issues


_NO_DATA = "Keine Daten"
_OTHER_DAY = "Stichtag passt nicht zum Dateinamen"
_OF_THE_WHOLE = (
    "Spalte fehlt",
    "Spalte doppelt",
    "Personenbezogene Spalte",
    "Stichtag fehlt",
    "Mehrere Stichtage",
    _OTHER_DAY,
)
_OF_THE_HEADER = ("Spaltenname geändert", "Unbekannte Spalte", "Kopfzeile verschoben")


def map_part(
    raw: RawTable, part: Part, context: Context, period_header: str = ""
) -> tuple[Outcome, DeliveryPeriod | None]:
    """The landing table of one part and the period its content names (or the file's).

    `period_header` is the column with the Stichtag, if the period stands in the content.
    """
    outcome, _, period = _map(raw, part, context, period_header)
    outcome.issues[:0] = raw.notes
    return outcome, period


def _map(
    raw: RawTable, part: Part, context: Context, period_header: str
) -> tuple[Outcome, Reader, DeliveryPeriod | None]:
    reader = Reader(raw, part, context, (period_header,) if period_header else ())
    outcome = Outcome(issues=reader.issues)
    if outcome.refused:
        return outcome, reader, context.period
    if part.skip_rows:
        keep = ~np.any([reader.matching(row_filter) for row_filter in part.skip_rows], axis=0)
        reader = Reader(raw.select(keep), part, context, (period_header,) if period_header else ())
        outcome.issues = reader.issues
    if not len(reader.raw.rows) and not context.may_be_empty:
        outcome.issues.append(_no_data(raw.sheet))
        return outcome, reader, context.period
    period = context.period
    if period_header:
        period, issue = _period_from_content(reader, period_header, context)
        if issue:
            outcome.issues.append(issue)
            return outcome, reader, context.period
    settled = replace(context, period=period)
    reader.context = settled
    if part.table == "observation":
        outcome.table = observations(reader, part, settled, outcome.issues)
    else:
        outcome.table = records(reader, part, settled, outcome.issues)
    if outcome.refused:
        outcome.table = None
    return outcome, reader, period


def _no_data(sheet: str | None) -> Issue:
    return Issue("refusal", _NO_DATA, "Unter der Kopfzeile stehen keine Daten.", sheet=sheet)


def _several_days(raw: RawTable, header: str, row: int) -> Issue:
    return Issue(
        "refusal",
        "Mehrere Stichtage",
        "Eine Datei darf nur einen Stichtag enthalten. Bitte je Stichtag eine Datei liefern.",
        sheet=raw.sheet,
        row=row,
        column=header,
    )


def _period_from_content(
    reader: Reader, header: str, context: Context
) -> tuple[DeliveryPeriod | None, Issue | None]:
    encoded = reader.column(header)
    if encoded is None or not encoded.cells or (encoded.codes < 0).any():
        return None, Issue(
            "refusal",
            "Stichtag fehlt",
            "Jede Zeile braucht den Stichtag.",
            sheet=reader.raw.sheet,
            column=header,
        )
    days: dict[date, int] = {}
    for code, cell in enumerate(encoded.cells):
        try:
            days.setdefault(values.day(cell), code)
        except ValueError:
            hint = DAY_NUMBER if is_day_number(cell) else "Bitte als TT.MM.JJJJ angeben."
            return None, reader.unreadable(header, encoded, [code], "Kein Datum", hint)
    if len(days) > 1:
        second = list(days.values())[1]
        return None, _several_days(reader.raw, header, int(reader.raw.rows[encoded.row_of(second)]))
    found = next(iter(days))
    if context.period is not None and context.period.end != found:
        return None, Issue(
            "refusal",
            _OTHER_DAY,
            f"Der Dateiname nennt den {context.period.end:%d.%m.%Y}, die Datei enthält den {found:%d.%m.%Y}. "
            "Bitte prüfen, welche Angabe stimmt.",
            sheet=reader.raw.sheet,
            row=int(reader.raw.rows[0]),
            column=header,
        )
    return DeliveryPeriod("stichtag", found, found), None
