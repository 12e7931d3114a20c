"""The cheapest safe pattern of a small table (layer C), to know how far other patterns are from it.

Belongs here: the integer program over patterns. Does not belong here: anything the night run needs (`solver`).

Fischetti & Salazar (2001, "Solving the cell suppression problem on tabular data with linear constraints"): one binary
per cell, and for every proof that a primary is exposed one cut which says that a cell of that proof has to be hidden,
with the cell's room for manoeuvre as its coefficient. Proofs come from the attacker who knows that counts are whole,
so that the optimum holds for the promise made here and not only over the reals.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from disclosure.attacker import Attacker
from disclosure.disproof import Chain, Disproof, bound_proof
from disclosure.system import Floats, known_cells
from disclosure.table import Flags, LinkedTable


@dataclass(frozen=True)
class ExactResult:
    """`cost` adds up the weights of secondary cells; primaries cost nothing, they have to go."""

    is_hidden: Flags
    cost: float
    proven: bool
    """No cheaper safe pattern exists. False where the time ran out: then `is_hidden` is safe and `bound` is below."""
    bound: float
    """No safe pattern costs less than this."""
    is_unsafe: Flags
    """Primaries that no pattern protects; they are left out of the optimisation."""

    @property
    def gap(self) -> float:
        """Share by which the cost may exceed the optimum; 0 where proven."""
        return 0.0 if self.proven or self.cost == 0 else 1 - self.bound / self.cost


def secondary_cost(table: LinkedTable, is_hidden: Flags) -> float:
    """Weights of the cells hidden beyond primaries and what is never tabulated."""
    return float(table.weight[is_hidden & ~table.is_primary & table.may_publish].sum())


def optimum(table: LinkedTable, *, seconds: float = 60.0, start: Flags | None = None) -> ExactResult:
    """Cheapest pattern in which every primary reaches both goals by whole-number worlds.

    Ties are broken by cell number, so that the same table gives the same pattern. `seconds` bounds the search; tidying
    up what was found by then takes up to half as long again. `start` is a safe pattern that is given back, thinned,
    where the time runs out before something cheaper is found.
    """
    deadline = time.monotonic() + seconds
    search = _Search(table, deadline)
    best, bound = search.everything if start is None else start, 0.0
    while time.monotonic() < deadline:
        chosen, lower = search.cheapest()
        bound = max(bound, lower)
        repaired = None if chosen is None else search.cut_until_safe(chosen)
        if chosen is None or repaired is None:
            break
        if (repaired == chosen).all():
            return search.result(chosen, proven=True, bound=secondary_cost(table, chosen))
        if secondary_cost(table, repaired) < secondary_cost(table, best):
            best = repaired
    return search.result(search.thinned(best, deadline + seconds / 2), proven=False, bound=bound)


class _Search:
    """Cuts found so far, and what they are found with."""

    def __init__(self, table: LinkedTable, deadline: float) -> None:
        table.check()
        self.table = table
        self.deadline = deadline
        self.forced = (table.is_primary & table.may_hide) | ~table.may_publish
        self.everything: Flags = table.may_hide.copy()
        self.free = np.flatnonzero(table.may_hide & ~self.forced)
        attacker = Attacker(table, self.everything, integer=True)
        primaries = np.flatnonzero(table.is_primary)
        self.is_unsafe = np.zeros(table.cells, dtype=np.bool_)
        for cell in map(int, primaries):
            self.is_unsafe[cell] = not _reaches(attacker, table, cell)
        self.primaries = primaries[~self.is_unsafe[primaries]]
        # How far a hidden cell can move at most, whatever else is hidden: the coefficients of the cuts. Down to 0 and
        # without end is what is sure without asking.
        self.down, self.up = table.value.astype(np.float64), np.full(table.cells, np.inf)
        real = Attacker(table, self.everything, self.free, integer=False)
        for cell in map(int, self.free):
            if time.monotonic() >= deadline:
                break
            low, high = real.interval(cell)
            self.down[cell] = np.ceil(table.value[cell] - low.bound)
            self.up[cell] = np.ceil(high.bound - table.value[cell])
        self.cuts: list[tuple[Floats, float]] = []

    def cheapest(self) -> tuple[Flags | None, float]:
        """The cheapest pattern that meets all cuts so far, and a lower bound on the cost."""
        # A hair more per cell and number: of equally dear patterns the same one is found, and cells of weight 0 stay.
        tie = 1e-6 * (1 + np.arange(self.free.size) / max(self.free.size, 1))
        scale = max(float(self.table.weight[self.free].max(initial=0.0)), 1.0)
        cost = self.table.weight[self.free] + tie * scale
        is_hidden = self.forced.copy()
        if not self.cuts:
            return is_hidden, 0.0
        found = milp(
            cost,
            constraints=LinearConstraint(
                np.array([cut[self.free] for cut, _ in self.cuts]), lb=[need for _, need in self.cuts]
            ),
            integrality=np.ones(self.free.size),
            bounds=Bounds(0, 1),
            options={"time_limit": max(self.deadline - time.monotonic(), 0.1), "mip_rel_gap": 0.0},
        )
        bound = found.mip_dual_bound
        if found.status != 0:
            return None, 0.0 if bound is None else float(bound)
        is_hidden[self.free] = found.x > 0.5
        return is_hidden, secondary_cost(self.table, is_hidden)

    def cut_until_safe(self, chosen: Flags) -> Flags | None:
        """Adds a cut for every exposed primary, hides the cells of the cuts, and goes on until nothing is exposed.

        None where the time ran out.

        The first round cuts off the chosen pattern; the further ones give cuts that share no cell with it, which is
        what lifts the bound quickly.
        """
        is_hidden = chosen.copy()
        while True:
            proofs = self._proofs(is_hidden)
            if proofs is None:
                return None
            if not proofs:
                return is_hidden
            touched = is_hidden.copy()
            for proof in proofs:
                cut, need = self._cut(proof, is_hidden)
                self.cuts.append((cut, need))
                touched[(cut > 0)] = True
            is_hidden = touched

    def _proofs(self, is_hidden: Flags) -> list[Disproof | None] | None:
        table = self.table
        attacker = Attacker(table, is_hidden, self.primaries, integer=True)
        found: list[Disproof | None] = []
        for cell in map(int, self.primaries):
            if time.monotonic() >= self.deadline:
                return None
            for is_upper, goal in ((True, int(table.upper_goal[cell])), (False, int(table.lower_goal[cell]))):
                end = attacker.end(cell, -1 if is_upper else 1, goal).attained
                if end >= goal if is_upper else end <= goal:
                    continue
                try:
                    beyond = goal - 1 if is_upper else goal + 1
                    found.append(bound_proof(table, is_hidden, cell, is_upper=is_upper, end=beyond))
                except RuntimeError:
                    found.append(None)
        return found

    def _cut(self, proof: Disproof | None, is_hidden: Flags) -> tuple[Floats, float]:
        """One cell of the proof has to go; without a readable proof: one of all published cells."""
        cut = np.zeros(self.table.cells)
        if proof is None:
            cut[self.free] = ~is_hidden[self.free]
            return cut, 1.0
        if not isinstance(proof.proof, Chain):
            cut[list(proof.cells_used)] = 1.0
            cut[~self.table.may_hide] = 0.0
            return cut, 1.0
        # The chain bounds the cell (its negative for a lower end): hiding a cell of it gives room in proportion.
        goal = (
            int(self.table.upper_goal[proof.cell])
            if proof.is_upper
            else -int(self.table.lower_goal[proof.cell])
        )
        need = float(goal - proof.proof.bound)
        factor: dict[int, Fraction] = {}
        for term in proof.proof.terms:
            if term.kind == "cell":
                factor[term.number] = factor.get(term.number, Fraction(0)) + term.factor
        for cell, size in factor.items():
            if not self.table.may_hide[cell]:
                continue
            room = self.up[cell] if size > 0 else self.down[cell]
            cut[cell] = min(float(abs(size)) * room, need) / need if room > 0 else 0.0
        return cut, 1.0 - 1e-9

    def thinned(self, is_hidden: Flags, deadline: float) -> Flags:
        """Publishes again what is not needed, dearest first: for the answer when the time is up."""
        is_hidden = is_hidden.copy()
        candidates = self.free[is_hidden[self.free]]
        for cell in candidates[np.argsort(-self.table.weight[candidates], kind="stable")]:
            if time.monotonic() >= deadline:
                break
            is_hidden[cell] = False
            attacker = Attacker(self.table, is_hidden, self.primaries, integer=True)
            if not all(_reaches(attacker, self.table, int(primary)) for primary in self.primaries):
                is_hidden[cell] = True
        return is_hidden

    def result(self, is_hidden: Flags, *, proven: bool, bound: float) -> ExactResult:
        cost = secondary_cost(self.table, is_hidden)
        return ExactResult(is_hidden, cost, proven, min(bound, cost), self.is_unsafe)


def _reaches(attacker: Attacker, table: LinkedTable, cell: int) -> bool:
    """Both goals of a primary are reached by worlds."""
    if known_cells(table, table.may_hide)[cell]:
        return False
    low, high = int(table.lower_goal[cell]), int(table.upper_goal[cell])
    return attacker.end(cell, 1, low).attained <= low and attacker.end(cell, -1, high).attained >= high
