"""The way of one table from question to pattern with proof.

Belongs here: the order of the steps, the clock, the check at the end. Does not belong here: any of the steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from disclosure.collapse import Collapsed, collapse
from disclosure.solver.incidence import Incidence, Indices
from disclosure.solver.options import SolverOptions
from disclosure.solver.program import Engine
from disclosure.solver.prune import prune
from disclosure.solver.search import Search
from disclosure.solver.state import State
from disclosure.solver.worlds import pack
from disclosure.table import Flags, LinkedTable, Pattern, Witnesses, infeasible, unproven

Progress = Callable[[int, int], None]
REPORT_EVERY = 200


class CertificateError(RuntimeError):
    """The solver claims something its own witnesses do not show. A bug; nothing may be released on it."""


def protect(
    table: LinkedTable,
    options: SolverOptions | None = None,
    *,
    deadline: float | None = None,
    progress: Progress | None = None,
) -> Pattern:
    """Decides which cells are hidden, and proves it.

    Every hidden primary has a whole-number world at or below its lower goal and one at or above its upper goal, unless
    it is `is_unsafe`: then what is known already gives it away, whatever is hidden now. `deadline` is a value of
    `time.monotonic()`; when it passes, the suggestion is hidden as a whole (`fallback`), later everything that may be
    (`withheld`). `progress(done, all)` counts primary cells. The same input gives the same answer, unless the deadline
    cuts in. Raises ValueError for a table that contradicts itself, CertificateError for a wrong proof.
    """
    table.check()
    if not table.is_primary.any():
        return Pattern(~table.may_publish, Witnesses.none(), np.zeros(table.cells, dtype=np.bool_), "none")
    small = collapse(table)
    run = _Run(small, options or SolverOptions(), deadline, progress)
    run.solve()
    hidden = run.state.hidden[small.cell] | table.is_primary | ~table.may_publish
    unsafe = run.unsafe[small.cell] & table.is_primary
    pattern = Pattern(hidden, small.spread(table, pack(run.state)), unsafe, run.method)
    _check(table, pattern)
    return pattern


def _check(table: LinkedTable, pattern: Pattern) -> None:
    wrong = infeasible(table, pattern)
    if wrong.size:
        raise CertificateError(f"{table.name}: {wrong.size} witnesses contradict what is published")
    low, high = unproven(table, pattern)
    missing = (low | high) & ~pattern.is_unsafe
    if missing.any():
        raise CertificateError(f"{table.name}: {int(missing.sum())} primary cells without a proof")


class _Run:
    """State and clock of one solution."""

    def __init__(
        self, small: Collapsed, options: SolverOptions, deadline: float | None, progress: Progress | None
    ) -> None:
        table = small.table
        price = table.weight.astype(np.float64)
        if table.suggested.size:
            price = price * np.where(table.suggested, options.suggestion_discount, 1.0)
        # What has no cost would be hidden without need.
        price = np.maximum(price, 1e-3)
        known = ~table.may_hide
        self.known = known
        heavy = table.weight >= options.shielded * table.weight.max(initial=0.0)
        self.shield: Flags = heavy & table.may_publish & ~table.is_primary & ~known
        self.unsafe: Flags = table.is_primary & known
        self.method = "solver"
        self.state = State(
            incidence=Incidence.of(table),
            hidden=(table.is_primary | ~table.may_publish) & ~known,
            fixed=known,
            price=price,
            lower=table.lower_goal.copy(),
            upper=table.upper_goal.copy(),
            primary=table.is_primary & ~known,
        )
        self.search = Search(self.state, options, Engine(options.integer_nodes, deadline), self._is_late)
        self.progress = progress
        self.deadline = deadline
        now = time.monotonic()
        self.last = None if deadline is None else deadline + max(2.0, options.grace * (deadline - now))
        self.table = table

    def solve(self) -> None:
        cells = np.flatnonzero(self.state.primary)
        order = cells[np.lexsort((cells, self.state.value[cells], -self.table.weight[cells]))]
        for done, cell in enumerate(order.tolist()):
            self._watch_clock()
            for end in (2 * cell + 1, 2 * cell):
                self._prove(end)
            if self.progress is not None and (done + 1) % REPORT_EVERY == 0:
                self.progress(done + 1, order.size)
        if self.progress is not None:
            self.progress(order.size, order.size)
        if self.method == "solver":
            prune(self.search, self._secondary, self._is_late)

    def _prove(self, end: int) -> None:
        quick = self.method != "solver"
        if self.state.is_proven(end):
            return
        if not quick and self.search.prove(end, shield=self.shield & ~self.state.hidden):
            return
        if self.search.prove(end, quick=quick):
            return
        self.unsafe[end >> 1] = True
        if self.search.reachable(end) > 0:
            self.search.prove(end, quick=quick)

    def _secondary(self) -> Indices:
        always = self.state.primary | ~self.table.may_publish
        return np.flatnonzero(self.state.hidden & ~always)

    def _is_late(self) -> bool:
        return self.deadline is not None and time.monotonic() > self.deadline

    def _watch_clock(self) -> None:
        """Falls back to hiding the suggestion, and at last everything, when time runs out. Moves found stay valid."""
        if self.method == "solver" and self._is_late():
            self.method = "fallback"
            if self.table.suggested.size:
                self._hide(self.table.suggested)
        if self.method == "fallback" and self.last is not None and time.monotonic() > self.last:
            self.method = "withheld"
            self._hide(self.table.may_hide)

    def _hide(self, which: Flags) -> None:
        # Rebuilding beats hiding cell by cell when there are many.
        self.state = replace(self.state, hidden=self.state.hidden | (which & self.table.may_hide))
        self.search.state = self.state
