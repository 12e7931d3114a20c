"""What a worker process does: one table, from its draft to its result.

Belongs here: the call of the solver. Does not belong here: DuckDB, files, Dagster; a worker is started fresh and
imports this module only.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from disclosure.table import Flags, LinkedTable, Pattern, infeasible, unproven
from orchestration.protection.draft import Completed, Draft, completed
from orchestration.protection.store import Solved

Solver = Callable[[LinkedTable, float], Pattern]
"""Table and deadline (`time.monotonic()`) to pattern; a function of a module, because workers import it."""

INCONSISTENT = "inconsistent"


@dataclass(frozen=True)
class Task:
    """One table and how long it may take."""

    draft: Draft
    input_hash: str
    known_signature: str
    limit_s: float
    deadline: float
    """`time.monotonic()` for the whole step; the clock is the same in all processes of the machine."""


def default_solver(table: LinkedTable, deadline: float) -> Pattern:
    """Layer B with the options of the house."""
    from disclosure.solver import protect

    return protect(table, deadline=deadline)


def solve(task: Task, solver: Solver = default_solver) -> Solved:
    """Fills, protects, times. Raises ValueError for a table whose arrays are no table."""
    started = time.monotonic()
    granted = max(0.0, min(task.limit_s, task.deadline - started))
    ready = completed(task.draft)
    ready.table.check()
    pattern = solver(ready.table, started + granted)
    return result(
        ready,
        pattern,
        seconds=time.monotonic() - started,
        granted_s=granted,
        known_signature=task.known_signature,
    )


def result(
    ready: Completed, pattern: Pattern, *, seconds: float, granted_s: float, known_signature: str
) -> Solved:
    """Result with its counts."""
    table = ready.table
    if ready.is_inconsistent:
        pattern = Pattern(pattern.is_hidden, pattern.witnesses, pattern.is_unsafe, INCONSISTENT)
    secondary = pattern.is_hidden & ~table.is_primary & table.may_publish
    return Solved(
        pattern=pattern,
        base=table.base,
        is_published=published(table, pattern),
        cells=table.cells,
        primaries=int(table.is_primary.sum()),
        secondaries=int(secondary.sum()),
        seconds=seconds,
        granted_s=granted_s,
        solved_at=datetime.now(UTC),
        known_signature=known_signature,
    )


def published(table: LinkedTable, pattern: Pattern) -> Flags:
    """Cells that go out: not hidden, and not a primary that only a human may let pass."""
    return np.asarray(~pattern.is_hidden & ~pattern.is_unsafe & table.may_publish, dtype=np.bool_)


def still_holds(draft: Draft, solved: Solved) -> bool:
    """Is a remembered result a proof against what the ledger says today? In sums, without a solver.

    After a first release the ledger knows what the result published: nothing new. A revision, or a release from other
    hands, may contradict it: then the table is solved again.
    """
    ready = completed(draft, solved.base)
    table, pattern = ready.table, solved.pattern
    try:
        table.check()
    except ValueError:
        return False
    if pattern.is_hidden.size != table.cells:
        return False
    protected = ~pattern.is_unsafe
    if (pattern.is_hidden & ~table.may_hide & protected).any():
        # The ledger shows what the result took for hidden.
        return False
    if (~pattern.is_hidden & (~table.may_publish | (table.is_primary & protected))).any():
        return False
    low, high = unproven(table, pattern)
    return not ((low | high) & protected).any() and infeasible(table, pattern).size == 0
