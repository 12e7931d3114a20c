"""The audit: every hidden cell of a table under attack, and whether the promises made for primaries hold.

Belongs here: verdicts on patterns, and the comparison with what a certificate claims. Does not belong here: the solver
(it must not be imported: agreement is worth something because the code is another), readable proofs (`disproof`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from disclosure.attacker import Attacker
from disclosure.system import Floats, known_cells
from disclosure.table import Flags, Integers, LinkedTable, Pattern


@dataclass(frozen=True)
class Audit:
    """Attacker's interval per audited cell; all arrays have one entry per entry of `cells`."""

    cells: Integers
    """Positions in the table."""
    lower: Floats
    upper: Floats
    """Ends that worlds attain; infinite where nothing limits the cell. Where not `is_exact` they may be wider still."""
    is_exact: Flags
    """Both ends are proven to be the last ones. False where the time ran out."""
    is_safe: Flags
    """The goals of a primary are reached; True for hidden cells that promise nothing."""
    is_unsafe: Flags
    """Proven: a goal of a primary is out of reach. Neither flag where the time ran out."""

    @property
    def unsafe(self) -> Integers:
        """Primaries whose goals are proven to be out of reach."""
        return np.asarray(self.cells[self.is_unsafe], dtype=np.int64)

    @property
    def disclosed(self) -> Integers:
        """Hidden cells with one possible value."""
        return np.asarray(self.cells[self.is_exact & (self.lower == self.upper)], dtype=np.int64)


def audit(
    table: LinkedTable,
    is_hidden: Flags,
    cells: Integers | None = None,
    *,
    integer: bool,
    deadline: float | None = None,
) -> Audit:
    """Exact interval and verdict for hidden cells (all that the attacker cannot read, or the given ones).

    `integer`: counts are whole for the attacker, as they are; False gives the wider intervals over the reals.
    `deadline` (time.monotonic()): cells not finished then are marked in `is_exact`. Raises ValueError where the table
    contradicts itself.
    """
    asked = (
        np.flatnonzero(~known_cells(table, is_hidden)) if cells is None else np.asarray(cells, dtype=np.int64)
    )
    attacker = Attacker(table, is_hidden, asked, integer=integer)
    size = asked.size
    lower, upper = table.value[asked].astype(np.float64), table.value[asked].astype(np.float64)
    outer_lower, outer_upper = np.full(size, -np.inf), np.full(size, np.inf)
    for number, cell in enumerate(asked):
        if deadline is not None and time.monotonic() >= deadline:
            break
        low, high = attacker.interval(int(cell), deadline)
        lower[number], outer_lower[number] = low.attained, low.bound
        upper[number], outer_upper[number] = high.attained, high.bound
    primary, slack = table.is_primary[asked], 0.0 if integer else 1e-6
    low_goal, high_goal = table.lower_goal[asked], table.upper_goal[asked]
    return Audit(
        cells=asked,
        lower=lower,
        upper=upper,
        is_exact=(lower == outer_lower) & (upper == outer_upper),
        is_safe=~primary | ((lower <= low_goal + slack) & (upper >= high_goal - slack)),
        is_unsafe=primary & ((outer_lower > low_goal + slack) | (outer_upper < high_goal - slack)),
    )


@dataclass(frozen=True)
class Disagreement:
    """A primary for which certificate and attacker come to different verdicts."""

    cell: int
    claimed_safe: bool
    lower: float
    upper: float
    """Interval of the attacker as far as it was worked out."""

    def german(self, label: str) -> str:
        """One sentence for the report."""
        claim = "geschützt" if self.claimed_safe else "nicht zu schützen"
        high = "nach oben unbegrenzt" if np.isinf(self.upper) else f"höchstens {self.upper:.0f}"
        return f"{label}: gilt laut Nachweis als {claim}, der Angriff ergibt mindestens {self.lower:.0f} und {high}."


def independent_check(
    table: LinkedTable,
    pattern: Pattern,
    sample: int = 20,
    seed: int = 0,
    *,
    primaries: Integers | None = None,
    deadline: float | None = None,
) -> list[Disagreement]:
    """Attacks a sample of primaries and returns those where the certificate claims something else.

    The same `seed` draws the same primaries; `primaries` names them instead. `deadline` (time.monotonic()) ends the
    attack: what is undecided then counts as agreement, since nothing was found. Unsafe primaries are attacked like safe
    ones: a certificate that gives up too early is wrong, too.
    """
    if primaries is None:
        primaries = np.flatnonzero(table.is_primary)
        if primaries.size > sample:
            primaries = np.sort(np.random.default_rng(seed).choice(primaries, size=sample, replace=False))
    if not primaries.size:
        return []
    # A primary given up is not published, so it stays hidden for this attacker unless he knows it anyway.
    attacker = Attacker(table, pattern.is_hidden | pattern.is_unsafe, primaries, integer=True)
    found = []
    for cell in map(int, primaries):
        if deadline is not None and time.monotonic() >= deadline:
            break
        low_goal, high_goal = float(table.lower_goal[cell]), float(table.upper_goal[cell])
        low = attacker.end(cell, 1, low_goal, deadline)
        high = attacker.end(cell, -1, high_goal, deadline)
        is_safe = low.attained <= low_goal and high.attained >= high_goal
        is_unsafe = low.bound > low_goal or high.bound < high_goal
        claimed = not bool(pattern.is_unsafe[cell])
        if (claimed and is_unsafe) or (not claimed and is_safe):
            found.append(Disagreement(cell, claimed, low.attained, high.attained))
    return found
