"""Packs moves into few witness worlds.

Belongs here: which moves are needed, and which may happen in the same world. Does not belong here: finding moves.

Moves are local. Two of them are one world if no atom takes part in both, neither changes a cell for which the other
is the proof, and they do not use the same slack of a knowledge row. One world then serves many cells.
"""

from __future__ import annotations

import numpy as np

from disclosure.solver.state import Move, State
from disclosure.table import Witnesses


def needed_moves(state: State) -> dict[int, tuple[int, ...]]:
    """Moves that suffice for all proven ends, each with the ends it answers for."""
    proofs = dict(state.proofs)
    kept: list[int] = []
    alive = [number for number, lives in enumerate(state.alive) if lives]
    # Later moves tend to prove more than the one end they were made for, so the early ones are tried first.
    for number in alive:
        claims = state.moves[number].claims
        if all(proofs[end] > 1 for end in claims):
            for end in claims:
                proofs[end] -= 1
        else:
            kept.append(number)
    answered: set[int] = set()
    result: dict[int, tuple[int, ...]] = {}
    for number in sorted(kept, key=lambda n: (-len(state.moves[n].claims), n)):
        own = tuple(end for end in state.moves[number].claims if end not in answered)
        if own:
            answered.update(own)
            result[number] = own
    return dict(sorted(result.items()))


def pack(state: State) -> Witnesses:
    """The needed moves as worlds (first fit). Sets of worlds are bits of one whole number per atom, cell and row."""
    by_atom: dict[int, int] = {}
    changed: dict[int, int] = {}
    claimed: dict[int, int] = {}
    by_row: dict[int, int] = {}
    worlds: list[list[Move]] = []
    for number, ends in needed_moves(state).items():
        move = state.moves[number]
        atoms = move.atoms.tolist()
        cells = move.cells[state.primary[move.cells]].tolist()
        own = {end >> 1 for end in ends}
        rows = _slack_rows(state, move)
        taken = 0
        for atom in atoms:
            taken |= by_atom.get(atom, 0)
        for cell in own:
            taken |= changed.get(cell, 0)
        for cell in cells:
            taken |= claimed.get(cell, 0)
        for row in rows:
            taken |= by_row.get(row, 0)
        world = (~taken & (taken + 1)).bit_length() - 1
        bit = 1 << world
        for keys, masks in ((atoms, by_atom), (own, claimed), (cells, changed), (rows, by_row)):
            for key in keys:
                masks[key] = masks.get(key, 0) | bit
        while len(worlds) <= world:
            worlds.append([])
        worlds[world].append(move)
    if not worlds:
        return Witnesses.none()
    moves = [(world, move) for world, members in enumerate(worlds) for move in members]
    witness = np.repeat([world for world, _ in moves], [move.atoms.size for _, move in moves]).astype(
        np.int32
    )
    atom = np.concatenate([move.atoms for _, move in moves]).astype(np.int32)
    delta = np.concatenate([move.delta for _, move in moves])
    order = np.lexsort((atom, witness))
    return Witnesses(witness[order], atom[order], delta[order])


def _slack_rows(state: State, move: Move) -> list[int]:
    """Knowledge rows whose value the move changes within their interval."""
    rows, owner, coefficient = state.incidence.rows_of(move.atoms)
    if not rows.size:
        return []
    which, place = np.unique(rows, return_inverse=True)
    sums = np.zeros(which.size, dtype=np.int64)
    np.add.at(sums, place, coefficient * move.delta[owner])
    return [int(row) for row in which[sums != 0]]
