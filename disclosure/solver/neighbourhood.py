"""Which atoms may take part in a move for one primary cell.

Belongs here: choosing few good atoms out of many. Does not belong here: what they do (`program`).

All atoms outside stay as they are and every figure that touches the neighbourhood is still a constraint, so that a
solution found here holds in the whole table. Partners of an atom are chosen along its lines, the cheapest first; then
squares are completed: an atom that lies on two lines already touched balances what two partners have moved. For a
table of areas x ages x sexes this gives small boxes of whole rows and columns, without knowing that there are any.
"""

from __future__ import annotations

import numpy as np

from disclosure.solver.incidence import Incidence, Indices, distinct
from disclosure.solver.state import State
from disclosure.table import Integers

OUT_OF_REACH = 1e7
"""Price of a partner that cannot move in the direction wanted; larger than any sum of weights nearby."""


def neighbourhood(state: State, end: int, width: int, limit: int, *, linked: bool = False) -> Indices:
    """Atoms near the cell of an end, ascending; `width` partners per direction, about `limit` atoms at most.

    `linked`: also across rows of knowledge, into other breakdowns of the same area. Always done where the cell is the
    whole side of such a row (the total of an area), because its other side has to move along.
    """
    incidence = state.incidence
    cell, sign = end >> 1, 1 if end & 1 else -1
    need = state.need(end)
    seeds = _seeds(state, cell, sign, need, width)
    chosen: list[Indices] = [seeds]
    leaders = seeds[: max(2, width // 2)].tolist()
    for seed in leaders:
        for line in incidence.leaving(seed, cell):
            chosen.append(_partners(state, incidence.on_line(line), seed, cell, -sign, need, width))
    own = int(incidence.line_of_cell[cell])
    for seed in leaders:
        for line, opposite in incidence.facing(seed):
            if linked or own in incidence.supersets(line):
                across = _partners(
                    state, incidence.on_line(opposite), seed, cell, sign, need, max(2, width // 2)
                )
                chosen.append(across)
                for atom in across[:2].tolist():
                    for leaving in incidence.minimal[atom].tolist():
                        if leaving not in (-1, opposite):
                            on_line = incidence.on_line(leaving)
                            chosen.append(_partners(state, on_line, atom, cell, -sign, need, width))
    atoms = distinct(np.concatenate(chosen))
    for _ in range(3):
        grown = _complete(incidence, atoms, limit)
        if grown.size == atoms.size:
            break
        atoms = grown
    return atoms


def _seeds(state: State, cell: int, sign: int, need: int, width: int) -> Indices:
    """Atoms of the cell itself that should move: cheap ones that can; all that must when it has to fall to 0."""
    table = state.incidence.table
    atoms = state.incidence.atoms_of(cell)
    if atoms.size <= max(2, width // 2):
        return atoms
    room = _room(table.base, table.ceiling, atoms, sign)
    price = state.atom_price[atoms] + OUT_OF_REACH * (room < need)
    best = atoms[np.argsort(price, kind="stable")[: max(2, width // 2)]]
    if sign < 0:
        filled = atoms[table.base[atoms] > 0]
        if filled.size > 64:
            filled = filled[np.argsort(-table.base[filled], kind="stable")[:64]]
        if int(np.minimum(table.base[best], need).sum()) < need or filled.size <= 3:
            best = np.concatenate([best, state.incidence.without(filled, best)])
    return np.asarray(best)


def _room(base: Integers, ceiling: Integers, atoms: Indices, sign: int) -> Integers:
    return np.asarray(ceiling[atoms] - base[atoms] if sign > 0 else base[atoms])


def _partners(state: State, line: Indices, seed: int, cell: int, sign: int, need: int, width: int) -> Indices:
    """The cheapest atoms on a line that can move against the seed."""
    table = state.incidence.table
    own = state.incidence.atoms_of(cell)
    others = line[line != seed]
    if own.size > 1:
        others = state.incidence.without(others, own)
    if others.size <= width:
        return np.asarray(others)
    room = _room(table.base, table.ceiling, others, sign)
    price = state.atom_price[others] + OUT_OF_REACH * (room < need)
    return np.asarray(others[np.argsort(price, kind="stable")[:width]])


def _complete(incidence: Incidence, atoms: Indices, limit: int) -> Indices:
    """Adds the atoms that lie on two lines touched already."""
    lines = incidence.minimal_of(atoms)
    if not lines.size:
        return atoms
    crossing = incidence.on_two(lines)
    both = distinct(np.concatenate([atoms, crossing]))
    if both.size <= limit:
        return both
    new = incidence.without(crossing, atoms)
    return np.sort(np.concatenate([atoms, new[: max(limit - atoms.size, 0)]]))
