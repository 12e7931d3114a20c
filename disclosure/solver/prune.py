"""Gives secondary cells back that the proof can do without.

Belongs here: the second look at every hidden cell. Does not belong here: the first pass (`protect`).

The incremental program decides one end at a time and hides more than needed in the end. A cell is shown again if the
moves that do not change it still prove everything, or if the few ends that lose their proof find another one for
less than the cell costs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from disclosure.solver.incidence import Indices
from disclosure.solver.search import Search


def prune(search: Search, secondary: Callable[[], Indices], is_late: Callable[[], bool]) -> None:
    """Looks at all secondary cells, the dearest first, until a round changes nothing."""
    rounds = search.options.small_rounds if search.is_small else search.options.prune_rounds
    for number in range(rounds):
        cells = secondary()
        order = np.lexsort((cells, -search.state.price[cells]))
        gained = 0
        for cell in cells[order].tolist():
            if is_late():
                return
            if search.state.hidden[cell]:
                gained += give_back(search, cell, first=number == 0)
        if not gained:
            return


def give_back(search: Search, cell: int, *, first: bool = True) -> bool:
    """Shows a cell if that is possible for less than it costs; otherwise leaves everything as it was.

    `first`: in the first round branch and bound is worth its time.
    """
    state = search.state
    using = [number for number in state.moved_by.get(cell, []) if state.alive[number]]
    for number in using:
        state.drop(number)
    lost = sorted({end for number in using for end in state.moves[number].claims if not state.is_proven(end)})
    state.show(np.array([cell]))
    if not lost:
        return True
    spent, before, hidden = 0.0, len(state.moves), state.hidden.copy()
    few = len(lost) <= search.options.prune_ends
    possible = few or search.is_small
    for end in lost if possible else []:
        if state.is_proven(end):
            continue
        move = search.other_move(end, float(state.price[cell]) - spent, branch=first and few)
        if move is None:
            possible = False
            break
        spent += float(state.cost(move.cells).sum())
        search.take(move)
    if possible and spent < float(state.price[cell]):
        return True
    for number in range(before, len(state.moves)):
        state.drop(number)
    state.show(np.flatnonzero(state.hidden & ~hidden))
    state.hide(np.array([cell]))
    for number in using:
        state.revive(number)
    return False
