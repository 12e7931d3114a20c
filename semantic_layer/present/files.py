"""An answer as a file: German CSV, plain CSV, workbook, JSON, Arrow. Pure: a `Result` in, bytes out.

People's formats (German CSV, workbook) show labels, German numbers and the reason where a figure is missing;
programs' formats keep every column as it is. What is withheld is empty in all of them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import pyarrow.ipc

from lagebild import german
from lagebild.spreadsheet import csv_text, set_text
from semantic_layer.present import columns
from semantic_layer.query.result import MetricInfo, Result

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

MEDIA_TYPES: Final[Mapping[str, str]] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "csv-deutsch": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "arrow": "application/vnd.apache.arrow.stream",
    "geojson": "application/geo+json",
}
_EXTENSIONS: Final[Mapping[str, str]] = {"csv-deutsch": "csv"}


def file_name(result: Result, kind: str) -> str:
    """`lagebild-musterkreis-20261121T055316Z.xlsx`"""
    return f"lagebild-{result.instance}-{result.release_id}.{_EXTENSIONS.get(kind, kind)}"


def render(result: Result, kind: str) -> bytes:
    """The answer in one of `MEDIA_TYPES` but GeoJSON, which needs the boundaries (see `geo`).

    Raises KeyError for an unknown kind.
    """
    renderers = {
        "json": to_json,
        "csv": to_csv,
        "csv-deutsch": to_german_csv,
        "xlsx": to_xlsx,
        "arrow": to_arrow,
    }
    return renderers[kind](result)


def to_dict(result: Result) -> dict[str, Any]:
    """Plain values: rows with the columns of the table, and all that is needed to quote them."""
    return {
        "instance": result.instance,
        "release_id": result.release_id,
        "attribution": result.attribution,
        "metrics": [_metric(item) for item in result.metrics],
        "columns": result.table.column_names,
        "rows": [_plain(row) for row in result.table.to_pylist()],
        "notices": list(result.notices),
        "footnotes": [{"reason": note.reason, "text": note.text} for note in result.footnotes],
        "is_truncated": result.is_truncated,
    }


def to_json(result: Result) -> bytes:
    """`to_dict` as UTF-8 JSON."""
    return json.dumps(to_dict(result), ensure_ascii=False, allow_nan=False).encode()


def to_arrow(result: Result) -> bytes:
    """Arrow IPC stream; release and attribution are in the schema's metadata."""
    details = {
        b"release_id": result.release_id.encode(),
        b"instance": result.instance.encode(),
        b"attribution": result.attribution.encode(),
    }
    table = result.table.replace_schema_metadata(details)
    sink = io.BytesIO()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def to_csv(result: Result) -> bytes:
    """For programs: UTF-8, comma, decimal point, ISO dates, every column, nothing for an empty value."""
    return _csv(
        result.table.column_names,
        ([_technical(value) for value in row.values()] for row in result.table.to_pylist()),
        delimiter=",",
    )


def to_german_csv(result: Result) -> bytes:
    """For spreadsheets in Germany: UTF-8 with BOM, semicolon, decimal comma, labels, reasons, definitions below."""
    head, rows = german_rows(result)
    below = [[], *([csv_text(line)] for line in _about(result))]
    return b"\xef\xbb\xbf" + _csv(head, [*rows, *below], delimiter=";")


def german_rows(result: Result) -> tuple[list[str], list[list[str]]]:
    """Titles and rows as German readers see them, all of it text."""
    names, rows = _for_people(result)
    metrics = {item.key: item for item in result.metrics}
    shown = [[_german(name, row, metrics) for name in names] for row in rows]
    return [columns.title(name) for name in names], shown


