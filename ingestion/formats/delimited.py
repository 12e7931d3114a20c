"""Delimited text (CSV): any encoding, delimiter, title lines above the header; read with Arrow's CSV reader.

Rows come in pieces of half a million, so that a register extract of any size needs the memory of one piece.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from ingestion.formats.base import Issue, ParsedDelivery, TableSink
from ingestion.formats.detect import Agreed, delimiter_issue
from ingestion.formats.mapping import PieceMapper, map_part
from ingestion.formats.raw import RawTable, find_header, header_issue
from ingestion.formats.reading import expected_headers
from ingestion.formats.spec import Part, TabularOptions
from ingestion.formats.tabular import Head, read_head
from lagebild.instance import SourceConfig

HEAD_LINES: Final = 30
"""Lines searched for the header."""
HEAD_BYTES: Final = 1 << 20
PIECE_ROWS: Final = 500_000
_BLOCK_BYTES: Final = 16 << 20


class DelimitedAdapter:
    """`format: delimited`; options: `ingestion.formats.spec.TabularOptions` with exactly one part."""

    name: ClassVar[str] = "delimited"

    def parse(self, path: Path, source: SourceConfig) -> ParsedDelivery:
        pieces: dict[str, list[pa.Table]] = {}
        parsed = self.parse_into(path, source, lambda name, table: pieces.setdefault(name, []).append(table))
        tables = {} if parsed.refused else {name: pa.concat_tables(found) for name, found in pieces.items()}
        return ParsedDelivery(tables, parsed.issues, parsed.period, parsed.kommune_code)

    def parse_into(self, path: Path, source: SourceConfig, sink: TableSink) -> ParsedDelivery:
        head = read_head(path, source)
        if isinstance(head, Issue):
            return ParsedDelivery(issues=(head,))
        (part,) = head.options.parts
        opened = DelimitedFile.open(path, part, head.options)
        if isinstance(opened, Issue):
            return ParsedDelivery(issues=(opened,), period=head.context.period, kommune_code=head.kommune)
        if part.table == "observation":
            return _figures(opened, part, head, sink)
        mapper = PieceMapper(part, head.context, head.period_header)
        for raw in opened.pieces():
            table = mapper.add(raw)
            if table is not None:
                sink(part.table, table)
        # A file that breaks off or changes its encoding is not judged any further.
        issues = [opened.fault] if opened.fault else mapper.finish()
        return ParsedDelivery(
            {}, tuple(issues), head.context.period or mapper.period, head.kommune, head.part
        )


def read_delimited(content: bytes, part: Part, options: TabularOptions) -> RawTable | list[Issue]:
    """The raw table in a CSV's bytes (a member of an archive); all cells as text."""
    opened = DelimitedFile.open(content, part, options)
    if isinstance(opened, Issue):
        return [opened]
    pieces = list(opened.pieces())
    return [opened.fault] if opened.fault else RawTable.joined(pieces)


def _figures(opened: DelimitedFile, part: Part, head: Head, sink: TableSink) -> ParsedDelivery:
    """Figures are summed and completed over the whole file, which is small."""
    pieces = list(opened.pieces())
    if opened.fault:
        return ParsedDelivery(issues=(opened.fault,), period=head.context.period, kommune_code=head.kommune)
    outcome, period = map_part(RawTable.joined(pieces), part, head.context, head.period_header)
    if outcome.table is not None:
        sink(part.table, outcome.table)
    return ParsedDelivery({}, tuple(outcome.issues), head.context.period or period, head.kommune, head.part)


