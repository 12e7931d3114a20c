"""Building blocks of the report: sections and tables as plain values. Pure; says nothing itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from lagebild import german

Content = dict[str, Any]
Table = dict[str, Any]

NONE: Final = "–"
"""Nothing, or nothing that may be told."""


def section(
    identifier: str,
    title: str,
    intro: str,
    tables: Sequence[Table] = (),
    notes: Iterable[str] = (),
    points: Sequence[str] = (),
    terms: Sequence[tuple[str, str]] = (),
) -> Content:
    """One chapter; tables without rows are left out."""
    return {
        "id": identifier,
        "title": title,
        "intro": intro,
        "tables": [item for item in tables if item["rows"]],
        "notes": list(notes),
        "points": list(points),
        "terms": [{"name": name, "text": text} for name, text in terms],
    }


def table(
    caption: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric: Sequence[int] = (),
    *,
    merged: bool = False,
    has_total: bool = False,
) -> Table:
    """`merged`: equal neighbours in the first column are one cell; `span` says how many rows it covers, 0 for none."""
    spans: list[int] = []
    for position, row in enumerate(rows):
        if merged and position and rows[position - 1][0] == row[0]:
            first = max(number for number, span in enumerate(spans) if span)
            spans[first] += 1
            spans.append(0)
        else:
            spans.append(1)
    return {
        "caption": caption,
        "columns": [
            {"label": label, "numeric": position in numeric} for position, label in enumerate(columns)
        ],
        "rows": [{"cells": list(row), "span": span} for row, span in zip(rows, spans, strict=True)],
        "has_total": has_total,
    }


def number(amount: int) -> str:
    return german.number(amount)


def counted(amount: int, one: str, more: str) -> str:
    return f"{number(amount)} {one if amount == 1 else more}"


__all__ = ["NONE", "Content", "Table", "counted", "number", "section", "table"]
