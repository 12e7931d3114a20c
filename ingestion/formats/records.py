"""Record tables: one row of the file becomes one row of a landing table (person, case, address, budget, …)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pyarrow as pa

from ingestion.formats import values
from ingestion.formats.base import Issue
from ingestion.formats.detect import dates_of
from ingestion.formats.raw import Encoded
from ingestion.formats.reading import Context, Reader
from ingestion.formats.spec import Column, Part
from ingestion.landing.contracts import TABLES

DAY_NUMBER: Final = (
    "Hier steht die Tageszahl einer Tabellenkalkulation statt eines Datums. Bitte die Spalte als Datum in der Form "
    "TT.MM.JJJJ ausgeben."
)


def records(reader: Reader, part: Part, context: Context, issues: list[Issue]) -> pa.Table:
    """A record table (person, case, address, budget, …); empty after a refusal, which is added to `issues`."""
    schema = TABLES[part.table]
    count = len(reader.raw.rows)
    data: dict[str, pa.Array] = {"source_row": pa.array(reader.raw.rows)}
    for name, text in part.constants.items():
        value = pa.scalar(text.format(**context.names)).cast(schema.field(name).type)
        data[name] = pa.repeat(value, count)
    if context.period is not None and "period_type" in schema.names:
        data["period_type"] = pa.repeat(pa.scalar(context.period.period_type), count)
        data["period_start"] = pa.repeat(pa.scalar(context.period.start, pa.date32()), count)
        data["period_end"] = pa.repeat(pa.scalar(context.period.end, pa.date32()), count)
    for name, column in part.columns.items():
        # Columns beside the contract (street, house number) are text and end in anonymisation.
        target = schema.field(name).type if name in schema.names else pa.string()
        array = _convert(reader, column, target, context, issues)
        if array is not None:
            data[name] = array
    if part.attributes:
        data["attributes"] = _attributes(reader, part, context, issues, count)
    if any(issue.severity == "refusal" for issue in issues):
        return schema.empty_table()
    return pa.table(data)


def _convert(
    reader: Reader, column: Column, target: pa.DataType, context: Context, issues: list[Issue]
) -> pa.Array | None:
    untouched = column.kind == "text" and column.empty is None
    if untouched and not (column.extract or column.map or column.template):
        plain = reader.plain_text(column.header)
        if plain is not None:
            return plain.cast(target)
    encoded = reader.column(column.header)
    if encoded is None:
        return None
    convert = _converter(column, encoded, reader, context, issues)
    converted: list[Any] = []
    bad: list[int] = []
    for code, cell in enumerate(encoded.cells):
        try:
            converted.append(convert(cell))
        except ValueError:
            converted.append(None)
            bad.append(code)
    if bad:
        rule, hint = _complaint(column)
        if column.kind in ("date", "age_from_birth_date") and is_day_number(encoded.cells[bad[0]]):
            hint = DAY_NUMBER
        issues.append(reader.unreadable(column.header, encoded, bad, rule, hint))
    converted.append(convert_empty(column))  # position -1: empty cells
    dictionary = (
        pa.array(converted, from_pandas=False).cast(target) if not bad else pa.nulls(len(converted), target)
    )
    codes = np.where(encoded.codes < 0, len(encoded.cells), encoded.codes)
    return dictionary.take(pa.array(codes))


def is_day_number(cell: Any) -> bool:
    """A cell that holds the number of a day instead of its date, as spreadsheets count (45657 is 31.12.2024)."""
    return dates_of([values.text(cell)]) == "Zahl"


def convert_empty(column: Column) -> Any:
    """Value of an empty cell."""
    if column.empty is None:
        return None
    kinds: dict[str, Callable[[str], Any]] = {"integer": int, "decimal": float}
    return kinds.get(column.kind, str)(column.empty)


def _converter(
    column: Column, encoded: Encoded, reader: Reader, context: Context, issues: list[Issue]
) -> Callable[[Any], Any]:
    extract = re.compile(column.extract) if column.extract else None
    sign = context.decimal
    if column.kind == "decimal":
        if values.uses_other_sign(encoded.cells, sign):
            issues.append(reader.sign_warning(column.header, encoded))
            sign = "." if sign == "," else ","
        elif not values.fits_other_sign(encoded.cells, sign):
            reader.agreed_signs.add(reader.written_header(column.header))
    reference = context.period.end if context.period else None

    def prepared(cell: Any) -> Any:
        if not (extract or column.map or column.template):
            return cell
        written = values.text(cell)
        if extract:
            match = extract.search(written)
            if match is None:
                raise ValueError("pattern not found")
            written = match.group(1)
        if column.map:
            if written not in column.map:
                raise ValueError("not in the agreed list")
            written = column.map[written]
        return column.template.format(value=_padded(written), **context.names) if column.template else written

    def convert(cell: Any) -> Any:
        cell = prepared(cell)
        match column.kind:
            case "text":
                return values.text(cell)
            case "integer":
                return values.integer(cell)
            case "decimal":
                return values.decimal(cell, sign)
            case "date":
                return values.day(cell)
            case "months_to_years":
                return values.integer(cell) // 12
            case "age_from_birth_date":
                if reference is None:
                    raise ValueError("no period to compute the age for")
                return values.age_on(values.birth_date(cell), reference)

    return convert


def _padded(written: str) -> Any:
    # `{value:04d}` in a template needs a number.
    return int(written) if written.isdigit() and str(int(written)) == written else written


def _complaint(column: Column) -> tuple[str, str]:
    match column.kind:
        case "integer" | "months_to_years":
            return "Keine ganze Zahl", "Hier wird eine ganze Zahl erwartet."
        case "decimal":
            return "Keine Zahl", "Hier wird eine Zahl erwartet."
        case "date":
            return "Kein Datum", "Hier wird ein Datum in der Form TT.MM.JJJJ erwartet."
        case "age_from_birth_date":
            return (
                "Kein Geburtsdatum",
                "Hier wird ein Geburtsdatum in der Form TT.MM.JJJJ erwartet, das nicht nach dem Stichtag liegt.",
            )
        case _:
            allowed = f" Vereinbart sind: {', '.join(column.map)}." if column.map else ""
            return "Unbekannter Schlüssel", f"Die Angabe gehört nicht zum vereinbarten Schlüssel.{allowed}"


def _attributes(reader: Reader, part: Part, context: Context, issues: list[Issue], count: int) -> pa.Array:
    entries: list[list[tuple[str, str]]] = [[] for _ in range(count)]
    for name, column in part.attributes.items():
        array = _convert(reader, column, pa.string(), context, issues)
        if array is None:
            continue
        for position, value in enumerate(array.to_pylist()):
            if value is not None:
                entries[position].append((name, value))
    return pa.array(entries, pa.map_(pa.string(), pa.string()))
