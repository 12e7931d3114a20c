"""Delimited text (CSV): any encoding, delimiter, title lines above the header; read with Arrow's CSV reader."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from ingestion.formats.base import Issue, ParsedDelivery
from ingestion.formats.raw import RawTable, find_header
from ingestion.formats.reading import expected_headers
from ingestion.formats.spec import Part, TabularOptions
from ingestion.formats.tabular import parse_tabular
from lagebild.instance import SourceConfig

HEAD_LINES: Final = 30
"""Lines searched for the header."""


class DelimitedAdapter:
    """`format: delimited`; options: `ingestion.formats.spec.TabularOptions` with exactly one part."""

    name: ClassVar[str] = "delimited"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        content = path.read_bytes()
        return parse_tabular(path, source, lambda part, options: read_delimited(content, part, options))


def read_delimited(content: bytes, part: Part, options: TabularOptions) -> RawTable | list[Issue]:
    """The raw table in a CSV's bytes; all cells as text."""
    encoding = "utf-8-sig" if options.encoding == "utf-8" else options.encoding
    head_bytes = b"\n".join(content.split(b"\n", HEAD_LINES)[:HEAD_LINES])
    try:
        head = head_bytes.decode(encoding)
    except UnicodeDecodeError:
        return [_encoding_issue(options)]
    lines = list(csv.reader(io.StringIO(head), delimiter=options.delimiter))
    names = [name for header, aliases in expected_headers(part).items() for name in (header, *aliases)]
    position = find_header(lines, names)
    if position is None:
        return [
            Issue(
                "refusal",
                "Kopfzeile nicht gefunden",
                "Keine Zeile am Anfang der Datei enthält die vereinbarten Spaltennamen "
                f"({', '.join(expected_headers(part))}). "
                f"Bitte Kopfzeile und Trennzeichen „{options.delimiter}“ prüfen.",
            )
        ]
    headers = tuple(cell.strip() for cell in lines[position])
    incomplete: list[tuple[int, int]] = []  # row number, columns found

    def note(row: pacsv.InvalidRow) -> str:
        # An empty line has no statement; any other row of the wrong length is a fault.
        incomplete.append((row.number or 0, 0 if not row.text.strip() else row.actual_columns))
        return "skip"

    body = content.removeprefix(b"\xef\xbb\xbf") if options.encoding == "utf-8" else content
    try:
        table = pacsv.read_csv(
            pa.BufferReader(body),
            read_options=pacsv.ReadOptions(
                encoding=options.encoding,
                skip_rows=position + 1,
                column_names=[f"c{number}" for number in range(len(headers))],
                use_threads=False,  # row numbers of faulty rows are known only so
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=options.delimiter,
                ignore_empty_lines=False,
                invalid_row_handler=note,
                newlines_in_values=False,
            ),
            convert_options=pacsv.ConvertOptions(
                column_types={f"c{number}": pa.string() for number in range(len(headers))},
                strings_can_be_null=False,
            ),
        )
    except (UnicodeDecodeError, pa.ArrowInvalid) as error:
        if "utf8" in str(error).lower() or isinstance(error, UnicodeDecodeError):
            return [_encoding_issue(options)]
        if "empty csv" not in str(error).lower():
            raise
        table = pa.table({f"c{number}": pa.array([], pa.string()) for number in range(len(headers))})
    faulty = [(number, found) for number, found in incomplete if found]
    if faulty:
        number, found = faulty[0]
        return [
            Issue(
                "refusal",
                "Zeile unvollständig",
                f"Die Zeile hat {found} statt {len(headers)} Spalten ({len(faulty)} solche Zeilen). Die Datei ist "
                "vermutlich beim Übertragen abgebrochen. Bitte vollständig neu liefern.",
                row=number,
            )
        ]
    skipped = {number for number, _ in incomplete}
    last = position + 1 + table.num_rows + len(skipped)
    numbers = np.arange(position + 2, last + 1, dtype=np.int64)
    rows = numbers[~np.isin(numbers, list(skipped))] if skipped else numbers
    raw = RawTable(headers, tuple(table.columns), rows, sheet=None, header_row=position + 1)
    stated = _stated(table)
    return raw if stated.all() else raw.select(stated)


def _stated(table: pa.Table) -> npt.NDArray[np.bool_]:
    """Which rows say anything: Arrow hands over empty lines as rows of empty cells."""
    stated = np.zeros(table.num_rows, dtype=bool)
    for column in table.columns:
        stated |= pc.not_equal(column, "").to_numpy()
        if stated.all():
            break
    return stated


def _encoding_issue(options: TabularOptions) -> Issue:
    return Issue(
        "refusal",
        "Zeichensatz",
        f"Die Datei ist nicht im vereinbarten Zeichensatz {options.encoding} geschrieben. "
        "Bitte so speichern und neu liefern.",
    )
