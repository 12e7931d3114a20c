"""Attackers who know more than the outsider: their own contribution, an earlier pattern, sums of their own choice.

Belongs here: turning such knowledge into a table or a pattern the audit can attack, and the differencing attack that
needs no solver. Does not belong here: rates (`rates`), revised values and releases over time (`revision`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from disclosure.attacker import Attacker
from disclosure.revision import with_knowledge
from disclosure.system import known_cells
from disclosure.table import UNLIMITED, Flags, Integers, LinkedTable


def contributor(table: LinkedTable, cells: Integers, contributions: Integers) -> LinkedTable:
    """The table as somebody sees it who contributes to hidden cells himself: each is at least his contribution.

    Several cells with contributions of different people make a coalition that shares what it knows.
    """
    cells = np.asarray(cells)
    return with_knowledge(
        table,
        table.membership[cells],
        np.asarray(contributions),
        np.full(cells.size, UNLIMITED, dtype=np.int64),
    )


def sole_contributor(table: LinkedTable, cells: Integers) -> LinkedTable:
    """The table as somebody sees it who knows that he is the only one in a cell: its value is his own.

    With two cells: a coalition of two sole contributors.
    """
    cells = np.asarray(cells)
    return with_knowledge(table, table.membership[cells], table.value[cells], table.value[cells])


def revealed_to(table: LinkedTable, is_hidden: Flags, insiders: Integers) -> Integers:
    """Hidden primaries whose value the sole contributors of the cells `insiders` can compute (their own left out)."""
    informed = sole_contributor(table, insiders)
    others = np.setdiff1d(np.flatnonzero(table.is_primary & ~known_cells(table, is_hidden)), insiders)
    attacker = Attacker(informed, is_hidden, others, integer=True)
    found = []
    for cell in map(int, others):
        value = float(table.value[cell])
        # One step aside is enough to leave him in doubt.
        below, above = attacker.end(cell, 1, value - 1), attacker.end(cell, -1, value + 1)
        if below.bound >= value and above.bound <= value:
            found.append(cell)
    return np.array(found, dtype=np.int64)


def seen_together(*patterns: Flags) -> Flags:
    """What stays hidden to somebody who has read several publications of the same figures."""
    return np.asarray(np.logical_and.reduce(patterns), dtype=np.bool_)


@dataclass(frozen=True)
class Difference:
    """A published cell minus disjoint published cells inside it is exactly a hidden cell."""

    whole: int
    parts: tuple[int, ...]
    hidden: int


def differences(
    table: LinkedTable, is_hidden: Flags, *, tries: int = 2_000, seed: int = 0
) -> list[Difference]:
    """Hidden primaries found by plain subtraction of randomly chosen published cells: no solver, no system.

    Weaker than the audit, but other code altogether: whatever it finds is disclosed beyond doubt.
    """
    draw = np.random.default_rng(seed)
    members = [
        frozenset(row.tolist()) for row in np.split(table.membership.indices, table.membership.indptr[1:-1])
    ]
    published = [int(cell) for cell in np.flatnonzero(known_cells(table, is_hidden)) if members[int(cell)]]
    wanted = {members[int(cell)]: int(cell) for cell in np.flatnonzero(table.is_primary & is_hidden)}
    inside: dict[int, list[int]] = {
        whole: [cell for cell in published if members[cell] < members[whole]] for whole in published
    }
    found: dict[int, Difference] = {}
    for _ in range(tries):
        whole = published[draw.integers(len(published))]
        rest, parts = members[whole], list[int]()
        for cell in draw.permutation(np.array(inside[whole], dtype=np.int64)).tolist():
            if members[cell] <= rest:
                rest, parts = rest - members[cell], [*parts, cell]
                if rest in wanted:
                    found.setdefault(wanted[rest], Difference(whole, tuple(parts), wanted[rest]))
    return [found[cell] for cell in sorted(found)]
