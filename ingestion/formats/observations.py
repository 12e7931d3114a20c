"""Observations: the cells of a table of figures become one row per area, measure and group."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingestion.formats import values
from ingestion.formats.base import Issue
from ingestion.formats.raw import Encoded
from ingestion.formats.reading import Context, Reader
from ingestion.formats.signs import MISSING, ZERO, Cell
from ingestion.formats.spec import Area, Figure, Part
from ingestion.landing.contracts import TABLES


def observations(reader: Reader, part: Part, context: Context, issues: list[Issue]) -> pa.Table:
    """The observations of one part: one row per area and figure; faults are added to `issues`."""
    assert part.area is not None
    if context.period is None:
        raise ValueError("observations need a period: configure period and file_pattern")
    areas = _areas(reader, part.area, issues)
    rows: list[dict[str, Any]] = []
    for figure in part.figures:
        cells = _figure(reader, part, figure, context, issues)
        contributors = _contributors(reader, figure, context, issues)
        wanted = reader.matching(figure.where) if figure.where else np.ones(len(reader.raw.rows), dtype=bool)
        if part.aggregate:
            rows.extend(_aggregated(reader, part, figure, areas, cells, wanted, context))
            continue
        for position in np.flatnonzero(wanted):
            cell, area = cells[position], areas[position]
            if cell is None or area is None:
                continue
            rows.append(
                _observation(reader, part, figure, area, cell, context)
                | {"source_row": int(reader.raw.rows[position]), "contributors": contributors[position]}
            )
    schema = TABLES["observation"]
    fields = [item for item in schema if item.name not in ("delivery_id", "source_id")]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))


def _observation(
    reader: Reader, part: Part, figure: Figure, area: tuple[str, str], cell: Cell, context: Context
) -> dict[str, Any]:
    assert part.area is not None and context.period is not None
    headers = [reader.written_header(header) for header in (figure.sum_of or (figure.header,))]
    subtracted = [f" - {reader.written_header(header)}" for header in figure.minus]
    return {
        "source_sheet": reader.raw.sheet,
        "source_column": " + ".join(headers) + "".join(subtracted),
        "area_system": part.area.system,
        "area_level": area[0],
        "area_code": area[1],
        "period_type": context.period.period_type,
        "period_start": context.period.start,
        "period_end": context.period.end,
        "measure_id": figure.measure,
        "group_id": figure.group.format(**context.names),
        "value": cell.value,
        "obs_status": cell.obs_status,
        "conf_status": cell.conf_status,
    }


def _areas(reader: Reader, area: Area, issues: list[Issue]) -> list[tuple[str, str] | None]:
    encoded = reader.column(area.header)
    assert encoded is not None
    rules = [(re.compile(rule.match), rule) for rule in area.rules]
    found: list[tuple[str, str] | None] = []
    bad: list[int] = []
    for code, cell in enumerate(encoded.cells):
        written = values.text(cell)
        rule = next((rule for pattern, rule in rules if pattern.fullmatch(written)), None)
        found.append((rule.level, rule.code.format(value=written)) if rule else None)
        if rule is None:
            bad.append(code)
    if bad:
        hint = "Diese Gebietsangabe ist nicht bekannt. Bitte den Schlüssel prüfen."
        issues.append(reader.unreadable(area.header, encoded, bad, "Unbekanntes Gebiet", hint))
    if (encoded.codes < 0).any():
        row = int(reader.raw.rows[int(np.argmax(encoded.codes < 0))])
        issues.append(
            Issue(
                "refusal",
                "Gebiet fehlt",
                "Jede Zeile braucht ein Gebiet.",
                reader.raw.sheet,
                row,
                area.header,
            )
        )
    return [found[code] if code >= 0 else None for code in encoded.codes]


def _cells(
    reader: Reader, part: Part, header: str, context: Context, issues: list[Issue]
) -> list[Cell | None]:
    encoded = reader.column(header)
    assert encoded is not None
    signs = part.signs.cells
    numbers = [cell for cell in encoded.cells if values.text(cell) not in signs]
    sign = context.decimal
    if values.uses_other_sign(numbers, sign):
        issues.append(reader.sign_warning(header, encoded))
        sign = "." if sign == "," else ","
    unclear = _texts_among_numbers(reader, header, encoded, sign)
    if unclear is not None and unclear not in issues:
        issues.append(unclear)
    read: list[Cell | None] = []
    bad: list[int] = []
    for code, cell in enumerate(encoded.cells):
        written = values.text(cell) if isinstance(cell, str) else ""
        if written in signs:
            read.append(signs[written])
        else:
            try:
                read.append(Cell(values.decimal(cell, sign)))
            except ValueError:
                read.append(None)
                bad.append(code)
    if bad:
        hint = "Hier wird eine Zahl erwartet."
        if all(values.fits_other_sign([encoded.cells[code]], sign) for code in bad):
            other, agreed = (
                ("Dezimalpunkt", "Dezimalkomma") if sign == "," else ("Dezimalkomma", "Dezimalpunkt")
            )
            hint = f"Hier steht ein {other}, in der Spalte sonst ein {agreed}. Bitte einheitlich mit {agreed} liefern."
        issue = reader.unreadable(header, encoded, bad, "Keine Zahl", hint)
        if issue not in issues:  # the same column may serve several figures
            issues.append(issue)
    empty = MISSING if part.empty_cells == "missing" else None
    return [read[code] if code >= 0 else empty for code in encoded.codes]


def _texts_among_numbers(reader: Reader, header: str, encoded: Encoded, sign: str) -> Issue | None:
    """A warning where a workbook's column holds real numbers and texts like `1.234`: a thousand or a decimal sign."""
    if not any(isinstance(cell, int | float) for cell in encoded.cells):
        return None
    group = re.compile(r"[+-]?\d{1,3}\.\d{3}" if sign == "," else r"[+-]?\d{1,3},\d{3}")
    unclear = [
        code
        for code, cell in enumerate(encoded.cells)
        if isinstance(cell, str) and group.fullmatch(cell.strip())
    ]
    if not unclear:
        return None
    written = str(encoded.cells[unclear[0]]).strip()
    return Issue(
        "warning",
        "Zahl als Text",
        f"Zwischen Zahlen stehen Texte wie „{written}“ ({encoded.count_of(unclear)} Zellen). Gelesen wurde "
        f"{values.decimal(written, sign):.0f}, das Zeichen also als Tausendertrennzeichen. Bitte prüfen und künftig "
        "als Zahl liefern.",
        reader.raw.sheet,
        int(reader.raw.rows[encoded.row_of(unclear[0])]),
        reader.written_header(header),
        written,
    )


