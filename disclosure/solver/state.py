"""What is hidden so far, which moves are known, and which ends of ranges they prove.

Belongs here: the changing part of a search, with undo. Does not belong here: how moves are found.

A **move** is a change of the base world that nobody can see: every published figure and every row of knowledge stays
what it is. Base plus move is a witness. An **end** is one of the two goals of a primary cell: 2·cell for the
lower, 2·cell + 1 for the upper.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from disclosure.solver.incidence import Incidence, Indices
from disclosure.table import UNLIMITED, Flags, Integers

NO_COST = 1e-9


@dataclass(frozen=True)
class Move:
    """A feasible change; `cells` are all cells it changes, by `shift`. `claims`: ends it proves."""

    atoms: Indices
    delta: Integers
    cells: Indices
    shift: Integers
    claims: tuple[int, ...]


@dataclass
class State:
    """Hidden cells, moves and proven ends. All changes go through `hide`, `show`, `add` and `drop`."""

    incidence: Incidence
    hidden: Flags
    fixed: Flags
    """Cells whose value the attacker knows whatever is decided."""
    price: NDArray[np.float64]
    """Cost of hiding a cell, with the discount of the suggestion."""
    lower: Integers
    upper: Integers
    """Goals of the primary cells; they may be lowered to what can be reached at all."""
    primary: Flags
    atom_price: NDArray[np.float64] = field(init=False)
    """Price of all published cells an atom is part of."""
    own_price: NDArray[np.float64] = field(init=False)
    """Price of the published cell that is this atom alone."""
    line_price: NDArray[np.float64] = field(init=False)
    """Price of the published cell a line stands for."""
    value: Integers = field(init=False)
    moves: list[Move] = field(default_factory=list)
    alive: list[bool] = field(default_factory=list)
    proofs: dict[int, int] = field(default_factory=dict)
    """Number of moves alive that prove an end."""
    moved_by: dict[int, list[int]] = field(default_factory=dict)
    """Moves that change a cell."""

    def __post_init__(self) -> None:
        table = self.incidence.table
        self.value = table.value
        price = np.where(self.hidden, 0.0, self.price)
        self.atom_price = np.asarray(table.membership.T @ price, dtype=np.float64)
        incidence = self.incidence
        self.line_price = np.zeros(incidence.cell_of_line.size)
        self.line_price[incidence.line_of_cell] = price
        alone = np.flatnonzero(np.diff(incidence.cell_pointer) == 1)
        self.own_price = np.zeros(table.atoms)
        np.add.at(self.own_price, incidence.cell_atoms[incidence.cell_pointer[alone]], price[alone])

    def cost(self, cells: Indices) -> NDArray[np.float64]:
        """What it costs to hide the cells now; nothing for hidden ones."""
        return np.where(self.hidden[cells], 0.0, self.price[cells])

    def hide(self, cells: Indices) -> None:
        self._turn(cells, True)

    def show(self, cells: Indices) -> None:
        self._turn(cells, False)

    def _turn(self, cells: Indices, hidden: bool) -> None:
        for cell in cells.tolist():
            atoms = self.incidence.atoms_of(cell)
            change = -self.price[cell] if hidden else self.price[cell]
            self.atom_price[atoms] += change
            self.line_price[self.incidence.line_of_cell[cell]] = 0.0 if hidden else self.price[cell]
            if atoms.size == 1:
                self.own_price[atoms] = 0.0 if hidden else self.price[cell]
        self.hidden[cells] = hidden

    def is_proven(self, end: int) -> bool:
        cell = end >> 1
        reached = self.value[cell] >= self.upper[cell] if end & 1 else self.value[cell] <= self.lower[cell]
        return bool(reached) or self.proofs.get(end, 0) > 0

    def need(self, end: int) -> int:
        """How far the cell has to move for the end: the amount, without sign."""
        cell = end >> 1
        return int(self.upper[cell] - self.value[cell] if end & 1 else self.value[cell] - self.lower[cell])

    def feasible(self, atoms: Indices, delta: Integers) -> Move | None:
        """The change as a move if base and knowledge allow it; published cells may still be among its cells.

        Exact integer arithmetic: this is where solutions of linear programs are checked. None if an atom leaves its
        range, a knowledge row is broken or a known cell changes.
        """
        moving = np.flatnonzero(delta)
        if not moving.size:
            return None
        atoms, delta = atoms[moving], delta[moving]
        table = self.incidence.table
        after = table.base[atoms] + delta
        if (after < 0).any() or (after > table.ceiling[atoms]).any():
            return None
        rows, owner, coefficient = self.incidence.rows_of(atoms)
        if rows.size:
            which, sums = _sum_by(rows, coefficient * delta[owner])
            known = sums + self.incidence.row_start[which]
            if (known < table.knowledge.lower[which]).any() or (known > table.knowledge.upper[which]).any():
                return None
        cells, owner = self.incidence.cells_of(atoms)
        which, sums = _sum_by(cells, delta[owner])
        changed = sums != 0
        which, sums = which[changed], sums[changed]
        if self.fixed[which].any():
            return None
        return Move(atoms, delta, which, sums, self._claims(which, sums))

    def _claims(self, cells: Indices, shift: Integers) -> tuple[int, ...]:
        own = self.primary[cells]
        cells, after = cells[own], self.value[cells[own]] + shift[own]
        low = cells[after <= self.lower[cells]] * 2
        high = cells[after >= self.upper[cells]] * 2 + 1
        return (*low.tolist(), *high.tolist())

    def hides(self, move: Move) -> Indices:
        """Cells that have to be hidden for the move to be invisible."""
        return move.cells[~self.hidden[move.cells]]

    def add(self, move: Move) -> int:
        """Takes the move in and hides what it needs. Returns its number."""
        needed = self.hides(move)
        if needed.size:
            self.hide(needed)
        number = len(self.moves)
        self.moves.append(move)
        self.alive.append(True)
        for end in move.claims:
            self.proofs[end] = self.proofs.get(end, 0) + 1
        for cell in move.cells.tolist():
            self.moved_by.setdefault(cell, []).append(number)
        return number

    def drop(self, number: int) -> None:
        self.alive[number] = False
        for end in self.moves[number].claims:
            self.proofs[end] -= 1

    def revive(self, number: int) -> None:
        self.alive[number] = True
        for end in self.moves[number].claims:
            self.proofs[end] += 1

    def multiples(self, move: Move) -> list[Move]:
        """The move scaled: as far as it takes to prove every end it can prove, in both directions."""
        unit = move.delta // int(np.gcd.reduce(np.abs(move.delta)))
        shift = move.shift // int(np.gcd.reduce(np.abs(move.delta)))
        found = []
        reach = {1: self._reach(move.atoms, unit), -1: self._reach(move.atoms, -unit)}
        own = np.flatnonzero(self.primary[move.cells])
        wanted = {1: 0, -1: 0}
        for position in own.tolist():
            cell, step = int(move.cells[position]), int(shift[position])
            for end in (2 * cell, 2 * cell + 1):
                if self.is_proven(end):
                    continue
                sign = (1 if step > 0 else -1) * (1 if end & 1 else -1)
                times = -(-self.need(end) // abs(step))
                if times <= reach[sign]:
                    wanted[sign] = max(wanted[sign], times)
        for sign, times in wanted.items():
            if times:
                scaled = self.feasible(move.atoms, unit * (sign * times))
                if scaled is not None:
                    found.append(scaled)
        return found

    def _reach(self, atoms: Indices, unit: Integers) -> int:
        """How often the change can be made."""
        table = self.incidence.table
        room = np.where(unit < 0, table.base[atoms], table.ceiling[atoms] - table.base[atoms])
        reach = int((room // np.abs(unit)).min())
        rows, owner, coefficient = self.incidence.rows_of(atoms)
        if rows.size:
            which, sums = _sum_by(rows, coefficient * unit[owner])
            for row, step in zip(which.tolist(), sums.tolist(), strict=True):
                if step:
                    limit = table.knowledge.upper[row] if step > 0 else table.knowledge.lower[row]
                    if abs(int(limit)) != UNLIMITED:
                        reach = min(reach, abs(int(limit) - int(self.incidence.row_start[row])) // abs(step))
        return reach


def _sum_by(key: Indices, number: Integers) -> tuple[Indices, Integers]:
    """Exact sums per key, keys ascending."""
    order = np.argsort(key, kind="stable")
    key, number = key[order], number[order]
    first = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
    return key[first], np.add.reduceat(number, first)
