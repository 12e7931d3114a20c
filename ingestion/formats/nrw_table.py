"""Landesdatenbank NRW and its sisters: tables as printed, without a layout written down per table.

`nrw_layout` takes the file apart; here its labels become areas, periods, measures and groups. Format: docs/formats.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from ingestion.formats.base import Issue, ParsedDelivery
from ingestion.formats.detect import Agreed, dates_issue, decode, delimiter_issue
from ingestion.formats.flat_file import read_flat
from ingestion.formats.nrw_labels import NrwOptions, cells, measures, members
from ingestion.formats.nrw_layout import (
    DataRow,
    HeaderRow,
    LayoutFault,
    PrintedTable,
    is_times,
    take_apart,
    times_in,
)
from ingestion.formats.official import Moment, moment
from ingestion.formats.official_table import (
    Figures,
    area_issue,
    area_key,
    assemble,
    group_id,
)
from lagebild.instance import SourceConfig


class NrwTableAdapter:
    """`format: nrw_table`; options: `NrwOptions`."""

    name: ClassVar[str] = "nrw_table"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        options = NrwOptions.model_validate(source.options)
        content, issues = read_flat(path)
        if not content:
            return ParsedDelivery(issues=tuple(issues))
        parsed = read_nrw(content, options)
        return replace(parsed, issues=(*issues, *parsed.issues))


def read_nrw(content: bytes, options: NrwOptions) -> ParsedDelivery:
    """Observations in the bytes of a printed table."""
    agreed = Agreed(options.encoding, options.delimiter, options.decimal, "TT.MM.JJJJ")
    text = decode(content, agreed)
    if isinstance(text, Issue):
        return ParsedDelivery(issues=(text,))
    if issue := delimiter_issue(text.split("\n____", 1)[0], agreed):
        return ParsedDelivery(issues=(issue,))
    try:
        table = take_apart(text, options.delimiter)
        if options.table and table.code != options.table:
            raise LayoutFault(
                "Andere Tabelle",
                f"Vereinbart ist die Tabelle {options.table}; die Datei enthält die Tabelle {table.code}. Bitte die "
                "vereinbarte Tabelle liefern.",
                1,
            )
        figures, issues = _understand(table, options, agreed)
    except LayoutFault as fault:
        return ParsedDelivery(issues=(fault.issue,))
    parsed = assemble(figures, options)
    if table.published is None:
        message = "Am Ende der Datei fehlt die Zeile „Stand: …“ mit dem Tag der Veröffentlichung."
        issues.append(Issue("warning", "Stand fehlt", message))
    return replace(
        parsed,
        issues=(*issues, *parsed.issues),
        part=parsed.part or table.code,
        published_on=table.published,
    )


def _understand(table: PrintedTable, options: NrwOptions, agreed: Agreed) -> tuple[Figures, list[Issue]]:
    keys = [[row.cells[number] for row in table.rows] for number in range(table.keys)]
    area_column = _area_column(keys, options)
    time_column = next(
        (number for number, cells in enumerate(keys) if number != area_column and is_times(_stripped(cells))),
        None,
    )
    name_column = _name_column(keys, area_column, time_column)
    areas = _areas(table, area_column, options)
    issues = _indentation(table, areas, name_column, area_column)
    column_moments, headers = _column_times(table.headers)
    row_moments = _row_times(table, time_column, agreed)
    if not row_moments and not column_moments:
        named = times_in(table.title)
        if len(named) != 1:
            found = f"Der Titel nennt {len(named)} Zeiten." if named else "Auch der Titel nennt keine."
            raise LayoutFault(
                "Zeitangabe fehlt", f"Weder eine Spalte noch die Kopfzeilen nennen die Zeit. {found}"
            )
        row_moments = [_moment(named[0])] * len(table.rows)
    if row_moments and column_moments:
        raise LayoutFault("Zwei Zeitangaben", "Spalten und Zeilen nennen eine Zeit. Bitte mit einer abrufen.")

    taken = {area_column, time_column, name_column}
    dimensions = [number for number in range(table.keys) if number not in taken]
    row_members = [
        members(
            keys[number],
            options.row_dimensions[place] if place < len(options.row_dimensions) else "",
            f"merkmal_{place + 1}",
            options,
        )
        for place, number in enumerate(dimensions)
    ]
    column_members = [
        members(header.labels, header.variable, f"kopf_{place + 1}", options)
        for place, header in enumerate(headers)
    ]
    measure_ids = measures(table, options)
    read, cell_of, dashes = cells(table, options, agreed, issues)

    width = len(table.measures)
    moments = row_moments or column_moments
    periods = list(dict.fromkeys(item.period for item in moments))
    names: dict[str, int] = {}
    group_of, period_of = [], []
    for row in range(len(table.rows)):
        for column in range(width):
            when = row_moments[row] if row_moments else column_moments[column]
            found_members = dict(
                member
                for member in (
                    when.part,
                    *(found[row] for found in row_members),
                    *(found[column] for found in column_members),
                )
                if member is not None
            )
            group_of.append(names.setdefault(group_id(found_members), len(names)))
            period_of.append(periods.index(when.period))
    distinct_areas = list(dict.fromkeys(areas))
    distinct_measures = list(dict.fromkeys(measure_ids))
    area_of = np.array([distinct_areas.index(area) for area in areas], dtype=np.int64)
    measure_of = np.array([distinct_measures.index(name) for name in measure_ids], dtype=np.int64)
    labels = [
        " / ".join(
            filter(None, [*(header.labels[column] for header in table.headers), table.measures[column]])
        )
        for column in range(width)
    ]
    count = len(table.rows)
    figures = Figures(
        areas=distinct_areas,
        area_of=np.repeat(area_of, width),
        periods=periods,
        period_of=np.array(period_of, dtype=np.int64),
        measures=distinct_measures,
        measure_of=np.tile(measure_of, count),
        groups=list(names),
        group_of=np.array(group_of, dtype=np.int64),
        cells=read,
        cell_of=cell_of,
        dashes=dashes,
        columns=labels,
        column_of=np.tile(np.arange(width, dtype=np.int64), count),
        rows=np.repeat(np.array([row.number for row in table.rows], dtype=np.int64), width),
    )
    return figures, issues


def _stripped(cells: Sequence[str]) -> list[str]:
    return [cell.strip() for cell in cells]


def _area_column(keys: list[list[str]], options: NrwOptions) -> int | None:
    """The key column with most area keys; at least half of its cells must be one. None for the table of one area."""
    hits = [
        sum(area_key(cell, options.area) is not None for cell in _stripped(cells)) / len(cells)
        for cells in keys
    ]
    best = max(hits)
    if best < 0.5 and options.area.constant:
        return None
    if best < 0.5:
        raise LayoutFault(
            "Gebiet fehlt",
            "Keine Spalte vor den Zahlen enthält amtliche Gebietsschlüssel. Bitte die Tabelle mit Schlüsseln abrufen.",
        )
    return hits.index(best)


def _name_column(keys: list[list[str]], area: int | None, time: int | None) -> int | None:
    """The column right of the keys that says the same for the same key."""
    if area is None:
        return None
    number = area + 1
    if number >= len(keys) or number == time:
        return None
    pairs = set(zip(_stripped(keys[area]), _stripped(keys[number]), strict=True))
    several = len({name for _, name in pairs}) > 1 or len(pairs) == 1
    return number if several and len(pairs) == len({code for code, _ in pairs}) else None


def _areas(table: PrintedTable, column: int | None, options: NrwOptions) -> list[tuple[str, str]]:
    if column is None:
        constant = area_key(options.area.constant, options.area)
        if constant is None:
            raise ValueError(
                f"area.constant '{options.area.constant}' is no area key"
            )  # a mistake in the YAML
        return [constant] * len(table.rows)
    found: list[tuple[str, str]] = []
    bad: list[DataRow] = []
    for row in table.rows:
        key = area_key(row.cells[column].strip(), options.area)
        if key is None:
            bad.append(row)
        else:
            found.append(key)
    if bad:
        written = list(dict.fromkeys(row.cells[column].strip() for row in bad))
        fault = LayoutFault("Unbekanntes Gebiet", "")
        fault.issue = area_issue(written, options.area, bad[0].number, f"Spalte {column + 1}")
        raise fault
    return found


def _indentation(
    table: PrintedTable, areas: Sequence[tuple[str, str]], names: int | None, codes: int | None
) -> list[Issue]:
    """A warning where the indentation of names puts an area under another one than its key does."""
    if names is None or codes is None:
        return []
    above: list[tuple[int, str]] = []
    wrong: list[DataRow] = []
    for row, (level, area) in zip(table.rows, areas, strict=True):
        name, written = row.cells[names], row.cells[codes].strip()
        if area != written:
            continue  # a key the registry gives another meaning has no place in the hierarchy of keys
        depth = len(name) - len(name.lstrip(" "))
        code = "" if level == "bund" else written.removeprefix("JH")
        while above and above[-1][0] >= depth:
            above.pop()
        if above and not code.startswith(above[-1][1]):
            wrong.append(row)
        above.append((depth, code))
    if not wrong:
        return []
    message = (
        f"Bei {len(wrong)} Gebieten passt die Einrückung des Namens nicht zum Schlüssel; es gilt der Schlüssel. "
        "Bitte prüfen, ob die Zeilen vertauscht sind."
    )
    first = wrong[0]
    return [Issue("warning", "Einrückung", message, row=first.number, value=first.cells[names].strip())]


def _column_times(headers: Sequence[HeaderRow]) -> tuple[list[Moment], list[HeaderRow]]:
    """Times over the columns, and the header rows without them."""
    for number, header in enumerate(headers):
        if is_times(header.labels):
            rest = [*headers[:number], *headers[number + 1 :]]
            return [_moment(label, _time_code(header.variable)) for label in header.labels], rest
    return [], list(headers)


def _moment(text: str, time_code: str = "") -> Moment:
    try:
        return moment(text, time_code)
    except ValueError:
        raise LayoutFault(
            "Zeitangabe", f"Die Zeitangabe „{text}“ ist nicht lesbar. Bitte die Tabelle unverändert abrufen."
        ) from None


def _time_code(variable: str) -> str:
    return "SCHULJ" if variable.startswith("Schuljahr") else ""


def _row_times(table: PrintedTable, column: int | None, agreed: Agreed) -> list[Moment]:
    if column is None:
        return []
    written = _stripped([row.cells[column] for row in table.rows])
    if issue := dates_issue(written, agreed, f"Spalte {column + 1}"):
        fault = LayoutFault(issue.rule, "")
        fault.issue = replace(issue, row=table.rows[0].number)
        raise fault
    known = {text: moment(text) for text in set(written)}
    return [known[text] for text in written]
