"""Observations gathered column by column: a quarter of a million figures need no dictionary each in memory.

Belongs here: the builder only. What the figures mean is the adapters' business.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from ingestion.formats.rows import landing_schema


class ObservationColumns:
    """Collects rows of `observation` (see `ingestion.formats.rows.observation`) and builds the Arrow table."""

    def __init__(self) -> None:
        self._schema = landing_schema("observation")
        self._columns: dict[str, list[Any]] = {name: [] for name in self._schema.names}

    def add(self, row: Mapping[str, Any]) -> None:
        for name, column in self._columns.items():
            column.append(row.get(name))

    def table(self) -> pa.Table:
        """The table in contract order and types, without the columns landing adds."""
        arrays = [pa.array(self._columns[item.name], type=item.type) for item in self._schema]
        return pa.Table.from_arrays(arrays, schema=self._schema)
