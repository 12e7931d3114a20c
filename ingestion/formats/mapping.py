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
from ingestion.formats.reading import Context, Reader
from ingestion.formats.records import records
from ingestion.formats.spec import Part


@dataclass
class Outcome:
    """The landing table of one part (None after a refusal) and what was found."""

    table: pa.Table | None = None
    issues: list[Issue] = field(default_factory=list)

    @property
    def refused(self) -> bool:
        return any(issue.severity == "refusal" for issue in self.issues)


def map_part(
    raw: RawTable, part: Part, context: Context, period_header: str = ""
) -> tuple[Outcome, DeliveryPeriod | None]:
    """The landing table of one part and the period its content names (or the file's).

    `period_header` is the column with the Stichtag, if the period stands in the content.
    """
    reader = Reader(raw, part, context, (period_header,) if period_header else ())
    outcome = Outcome(issues=reader.issues)
    if outcome.refused:
        return outcome, context.period
    if part.skip_rows:
        keep = ~np.any([reader.matching(row_filter) for row_filter in part.skip_rows], axis=0)
        reader = Reader(raw.select(keep), part, context, (period_header,) if period_header else ())
        outcome.issues = reader.issues
    if not len(reader.raw.rows) and not context.may_be_empty:
        outcome.issues.append(
            Issue("refusal", "Keine Daten", "Unter der Kopfzeile stehen keine Daten.", sheet=raw.sheet)
        )
        return outcome, context.period
    period = context.period
    if period_header:
        period, issue = _period_from_content(reader, period_header, context)
        if issue:
            outcome.issues.append(issue)
            return outcome, context.period
    settled = replace(context, period=period)
    reader.context = settled
    if part.table == "observation":
        outcome.table = observations(reader, part, settled, outcome.issues)
    else:
        outcome.table = records(reader, part, settled, outcome.issues)
    if outcome.refused:
        outcome.table = None
    return outcome, period


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
            return None, reader.unreadable(
                header, encoded, [code], "Kein Datum", "Bitte als TT.MM.JJJJ angeben."
            )
    if len(days) > 1:
        second = list(days.values())[1]
        return None, Issue(
            "refusal",
            "Mehrere Stichtage",
            "Eine Datei darf nur einen Stichtag enthalten. Bitte je Stichtag eine Datei liefern.",
            sheet=reader.raw.sheet,
            row=int(reader.raw.rows[encoded.row_of(second)]),
            column=header,
        )
    found = next(iter(days))
    if context.period is not None and context.period.end != found:
        return None, Issue(
            "refusal",
            "Stichtag passt nicht zum Dateinamen",
            f"Der Dateiname nennt den {context.period.end:%d.%m.%Y}, die Datei enthält den {found:%d.%m.%Y}. "
            "Bitte prüfen, welche Angabe stimmt.",
            sheet=reader.raw.sheet,
            row=int(reader.raw.rows[0]),
            column=header,
        )
    return DeliveryPeriod("stichtag", found, found), None