def to_xlsx(result: Result) -> bytes:
    """For people: sheet `Werte` (numbers stay numbers), `Hinweise`, `Definitionen`."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    names, rows = _for_people(result)
    metrics = {item.key: item for item in result.metrics}
    book = Workbook()
    values = book.active
    assert values is not None
    values.title = "Werte"
    for position, name in enumerate(names, start=1):
        cell = values.cell(1, position)
        set_text(cell, columns.title(name))
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="DCE8EE")
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    symbols = {note.reason: note.symbol for note in result.footnotes}
    for number, row in enumerate(rows, start=2):
        for position, name in enumerate(names, start=1):
            cell = values.cell(number, position)
            if columns.is_value(name) and row[name] is not None:
                cell.value = row[name]
                cell.number_format = _number_format(name, metrics.get(row.get("metric", "")))
            elif name == "value" and row.get("empty_reason"):
                set_text(cell, f"{row['empty_reason']} {symbols.get(row['empty_reason'], '')}".strip())
                cell.alignment = Alignment(horizontal="right")
            elif isinstance(row[name], date):
                cell.value = row[name]
                cell.number_format = "DD.MM.YYYY"
            else:
                set_text(cell, _words(row[name]))
    _set_widths(values, names)
    values.freeze_panes = "A2"
    values.auto_filter.ref = f"A1:{get_column_letter(max(1, len(names)))}{max(1, values.max_row)}"
    _text_sheet(book.create_sheet("Hinweise"), [[line] for line in _about(result)], (110,))
    definitions = [["Kennzahl", "Fassung", "Einheit", "Definition"]]
    definitions += [[item.label, str(item.version), item.unit, item.definition] for item in result.metrics]
    _text_sheet(book.create_sheet("Definitionen"), definitions, (40, 10, 16, 90))
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def _for_people(result: Result) -> tuple[list[str], list[dict[str, Any]]]:
    """Columns and rows with the unit beside the value."""
    names = columns.readable(result.table.column_names)
    rows = result.table.to_pylist()
    if "metric" in result.table.column_names and "value" in names:
        names.insert(names.index("value") + 1, "unit")
        units = {item.key: item.unit for item in result.metrics}
        rows = [{**row, "unit": units.get(row["metric"], "")} for row in rows]
    return names, rows


def _csv(head: Sequence[str], rows: Iterator[list[str]] | list[list[str]], delimiter: str) -> bytes:
    sink = io.StringIO()
    writer = csv.writer(sink, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows(rows)
    return sink.getvalue().encode()


def _about(result: Result) -> list[str]:
    """What has to stand below every table of ours."""
    lines = [f"{note.symbol} {note.reason}: {note.text}" for note in result.footnotes]
    lines += result.notices
    lines.append(f"Quelle: {result.attribution}. Veröffentlichung {result.release_id}.")
    return lines


def _metric(item: MetricInfo) -> dict[str, Any]:
    return {
        "key": item.key,
        "id": item.id,
        "version": item.version,
        "kind": item.kind,
        "label": item.label,
        "definition": item.definition,
        "unit": item.unit,
        "decimals": item.decimals,
    }


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()}


def _technical(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return csv_text(value) if isinstance(value, str) else str(value)


def _decimals(name: str, metric: MetricInfo | None) -> int | None:
    """Places of a figure; counts of parts come as they are, an index with one."""
    if name in ("numerator", "denominator"):
        return None
    if name == "index_value":
        return 1
    return metric.decimals if metric else None


def _german(name: str, row: Mapping[str, Any], metrics: Mapping[str, MetricInfo]) -> str:
    value = row[name]
    if columns.is_value(name):
        if value is not None:
            return german.number(value, _decimals(name, metrics.get(row.get("metric", ""))))
        return str(row.get("empty_reason") or "") if name == "value" else ""
    if isinstance(value, date | datetime):
        return german.day(value)
    return csv_text(str(_words(value)))


def _words(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "ja" if value else "nein"
    return value


def _number_format(name: str, metric: MetricInfo | None) -> str:
    places = _decimals(name, metric)
    if places is None:
        return "#,##0.###" if metric and metric.decimals else "#,##0"
    return "#,##0" + ("." + "0" * places if places else "")


def _set_widths(sheet: Worksheet, names: Sequence[str]) -> None:
    from openpyxl.utils import get_column_letter

    for position, name in enumerate(names, start=1):
        shown = [columns.title(name)] + [
            str(cell.value or "")
            for (cell,) in sheet.iter_rows(2, min(sheet.max_row, 200), position, position)
        ]
        sheet.column_dimensions[get_column_letter(position)].width = min(48, max(10, *map(len, shown)) + 2)


def _text_sheet(sheet: Worksheet, rows: Sequence[Sequence[str]], widths: Sequence[int]) -> None:
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    for number, row in enumerate(rows, start=1):
        for position, value in enumerate(row, start=1):
            cell = sheet.cell(number, position)
            set_text(cell, value)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if number == 1 and len(row) > 1:
                cell.font = Font(bold=True)
    for position, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(position)].width = width


__all__ = [
    "MEDIA_TYPES",
    "file_name",
    "german_rows",
    "render",
    "to_arrow",
    "to_csv",
    "to_dict",
    "to_german_csv",
    "to_json",
    "to_xlsx",
]
