"""What signs in the cells of German statistical tables mean: one table for all formats.

Belongs here: signs, letters behind or beside a figure, and the status codes they become. Not here: reading a number
(`values`), and which signs one supplier uses (the source's YAML).

Sources: Destatis and Regionalstatistik, „Zeichenerklärung“ of GENESIS-Online (`0`, `-`, `...`, `/`, `.`, `x`, `()`,
`p r s e`); Bundesagentur für Arbeit for `*`. Statuses: SDMX CL_OBS_STATUS, as far as the landing contract has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from ingestion.formats import values


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell of figures says: a value, or why there is none."""

    value: float | None
    obs_status: str = "A"
    conf_status: str = "F"


ZERO: Final = Cell(0.0)
"""Nothing there, counted as nothing."""
HIDDEN: Final = Cell(None, "A", "C")
"""Unknown to the reader: kept secret by the supplier (or unknown to it; the sign does not tell the two apart)."""
MISSING: Final = Cell(None, "O")
"""Not delivered yet."""
UNRELIABLE: Final = Cell(None, "L")
"""Asked, but too few answers for a figure. The landing codes have no `Q`; „not collected“ is what is true of it: the
survey holds no figure for this cell. Not `O`, which promises a later delivery."""
IMPOSSIBLE: Final = Cell(None, "M")
"""There can be no figure in this cell."""
NOT_COLLECTED: Final = Cell(None, "L")
"""The table has no figures for this area and period."""

NOTHING: Final = frozenset({"-", "–"})
"""The signs of `ZERO`; Destatis prints an en dash in some files."""

OFFICIAL: Final[Mapping[str, Cell]] = {
    **dict.fromkeys(NOTHING, ZERO),
    ".": HIDDEN,
    "...": MISSING,
    "…": MISSING,
    "/": UNRELIABLE,
    "x": IMPOSSIBLE,
    "X": IMPOSSIBLE,
}
"""Signs that stand instead of a figure in the tables of the statistical offices."""

MARKS: Final[Mapping[str, str]] = {"": "A", "e": "A", "r": "A", "p": "P", "s": "E", "()": "E", "|": "B"}
"""Marks beside a figure → observation status: `e` final and `r` corrected are normal figures, `p` is provisional, `s`
estimated; `()` statistically uncertain counts as estimated (the landing codes have no `U`); `|` is a break."""

_MARKED: Final = re.compile(r"(?P<open>\()?\s*(?P<number>[^()\s]+?)\s*(?P<close>\))?\s*(?P<mark>[prse])?")


def agreed(
    *, zero: Iterable[str] = (), hidden: Iterable[str] = (), missing: Iterable[str] = ()
) -> Mapping[str, Cell]:
    """The signs one supplier agreed on, as a table like `OFFICIAL`."""
    return {
        **dict.fromkeys(zero, ZERO),
        **dict.fromkeys(hidden, HIDDEN),
        **dict.fromkeys(missing, MISSING),
    }


def read(written: str, decimal: str, mark: str = "") -> Cell:
    """The cell behind a text of an official table, e.g. `1.234,5`, `(12)`, `4543 p`, `-`, `/`.

    `decimal` is the decimal sign, `mark` what a quality column beside the figure says. Raises ValueError for a text
    that is neither a figure nor a known sign, and for an unknown mark.
    """
    written = written.strip()
    if written in OFFICIAL:
        return OFFICIAL[written]
    found = _MARKED.fullmatch(written)
    if found is None or bool(found["open"]) != bool(found["close"]):
        raise ValueError("neither a figure nor a sign")
    cell = Cell(values.decimal(found["number"], decimal), MARKS[found["mark"] or ""])
    if found["open"]:
        cell = replace(cell, obs_status=MARKS["()"])
    status = mark_status(mark)
    # The sign at the figure is the closer statement; the column adds to a figure that carries none.
    return cell if cell.obs_status != "A" else replace(cell, obs_status=status)


def mark_status(mark: str) -> str:
    """Observation status of a quality column; several marks: the most doubtful. Raises ValueError for unknown ones."""
    parts = re.findall(r"\(\)|\S", mark)
    if unknown := [part for part in parts if part not in MARKS]:
        raise ValueError(f"unknown mark {unknown[0]}")
    found = {MARKS[part] for part in parts}
    return next((status for status in ("E", "P", "B") if status in found), "A")
