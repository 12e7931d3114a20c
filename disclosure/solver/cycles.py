"""Moves without a linear program: swaps between two areas and two categories, and their cubes.

Belongs here: closed cycles of 4 or 8 atoms around one primary cell, all candidates priced at once. Does not belong
here: everything that needs more than one amount (`program`).

One atom goes up by the whole amount, its partner along one line goes down, so does the partner along another line,
and the atom where the partners' other lines cross goes up again. In a cross table with published margins the same is
done twice, on both sides of a third line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from disclosure.solver.incidence import Indices
from disclosure.solver.state import Move, State
from disclosure.table import Integers

PARTNERS = 12
"""Partners per direction of a square; of a cube a few less."""
EXACT = 3
"""So many of the candidates with the lowest estimate are priced exactly."""


@dataclass(frozen=True)
class Cycles:
    """Candidates: one row per cycle; the first atom is the seed, `signs` say who goes up with it."""

    atoms: Indices
    signs: Integers
    estimate: NDArray[np.float64]


def cheapest_cycle(state: State, end: int) -> tuple[Move, float] | None:
    """The cheapest cycle that proves an end, with what it costs; None where there is none."""
    cell, sign, need = end >> 1, 1 if end & 1 else -1, state.need(end)
    best: tuple[Move, float] | None = None
    candidates = [
        (float(found.estimate[row]), found, int(row))
        for seed in _seeds(state, cell, sign, need).tolist()
        for found in _around(state, seed, cell, sign, need)
        for row in np.argsort(found.estimate, kind="stable")[:EXACT]
    ]
    candidates.sort(key=lambda candidate: candidate[0])
    for estimate, found, row in candidates[: EXACT + 1]:
        # The estimate leaves out what lies further up, so it is never too high.
        if best is not None and best[1] <= estimate:
            break
        move = state.feasible(found.atoms[row], found.signs * (sign * need))
        if move is None or end not in move.claims:
            continue
        price = float(state.cost(move.cells).sum())
        if best is None or price < best[1]:
            best = move, price
    return best


def _seeds(state: State, cell: int, sign: int, need: int) -> Indices:
    atoms = state.incidence.atoms_of(cell)
    if atoms.size == 1:
        return atoms
    if atoms.size > 256:
        atoms = atoms[:256]
    table = state.incidence.table
    able = (table.base[atoms] >= need) if sign < 0 else (table.ceiling[atoms] - table.base[atoms] >= need)
    atoms = atoms[able]
    return np.asarray(atoms[np.argsort(state.own_price[atoms], kind="stable")[:2]])


def _around(state: State, seed: int, cell: int, sign: int, need: int) -> list[Cycles]:
    """All squares around a seed, and cubes where it has three directions."""
    incidence = state.incidence
    inside = int(incidence.line_of_cell[cell])
    lines = [
        line
        for line in incidence.minimal[seed].tolist()
        if line >= 0 and inside not in incidence.supersets(line)
    ]
    if len(lines) < 2:
        return []
    partners = [_partners(state, line, seed, -sign, need) for line in lines]
    price = state.own_price
    found: list[Cycles] = []
    squares: dict[tuple[int, int], Indices] = {}
    for a in range(len(lines)):
        for b in range(a + 1, len(lines)):
            if not partners[a].size or not partners[b].size:
                continue
            opposite = _cross(state, partners[a][:, None], partners[b][None, :], seed)
            squares[a, b] = opposite
            usable = (opposite >= 0) & _able(state, opposite, sign, need)
            one, two = np.nonzero(usable)
            if not one.size:
                continue
            left, right, corner = partners[a][one], partners[b][two], opposite[one, two]
            others = [line for place, line in enumerate(lines) if place not in (a, b)]
            estimate = (
                price[left]
                + price[right]
                + price[corner]
                + price[seed]
                + sum(state.line_price[line] for line in others)
            )
            atoms = np.stack([np.full(one.size, seed), left, right, corner], axis=1)
            found.append(Cycles(atoms, np.array([1, -1, -1, 1]), estimate))
    if len(lines) == 3:
        found += _cubes(state, seed, partners, squares, sign, need)
    return found


def _cubes(
    state: State,
    seed: int,
    partners: list[Indices],
    squares: dict[tuple[int, int], Indices],
    sign: int,
    need: int,
) -> list[Cycles]:
    if len(squares) < 3:
        return []
    few = [partner[:8] for partner in partners]
    ab, ac, bc = (squares[key][: few[key[0]].size, : few[key[1]].size] for key in ((0, 1), (0, 2), (1, 2)))
    ok = (_able(state, ab, sign, need) & (ab >= 0))[:, :, None]
    ok = ok & (_able(state, ac, sign, need) & (ac >= 0))[:, None, :]
    ok = ok & (_able(state, bc, sign, need) & (bc >= 0))[None, :, :]
    a, b, c = np.nonzero(ok)
    if not a.size:
        return []
    price = state.own_price
    six = np.stack([few[0][a], few[1][b], few[2][c], ab[a, b], ac[a, c], bc[b, c]], axis=1)
    estimate = price[seed] + price[six].sum(axis=1)
    best = np.argsort(estimate, kind="stable")[:32]
    six, estimate = six[best], estimate[best]
    last = _cross(state, six[:, 3], six[:, 4], six[:, 0])
    usable = (last >= 0) & _able(state, last, -sign, need)
    atoms = np.concatenate([np.full((last.size, 1), seed), six, last[:, None]], axis=1)[usable]
    return [Cycles(atoms, np.array([1, -1, -1, -1, 1, 1, 1, -1]), (estimate + price[last])[usable])]


def _partners(state: State, line: int, seed: int, sign: int, need: int) -> Indices:
    atoms = state.incidence.on_line(line)
    if atoms.size > 4096:
        atoms = atoms[:4096]
    able = _able(state, atoms, sign, need) & (atoms != seed)
    atoms = atoms[able]
    if atoms.size > PARTNERS:
        atoms = np.sort(atoms[np.argsort(state.atom_price[atoms], kind="stable")[:PARTNERS]])
    return atoms[np.argsort(state.own_price[atoms], kind="stable")]


def _able(state: State, atoms: Indices, sign: int, need: int) -> NDArray[np.bool_]:
    table = state.incidence.table
    if sign < 0:
        return np.asarray(table.base[atoms] >= need)
    return np.asarray(table.ceiling[atoms] - table.base[atoms] >= need)


def _cross(state: State, left: Indices, right: Indices, but: int | Indices) -> Indices:
    """The fourth atom of a square: on a line of the left and on a line of the right atom, and not the first."""
    minimal = state.incidence.minimal
    left, right = np.broadcast_arrays(left, right)
    directions = minimal.shape[1]
    one = np.broadcast_to(minimal[left][..., :, None], (*left.shape, directions, directions))
    two = np.broadcast_to(minimal[right][..., None, :], (*left.shape, directions, directions))
    met = state.incidence.cross(one, two).reshape(*left.shape, -1)
    first = np.asarray(but)[..., None] if np.ndim(but) else but
    met = np.where((met == first) | (met == left[..., None]) | (met == right[..., None]), -1, met)
    return np.asarray(met.max(axis=-1))
