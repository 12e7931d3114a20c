"""Which counts of the report may be told apart. Pure.

A release shows one symbol for figures hidden because of themselves and for those hidden to protect them, because two
symbols would say which are below the threshold. A report that says "4 hidden, 4 of them small" says the same. So the
split is told only where both parts are numerous; everything else is one number, the one everybody can count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestration.disclosure_report.facts import Counted

ENOUGH = 5
"""Smallest part that is told."""


@dataclass(frozen=True)
class Split:
    """Hidden cells of a row: in two parts, or unsplit."""

    hidden: int
    primary: int | None
    secondary: int | None


def split(hidden: int, primary: int) -> Split:
    """The parts where both have at least `ENOUGH` cells (or nothing is hidden), otherwise the sum alone."""
    secondary = hidden - primary
    if hidden == 0 or min(primary, secondary) >= ENOUGH:
        return Split(hidden, primary, secondary)
    return Split(hidden, None, None)


@dataclass(frozen=True)
class Totals:
    """Sums over the split rows; `unsplit` are the hidden cells of all others.

    There is no primary total over all rows: minus the split ones it would split the rest.
    """

    cells: int
    hidden: int
    primary: int
    secondary: int
    unsplit: int


def totals(rows: Iterable[Counted]) -> Totals:
    rows = tuple(rows)
    splits = [split(row.hidden, row.primary) for row in rows]
    told = [(item.primary, item.secondary) for item in splits if item.primary is not None]
    return Totals(
        cells=sum(row.cells for row in rows),
        hidden=sum(row.hidden for row in rows),
        primary=sum(primary for primary, _ in told if primary is not None),
        secondary=sum(secondary for _, secondary in told if secondary is not None),
        unsplit=sum(item.hidden for item in splits if item.primary is None),
    )


def share(part: float | None) -> str:
    """Whole percent: `unter 1 %` and `über 99 %` at the ends, `–` where nothing is known. A finer share of a known
    total would narrow the hidden sum down."""
    if part is None:
        return "–"
    if part <= 0:
        return "0 %"
    if part >= 1:
        return "100 %"
    if part < 0.01:
        return "unter 1 %"
    return "über 99 %" if part > 0.99 else f"{round(100 * part)} %"


def few(number: int) -> str:
    """`unter 5` for small numbers that are not zero."""
    return f"unter {ENOUGH}" if 0 < number < ENOUGH else f"{number:,}".replace(",", ".")


__all__ = ["ENOUGH", "Split", "Totals", "few", "share", "split", "totals"]
