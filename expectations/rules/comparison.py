"""The frame every rule returns, and German wording the rules share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import pandas as pd

from lagebild.checks import Severity

DUST: Final = 0.011
"""Differences of sums of two-decimal figures that are nobody's mistake: half a cent on either side, and binary dust."""


@dataclass(frozen=True)
class Comparison:
    """One comparison. `excess` ≤ 0 is fine; wording is needed only where it is not."""

    excess: float
    message: str = ""
    row: int | None = None
    sheet: str | None = None
    column: str | None = None
    value: str | None = None


@dataclass(frozen=True)
class Judgement:
    """All comparisons of one rule."""

    rule: str
    severity: Severity
    frame: pd.DataFrame
    """Columns of `Comparison`."""
    advice: str = ""
    """What to do, said once per rule in the report; empty where the messages say it."""


_COLUMNS: Final = [field.name for field in fields(Comparison)]


def judgement(rule: str, severity: Severity, found: Iterable[Comparison]) -> Judgement:
    """The comparisons of a rule as a frame."""
    rows = [tuple(getattr(item, name) for name in _COLUMNS) for item in found]
    return Judgement(rule, severity, pd.DataFrame(rows, columns=_COLUMNS))


def number(value: float) -> str:
    """A figure in German: 1234.5 → `1.234,5`."""
    rounded = round(value, 2)
    text = f"{rounded:,.0f}" if rounded == int(rounded) else f"{rounded:,.2f}".rstrip("0")
    return text.translate(str.maketrans(",.", ".,"))


def optional(cell: Any) -> Any:
    """The cell, None for pandas' empty values; whole numbers as int."""
    if cell is None or (isinstance(cell, float) and np.isnan(cell)) or cell is pd.NA:
        return None
    if isinstance(cell, float | np.floating) and float(cell).is_integer():
        return int(cell)
    return cell.item() if isinstance(cell, np.generic) else cell


def listed(items: Iterable[str], limit: int = 10) -> str:
    """`a, b, c und 5 weitere`."""
    names = list(items)
    text = ", ".join(names[:limit])
    return f"{text} und {len(names) - limit} weitere" if len(names) > limit else text
