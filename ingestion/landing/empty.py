"""Empty Parquet files per landing table, so that dbt's globs match in instances that lack a table."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from ingestion.landing.contracts import TABLES
from lagebild.instance import Instance


def write_empty_tables(instance: Instance) -> Path:
    """Writes `landing/_empty/_empty/<table>.parquet` with the contract's schema and no row; returns the folder."""
    folder = instance.paths.landing / "_empty" / "_empty"
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in TABLES.items():
        target = folder / f"{name}.parquet"
        if target.exists() and pq.read_schema(target).equals(schema):
            continue
        temporary = target.with_suffix(".tmp")
        pq.write_table(schema.empty_table(), temporary)
        temporary.replace(target)
    return folder