class DelimitedFile:
    """A CSV file under its header. `fault` is set while `pieces` runs: what makes the whole file unusable."""

    def __init__(
        self,
        data: Path | bytes,
        options: TabularOptions,
        headers: tuple[str, ...],
        position: int,
        notes: tuple[Issue, ...] = (),
    ) -> None:
        self.notes = notes
        self.data, self.options, self.headers, self.position = data, options, headers, position
        self._rows_of_wrong_length: list[tuple[int, int]] = []  # row number, columns found
        self._broken_encoding = False

    @classmethod
    def open(cls, data: Path | bytes, part: Part, options: TabularOptions) -> DelimitedFile | Issue:
        """Finds the header of a file (or of a member of an archive, as bytes); nothing but its head is read."""
        encoding = "utf-8-sig" if options.encoding == "utf-8" else options.encoding
        if isinstance(data, bytes):
            first = data[:HEAD_BYTES]
        else:
            with data.open("rb") as stream:
                first = stream.read(HEAD_BYTES)
        complete = first.split(b"\n", HEAD_LINES)[:HEAD_LINES]
        if len(first) == HEAD_BYTES and len(complete) < HEAD_LINES:
            complete = complete[:-1]  # cut somewhere, perhaps within a character
        try:
            text = b"\n".join(complete).decode(encoding)
        except UnicodeDecodeError:
            return _encoding_issue(options)
        lines = list(csv.reader(io.StringIO(text), delimiter=options.delimiter))
        names = [name for header, aliases in expected_headers(part).items() for name in (header, *aliases)]
        position = find_header(lines, names)
        if position is None and (issue := delimiter_issue(text, Agreed(delimiter=options.delimiter))):
            return issue
        if position is None:
            return Issue(
                "refusal",
                "Kopfzeile nicht gefunden",
                "Keine Zeile am Anfang der Datei enthält die vereinbarten Spaltennamen "
                f"({', '.join(expected_headers(part))}). "
                f"Bitte Kopfzeile und Trennzeichen „{options.delimiter}“ prüfen.",
            )
        about_header = header_issue(position, part.header_row, lines, names, None)
        if about_header is not None and about_header.severity == "refusal":
            return about_header
        headers = tuple(cell.strip() for cell in lines[position])
        return cls(data, options, headers, position, (about_header,) if about_header else ())

    @property
    def fault(self) -> Issue | None:
        if self._broken_encoding:
            return _encoding_issue(self.options)
        faulty = [(number, found) for number, found in self._rows_of_wrong_length if found]
        if not faulty:
            return None
        number, found = faulty[0]
        return Issue(
            "refusal",
            "Zeile unvollständig",
            f"Die Zeile hat {found} statt {len(self.headers)} Spalten ({len(faulty)} solche Zeilen). Die Datei ist "
            "vermutlich beim Übertragen abgebrochen. Bitte vollständig neu liefern.",
            row=number,
        )

    def pieces(self) -> Iterator[RawTable]:
        """All rows in pieces, all cells as text; at least one piece, which is empty for a file without rows."""
        row = self.position + 2
        batches: list[pa.RecordBatch] = []
        waiting, handed_over = 0, False
        for batch in self._batches():
            batches.append(batch)
            waiting += batch.num_rows
            if waiting >= PIECE_ROWS:
                raw, row = self._piece(batches, row)
                batches, waiting, handed_over = [], 0, True
                if self.fault is None:
                    yield raw
        if (batches or not handed_over) and self.fault is None:
            yield self._piece(batches, row)[0]

    def _batches(self) -> Iterator[pa.RecordBatch]:
        def note(row: pacsv.InvalidRow) -> str:
            # An empty line has no statement; any other row of the wrong length is a fault.
            self._rows_of_wrong_length.append(
                (row.number or 0, 0 if not row.text.strip() else row.actual_columns)
            )
            return "skip"

        names = [f"c{number}" for number in range(len(self.headers))]
        try:
            yield from pacsv.open_csv(
                pa.BufferReader(self.data) if isinstance(self.data, bytes) else pa.OSFile(str(self.data)),
                read_options=pacsv.ReadOptions(
                    encoding=self.options.encoding,
                    skip_rows=self.position + 1,
                    column_names=names,
                    use_threads=False,  # row numbers of faulty rows are known only so
                    block_size=_BLOCK_BYTES,
                ),
                parse_options=pacsv.ParseOptions(
                    delimiter=self.options.delimiter,
                    ignore_empty_lines=False,
                    invalid_row_handler=note,
                    newlines_in_values=False,
                ),
                convert_options=pacsv.ConvertOptions(
                    column_types={name: pa.string() for name in names}, strings_can_be_null=False
                ),
            )
        except (UnicodeDecodeError, pa.ArrowInvalid) as error:
            if "utf8" in str(error).lower() or isinstance(error, UnicodeDecodeError):
                self._broken_encoding = True
            elif "empty csv" not in str(error).lower():
                raise

    def _piece(self, batches: list[pa.RecordBatch], row: int) -> tuple[RawTable, int]:
        """The next rows under their numbers in the file, beginning with `row`; and the number of the row after them."""
        schema = pa.schema([(f"c{number}", pa.string()) for number in range(len(self.headers))])
        table = pa.Table.from_batches(batches, schema)
        skipped = np.array([number for number, _ in self._rows_of_wrong_length if number >= row], np.int64)
        numbers = np.arange(row, row + table.num_rows + len(skipped), dtype=np.int64)
        # Arrow parses ahead: rows skipped beyond this piece are among `skipped` and past the end of the numbers taken.
        numbers = numbers[~np.isin(numbers, skipped)][: table.num_rows]
        following = int(numbers[-1]) + 1 if len(numbers) else row
        raw = RawTable(
            self.headers, tuple(table.columns), numbers, None, header_row=self.position + 1, notes=self.notes
        )
        stated = _stated(table)
        return (raw if stated.all() else raw.select(stated)), following


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
