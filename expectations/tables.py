"""How the gate reads tables: only the columns a rule needs, from memory or from a lazily read Parquet file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from ingestion.landing.contracts import TABLES


def select(table: Any, columns: Iterable[str]) -> pa.Table:
    """The named columns as far as the table has them. `table` is a pyarrow Table or anything that has
    `column_names` and reads columns with `select(names)`."""
    present = set(table.column_names)
    return table.select([name for name in columns if name in present])


def conformed(name: str, table: Any, columns: Iterable[str]) -> pa.Table:
    """The named contract columns in contract types; a column the table lacks is empty (the suite judges that).

    Raises pyarrow.ArrowInvalid where a value does not fit its type.
    """
    wanted = [field for field in TABLES[name] if field.name in set(columns)]
    found = select(table, [field.name for field in wanted])
    arrays = [
        found.column(field.name).cast(field.type)
        if field.name in found.column_names
        else pa.chunked_array([pa.nulls(table.num_rows, field.type)])
        for field in wanted
    ]
    return pa.Table.from_arrays(arrays, names=[field.name for field in wanted])
