"""The observations of a delivery as the rules read them: one frame, and how a row is named to the supplier."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from expectations.context import MeasureFacts
from expectations.rules.comparison import optional
from expectations.tables import select

COLUMNS: Final = (
    "source_row",
    "source_sheet",
    "source_column",
    "area_system",
    "area_level",
    "area_code",
    "period_type",
    "period_end",
    "measure_id",
    "group_id",
    "value",
)
PLACE: Final = ["area_system", "area_level", "area_code", "period_type", "period_end"]


def observed(table: Any) -> pd.DataFrame:
    """The columns the rules need; texts as plain Python strings."""
    chosen: pa.Table = select(table, COLUMNS)
    frame: pd.DataFrame = chosen.to_pandas()
    for name in COLUMNS:
        if name not in frame:
            frame[name] = None
    return frame


def groups(frame: pd.DataFrame, keys: list[str]) -> Iterator[tuple[Any, pd.DataFrame]]:
    """Groups in order of their keys; a tuple of the keys (typed loosely, as pandas only promises hashables)."""
    yield from frame.groupby(keys, sort=True)


def where_found(row: Any) -> dict[str, Any]:
    """Sheet, row and column of an observation in the supplier's file."""
    return {
        "row": optional(row.source_row),
        "sheet": optional(row.source_sheet),
        "column": optional(row.source_column),
    }


def label(measures: Mapping[str, MeasureFacts], measure_id: str) -> str:
    """The measure in the words of the catalogue."""
    facts = measures.get(measure_id)
    return facts.label if facts else measure_id


def rows_of(frame: pd.DataFrame) -> Iterator[Any]:
    """Rows as named tuples."""
    yield from frame.itertuples(index=False)
