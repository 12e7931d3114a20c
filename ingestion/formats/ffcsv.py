"""GENESIS, Regionalstatistik and Zensus flat files (ffcsv), as CSV or ZIP: one figure per row, everything in codes.

The registry (options) says which table is agreed and what differs from the offices' conventions; a table that follows
them needs nothing but its code. Format: docs/formats.md.
"""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.csv as pacsv

from ingestion.formats.base import Issue, ParsedDelivery
from ingestion.formats.detect import Agreed, decode, delimiter_issue
from ingestion.formats.ffcsv_layout import layout_of
from ingestion.formats.ffcsv_reading import HEADER_ROW, FlatReading
from ingestion.formats.flat_file import read_flat
from ingestion.formats.official_table import OfficialOptions, assemble
from lagebild.instance import SourceConfig


class FfcsvOptions(OfficialOptions):
    """Options of `format: ffcsv`; all have the defaults of the format."""

    encoding: str = "utf-8"
    statistic: str = ""
    """EVAS code of the statistic; every row must carry it. Empty: any."""


class FfcsvAdapter:
    """`format: ffcsv`; options: `FfcsvOptions`."""

    name: ClassVar[str] = "ffcsv"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        options = FfcsvOptions.model_validate(source.options)
        if options.table and not path.name.startswith(options.table):
            message = (
                f"Vereinbart ist die Tabelle {options.table}; die Datei heißt „{path.name}“. Bitte die vereinbarte "
                "Tabelle liefern."
            )
            return ParsedDelivery(issues=(Issue("refusal", "Andere Tabelle", message),))
        content, issues = read_flat(path)
        if not content:
            return ParsedDelivery(issues=tuple(issues))
        parsed = read_ffcsv(content, options)
        return replace(parsed, issues=(*issues, *parsed.issues))


def read_ffcsv(content: bytes, options: FfcsvOptions) -> ParsedDelivery:
    """Observations in the bytes of a flat file."""
    agreed = Agreed(options.encoding, options.delimiter, options.decimal)
    text = decode(content, agreed)
    if isinstance(text, Issue):
        return ParsedDelivery(issues=(text,))
    if issue := delimiter_issue(text[: 1 << 16], agreed):
        return ParsedDelivery(issues=(issue,))
    read = _read_csv(text, options.delimiter)
    if isinstance(read, Issue):
        return ParsedDelivery(issues=(read,))
    headers, table = read
    layout, issues = layout_of(headers)
    if layout is None:
        return ParsedDelivery(issues=tuple(issues))
    if not table.num_rows:
        message = (
            "Unter der Kopfzeile stehen keine Daten. Bitte die Auswahl der Tabelle prüfen und neu abrufen."
        )
        return ParsedDelivery(issues=(*issues, Issue("refusal", "Keine Daten", message)))
    understood = FlatReading(layout, headers, table, options, options.statistic, issues).figures()
    if understood is None:
        return ParsedDelivery(issues=tuple(issues))
    parsed = assemble(understood, options)
    return replace(parsed, issues=(*issues, *parsed.issues))


def _read_csv(text: str, delimiter: str) -> tuple[list[str], pa.Table] | Issue:
    """Header names and the cells as text."""
    faulty: list[tuple[int, int, int]] = []

    def note(row: pacsv.InvalidRow) -> str:
        faulty.append((row.number or 0, row.actual_columns, row.expected_columns))
        return "skip"

    first, _, _ = text.partition("\n")
    headers = [name.strip().strip('"').strip() for name in first.rstrip("\r").split(delimiter)]
    names = [f"c{number}" for number in range(len(headers))]
    body = io.BytesIO(text[len(first) + 1 :].encode("utf-8", "replace"))
    try:
        table = pacsv.read_csv(
            body,
            read_options=pacsv.ReadOptions(column_names=names, use_threads=False),
            parse_options=pacsv.ParseOptions(delimiter=delimiter, invalid_row_handler=note),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        if "empty csv" not in str(error).lower():
            message = "Die Zeilen lassen sich nicht in Spalten zerlegen. Bitte unverändert aus der Datenbank liefern."
            return Issue("refusal", "Aufbau nicht lesbar", message)
        table = pa.table({name: pa.array([], pa.string()) for name in names})
    if faulty:
        number, found, expected = faulty[0]
        message = (
            f"Die Zeile hat {found} statt {expected} Spalten ({len(faulty)} solche Zeilen). Die Datei ist vermutlich "
            "beim Übertragen abgebrochen. Bitte vollständig neu liefern."
        )
        return Issue("refusal", "Zeile unvollständig", message, row=number + HEADER_ROW)
    return headers, table
