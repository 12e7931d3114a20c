"""Words for many rows: a wording is built once per combination of codes, not once per row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd


def labels(words: Callable[..., str], *columns: Iterable[Any]) -> pd.Series:
    """`words(*codes)` for every row of `columns`, with None for a missing code."""
    frame = pd.DataFrame({str(number): list(column) for number, column in enumerate(columns)}, dtype=object)
    frame = frame.where(frame.notna(), None)
    known = {row: words(*row) for row in frame.drop_duplicates().itertuples(index=False, name=None)}
    return pd.Series([known[row] for row in frame.itertuples(index=False, name=None)], dtype=object)


def texts(words: Iterable[Any]) -> pd.Series:
    """Text with nothing where there are no words, as the warehouse keeps it."""
    column = pd.Series(list(words), dtype="string")
    return column.mask(column == "")
