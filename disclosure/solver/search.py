"""Proves one end after the other, hiding what it takes.

Belongs here: the order of attempts for one end, and what to do when nothing helps. Does not belong here: the loop over
all ends (`protect`), giving cells back (`prune`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from disclosure.solver.cycles import cheapest_cycle
from disclosure.solver.incidence import Indices
from disclosure.solver.neighbourhood import neighbourhood
from disclosure.solver.options import SolverOptions
from disclosure.solver.program import Engine, cheapest_changes
from disclosure.solver.state import NO_COST, Move, State
from disclosure.table import Flags


@dataclass
class Search:
    """State, engine and options of one run."""

    state: State
    options: SolverOptions
    engine: Engine
    is_late: Callable[[], bool] = field(default=lambda: False)
    """Has the deadline passed? Asked between the attempts for one end."""
    _regions: Indices | None = field(default=None)

    def __post_init__(self) -> None:
        atoms = self.state.incidence.table.atoms
        work = atoms * int(self.state.primary.sum())
        self.is_small = atoms <= self.options.small and work <= self.options.small_work
        self._everything = np.arange(atoms)
        self.is_large = self.state.incidence.table.cells >= self.options.large

    def prove(self, end: int, *, quick: bool = False, shield: Flags | None = None) -> bool:
        """Finds a move for an end and takes it in, with its multiples. False where no choice of cells helps.

        `quick`: the first move found, whatever it costs. `shield`: cells that must stay as they are; False then only
        says that no attempt with a price has found a way around them.
        """
        if shield is None:
            move = self.quick_move(end) if quick else self.best_move(end)
        else:
            known, self.state.fixed = self.state.fixed, self.state.fixed | shield
            try:
                move = self.best_move(end, anything=False)
            finally:
                self.state.fixed = known
        if move is None:
            return False
        self.take(move)
        return True

    def take(self, move: Move) -> None:
        """Takes a move in, and its multiples as far as they prove something new."""
        self.state.add(move)
        for multiple in self.state.multiples(move):
            self.state.add(multiple)

    def best_move(self, end: int, *, anything: bool = True) -> Move | None:
        """The cheapest move the attempts find; `anything`: where none does, one without regard to its price."""
        best, price = None, np.inf
        options = self.options
        enough = float(self.state.price[end >> 1])
        enough *= options.satisfied_in_large if self.is_large else options.satisfied
        cycle = cheapest_cycle(self.state, end)
        if cycle is not None:
            best, price = cycle
            if price <= enough:
                return best
        if self.is_small:
            move = self._try(end, self._everything, branch=False)
            if move is not None:
                cost = float(self.state.cost(move.cells).sum())
                return best if best is not None and price <= cost else move
        seen = 0
        for attempt, width in enumerate(self.options.widths):
            if best is not None and (attempt > 1 or price <= enough):
                break
            if self.is_late():
                return best if best is not None or not anything else self.quick_move(end)
            for linked in (False, True) if best is None and attempt else (False,):
                atoms = neighbourhood(
                    self.state, end, width, self.options.largest_neighbourhood, linked=linked
                )
                if atoms.size == seen:
                    continue
                seen = atoms.size
                for move in self._moves(end, atoms, price, strict=True):
                    cost = float(self.state.cost(move.cells).sum())
                    if cost < price:
                        best, price = move, cost
                    if price == 0.0:
                        return best
        if best is None:
            if self.state.incidence.table.atoms <= self.options.largest_program and not self.is_late():
                best = self._try(end, self._everything)
            if best is None and anything:
                best = self.any_move(end)
        return best

    def other_move(self, end: int, budget: float, *, branch: bool = True) -> Move | None:
        """A move for less than the budget, or None: one look at the cycles (not in large tables), one program.

        `branch`: also by branch and bound in the neighbourhood.
        """
        # In a large table the program alone finds as much in two thirds of the time.
        cycle = None if self.is_large else cheapest_cycle(self.state, end)
        if cycle is not None and cycle[1] < min(budget, NO_COST):
            return cycle[0]
        move = self._try(end, self._everything, branch=False) if self.is_small else None
        if move is None and branch:
            atoms = neighbourhood(self.state, end, self.options.widths[0], self.options.largest_neighbourhood)
            move = self._try(end, atoms, budget)
        price = np.inf if move is None else float(self.state.cost(move.cells).sum())
        if cycle is not None and cycle[1] <= price:
            move, price = cycle
        return move if price < budget else None

    def quick_move(self, end: int) -> Move | None:
        """Some move: a single atom, then a small neighbourhood, then anything."""
        cell, sign = end >> 1, 1 if end & 1 else -1
        for atom in self.state.incidence.atoms_of(cell)[:2].tolist():
            move = self.state.feasible(np.array([atom]), np.array([sign * self.state.need(end)]))
            if move is not None and not self.state.hides(move).size:
                return move
        for width in self.options.widths[:2]:
            atoms = neighbourhood(self.state, end, width, self.options.largest_neighbourhood, linked=True)
            move = self._try(end, atoms)
            if move is not None:
                return move
        return self.any_move(end)

    def any_move(self, end: int) -> Move | None:
        """A move under the only condition that nothing changes that must not be hidden."""
        cell = end >> 1
        region = self._region()
        own = self.state.incidence.atoms_of(cell)
        atoms = np.flatnonzero(np.isin(region, region[own]))
        for delta in cheapest_changes(self.engine, self.state, atoms, end, free=True):
            return self.state.feasible(atoms, delta)
        return None

    def _try(self, end: int, atoms: Indices, budget: float = np.inf, *, branch: bool = True) -> Move | None:
        return next(self._moves(end, atoms, budget, branch=branch), None)

    def _moves(
        self, end: int, atoms: Indices, budget: float, *, branch: bool = True, strict: bool = False
    ) -> Iterator[Move]:
        engine, state = self.engine, self.state
        for delta in cheapest_changes(engine, state, atoms, end, budget=budget, branch=branch, strict=strict):
            move = state.feasible(atoms, delta)
            if move is not None and end in move.claims:
                yield move

    def _region(self) -> Indices:
        """Atoms that known figures and knowledge tie together get the same number."""
        if self._regions is None:
            table = self.state.incidence.table
            ties = [table.membership[self.state.fixed].tocoo(), table.knowledge.rows.tocoo()]
            offset = table.atoms
            left, right = [], []
            for tie in ties:
                left.append(tie.col)
                right.append(tie.row + offset)
                offset += tie.shape[0]
            ends = np.concatenate(left), np.concatenate(right)
            graph = coo_matrix((np.ones(ends[0].size), ends), shape=(offset, offset))
            self._regions = connected_components(graph, directed=False)[1][: table.atoms]
        return self._regions

    def reachable(self, end: int) -> int:
        """How far the cell of an end that cannot be proven can move at all (less than `need`); sets the goal to it."""
        state, cell = self.state, end >> 1
        goals = state.upper if end & 1 else state.lower
        sign = 1 if end & 1 else -1
        low, high = 0, state.need(end)
        while high - low > 1:
            middle = (low + high) // 2
            goals[cell] = state.value[cell] + sign * middle
            if self.any_move(end) is None:
                high = middle
            else:
                low = middle
        goals[cell] = state.value[cell] + sign * low
        return low
