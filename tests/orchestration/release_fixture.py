"""A warehouse with a small but complete published schema, written with DuckDB itself."""

from __future__ import annotations

from pathlib import Path

import duckdb

from orchestration.release_contract import RELEASE_TABLES

RELEASE_ID = "20260101T020000Z"


def write_warehouse(path: Path, release_id: str = RELEASE_ID, fingerprint: str = "f1") -> Path:
    """One row per published table; columns named like a number hold one, the others text."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema published")
        for table, contract in RELEASE_TABLES.items():
            columns = ", ".join(f"{_literal(column)} as {column}" for column in contract.columns)
            connection.execute(f"create table published.{table} as select {columns}")
        connection.execute(
            "update published.dim_release set release_id = ?, input_fingerprint = ?",
            [release_id, fingerprint],
        )
    return path


def change(path: Path, *statements: str) -> None:
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)


def _literal(column: str) -> str:
    if column == "value":
        return "1.5::double"
    return "'F'" if column == "conf_status" else f"'{column}'"
