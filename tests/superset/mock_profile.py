"""Rows of the mock release for the pages Sozialraumprofil, Vergleich, Indizes, Ausblick and for own analyses.

Belongs here: filling the dimensions and flat tables those pages read, derived from the mock figures where they can be.
Does not belong here: the figures themselves (`mock_release`).
"""

from __future__ import annotations

from pathlib import Path

import duckdb

_SCRIPT = Path(__file__).with_suffix(".sql")


def fill(db: duckdb.DuckDBPyConnection) -> None:
    """Fill the tables from the figures the mock release already holds."""
    db.execute(_SCRIPT.read_text(encoding="utf-8"))
