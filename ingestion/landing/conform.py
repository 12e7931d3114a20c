"""Brings an adapter's table into the exact form of its landing contract."""

from __future__ import annotations

import pyarrow as pa

from ingestion.landing.contracts import TABLES


def conform(name: str, table: pa.Table, delivery_id: str, source_id: str) -> pa.Table:
    """`table` with provenance, all columns of `TABLES[name]` in their order and types.

    Nullable columns the adapter did not fill become NULL. Raises KeyError for an unknown table and
    pyarrow.ArrowInvalid where a value does not fit its type or a required column holds NULL.
    """
    schema = TABLES[name]
    rows = table.num_rows
    columns: list[pa.Array | pa.ChunkedArray] = []
    for field in schema:
        if field.name == "delivery_id":
            column = pa.repeat(pa.scalar(delivery_id, pa.string()), rows)
        elif field.name == "source_id":
            column = pa.repeat(pa.scalar(source_id, pa.string()), rows)
        elif field.name in table.column_names:
            column = table.column(field.name).cast(field.type)
        else:
            column = pa.nulls(rows, field.type)
        if not field.nullable and column.null_count:
            raise pa.ArrowInvalid(f"{name}.{field.name}: required, but {column.null_count} rows are empty")
        columns.append(column)
    return pa.Table.from_arrays(columns, schema=schema)
