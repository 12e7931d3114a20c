"""Reads one delivery and reduces it, whatever its size: adapter → reduction → tables without personal detail.

Belongs here: the way from file to reduced tables. Does not belong here: the gate, where deliveries lie.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ingestion.anonymise.reduction import Reducer, Reduction
from ingestion.formats.base import FormatAdapter, ParsedDelivery, StreamingAdapter
from ingestion.landing.store import PieceStore
from lagebild.instance import Instance, SourceConfig


class Intake:
    """Reads the deliveries of one source. Keys and address register are opened with the first file, not before."""

    def __init__(self, instance: Instance, source: SourceConfig, adapter: FormatAdapter) -> None:
        self._instance, self._source, self._adapter = instance, source, adapter
        self._reducer: Reducer | None = None

    def prepare(self) -> Reduction:
        """The reduction of the next delivery. Raises NoAddressRegister, and ValueError for a faulty configuration."""
        if self._reducer is None:
            self._reducer = Reducer(self._instance, self._source)
        return Reduction(self._reducer)

    def read(self, path: Path, reduction: Reduction, scratch: Path) -> ParsedDelivery:
        """The reduced tables of a file; large ones are kept in `scratch`, which is the caller's to remove."""
        source = self._source
        if isinstance(self._adapter, StreamingAdapter):
            store = PieceStore(scratch)
            try:
                parsed = self._adapter.parse_into(
                    path, source, lambda name, piece: store.add(name, reduction.table(name, piece))
                )
            finally:
                store.close()
            tables = {} if parsed.refused else store.tables()
        else:
            parsed = self._adapter.parse(path, source)
            tables = {name: reduction.table(name, table) for name, table in parsed.tables.items()}
        if parsed.refused:
            return parsed
        parsed = replace(parsed, tables=tables, issues=(*parsed.issues, *reduction.issues()))
        return replace(parsed, tables={}) if parsed.refused else parsed
