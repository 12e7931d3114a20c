"""Tables of a delivery in preparation: in memory while they are small, as Parquet in the work folder when they are not.

Belongs here: holding and writing rows. Does not belong here: their meaning.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.formats.base import StoredTable, Table
from ingestion.landing.conform import conform
from ingestion.landing.contracts import TABLES

ROW_GROUP: Final = 250_000


class PieceStore:
    """Takes tables piece by piece. The first piece stays in memory: most deliveries have no other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._first: dict[str, pa.Table] = {}
        self._writers: dict[str, pq.ParquetWriter] = {}

    def add(self, name: str, piece: pa.Table) -> None:
        if name not in self._first and name not in self._writers:
            self._first[name] = piece
            return
        if name not in self._writers:
            first = self._first.pop(name)
            self._folder.mkdir(mode=0o700, exist_ok=True)
            # Written and read once, minutes apart: compressing it would cost more than it saves.
            self._writers[name] = pq.ParquetWriter(
                self._path(name), first.schema, compression="none", use_dictionary=False
            )
            self._writers[name].write_table(first, ROW_GROUP)
        self._writers[name].write_table(piece.cast(self._writers[name].schema), ROW_GROUP)

    def tables(self) -> dict[str, Table]:
        """All tables, after the last piece."""
        self.close()
        return {**self._first, **{name: StoredTable(self._path(name)) for name in self._writers}}

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.parquet"


def write_landing_table(name: str, table: Table, delivery_id: str, source_id: str, folder: Path) -> int:
    """Writes `<name>.parquet` in the form of its contract; returns the number of rows.

    Raises like `conform`; a file begun is then removed.
    """
    target = folder / f"{name}.parquet"
    try:
        with pq.ParquetWriter(target, TABLES[name], compression="zstd") as writer:
            if isinstance(table, StoredTable):
                with pq.ParquetFile(table.path) as stored:
                    for batch in stored.iter_batches(ROW_GROUP):
                        piece = pa.Table.from_batches([batch])
                        writer.write_table(conform(name, piece, delivery_id, source_id), ROW_GROUP)
            else:
                writer.write_table(conform(name, table, delivery_id, source_id))
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return table.num_rows