def _figure(
    reader: Reader, part: Part, figure: Figure, context: Context, issues: list[Issue]
) -> list[Cell | None]:
    if not figure.sum_of and not figure.minus:
        return _cells(reader, part, figure.header, context, issues)
    added = figure.sum_of or (figure.header,)
    signs = (1.0,) * len(added) + (-1.0,) * len(figure.minus)
    columns = [_cells(reader, part, header, context, []) for header in (*added, *figure.minus)]
    return [_sum(cells, signs) for cells in zip(*columns, strict=True)]


def _sum(cells: tuple[Cell | None, ...], signs: tuple[float, ...]) -> Cell | None:
    """The sum with signs; a cell that is hidden or missing makes the result so."""
    total = 0.0
    unknown: Cell | None = None
    for cell, sign in zip(cells, signs, strict=True):
        if cell is None:
            return None
        if cell.value is None:
            unknown = unknown or cell
        else:
            total += sign * cell.value
    return unknown or Cell(total)


def _contributors(reader: Reader, figure: Figure, context: Context, issues: list[Issue]) -> list[int | None]:
    if not figure.contributors:
        return [None] * len(reader.raw.rows)
    encoded = reader.column(figure.contributors)
    assert encoded is not None
    # A hidden or blank count of contributors is unknown, not wrong.
    readable: list[int | None] = []
    for cell in encoded.cells:
        try:
            readable.append(values.integer(cell))
        except ValueError:
            readable.append(None)
    return [readable[code] if code >= 0 else None for code in encoded.codes]


def _aggregated(
    reader: Reader,
    part: Part,
    figure: Figure,
    areas: list[tuple[str, str] | None],
    cells: list[Cell | None],
    wanted: npt.NDArray[np.bool_],
    context: Context,
) -> Iterator[dict[str, Any]]:
    assert context.period is not None
    shares: dict[tuple[str, str], list[float]] = {}
    first_row: dict[tuple[str, str], int] = {}
    unknown: set[tuple[str, str]] = set()
    for position in np.flatnonzero(wanted):
        cell, area = cells[position], areas[position]
        if cell is None or area is None:
            continue
        first_row.setdefault(area, int(reader.raw.rows[position]))
        if cell.value is None:
            unknown.add(area)
        else:
            shares.setdefault(area, []).append(cell.value)
    for area in sorted(set(shares) | unknown):
        parts = sorted(shares.get(area, []), reverse=True)
        total = MISSING if area in unknown else Cell(sum(parts))
        yield _observation(reader, part, figure, area, total, context) | {
            "source_row": first_row[area],
            "contributors": len(parts),
            "largest": parts[0] if parts else None,
            "second_largest": parts[1] if len(parts) > 1 else None,
        }
    for code in _complete_codes(part, context.period.end):
        area = (part.area.rules[0].level if part.area else "", code)
        if area not in shares and area not in unknown:
            yield _observation(reader, part, figure, area, ZERO, context) | {"contributors": 0}


def _complete_codes(part: Part, end: date) -> Iterator[str]:
    for item in part.complete_areas:
        if item.valid_from <= end.isoformat() <= item.valid_to:
            for code in range(item.first, item.last + 1):
                if code not in item.without:
                    yield str(code)
