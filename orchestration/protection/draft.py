"""One linked table as it was read, before what suppliers have hidden is filled in.

Belongs here: arrays and how they become a `LinkedTable`. Does not belong here: SQL, files, processes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from disclosure.complete import complete
from disclosure.table import Flags, Integers, Knowledge, LinkedTable

LOYALTY = 0.7
"""Cost of a cell that the last release hid: the pattern shall not wander from night to night."""


@dataclass(frozen=True)
class Draft:
    """Arrays by position: atom i has atom_id i, cell i has cell_id i."""

    table_id: str
    base: Integers
    """0 where unknown."""
    is_unknown: Flags
    ceiling: Integers
    membership: csr_matrix
    value: Integers
    """0 where unknown."""
    is_value_known: Flags
    is_primary: Flags
    lower_goal: Integers
    upper_goal: Integers
    may_hide: Flags
    may_publish: Flags
    weight: NDArray[np.float64]
    was_hidden: Flags
    """By the last proof."""
    suggested: Flags
    knowledge: Knowledge

    @property
    def cells(self) -> int:
        return int(self.membership.shape[0])


@dataclass(frozen=True)
class Completed:
    """The table the solver gets, and whether its figures contradict each other."""

    table: LinkedTable
    is_inconsistent: bool


def completed(draft: Draft, base: Integers | None = None) -> Completed:
    """Table with a base world; `base` is a completion found before, None looks for one.

    Cells whose figure fits no world are never published; knowledge that fits none keeps the distance it has in the base
    world (what the attacker sees is as contradictory as what was delivered).
    """
    known = np.flatnonzero(draft.is_value_known)
    rows = vstack([draft.membership[known], draft.knowledge.rows], format="csr")
    lower = np.concatenate([draft.value[known], draft.knowledge.lower])
    upper = np.concatenate([draft.value[known], draft.knowledge.upper])
    if base is None:
        # A link is knowledge of arithmetic, a cell only a figure: the figure gives way first.
        link_cost = np.full(draft.knowledge.lower.size, 1000.0 * float(draft.weight.max(initial=1.0)))
        cost = np.concatenate([draft.weight[known], link_cost])
        done = complete(draft.base, draft.is_unknown, draft.ceiling, rows, lower, upper, cost)
        base, violated = done.base, done.is_violated
    else:
        sums = np.asarray(rows @ base, dtype=np.int64)
        violated = (sums < lower) | (sums > upper)
    impossible = np.zeros(draft.cells, dtype=np.bool_)
    impossible[known] = violated[: known.size]
    broken = violated[known.size :]
    sums = np.asarray(draft.knowledge.rows @ base, dtype=np.int64)
    knowledge = Knowledge(
        draft.knowledge.rows,
        np.where(broken, sums, draft.knowledge.lower),
        np.where(broken, sums, draft.knowledge.upper),
    )
    table = LinkedTable(
        name=draft.table_id,
        base=base,
        ceiling=draft.ceiling,
        membership=draft.membership,
        is_primary=draft.is_primary,
        lower_goal=draft.lower_goal,
        upper_goal=draft.upper_goal,
        may_hide=draft.may_hide | impossible,
        may_publish=draft.may_publish & ~impossible,
        weight=np.where(draft.was_hidden, draft.weight * LOYALTY, draft.weight),
        knowledge=knowledge,
        suggested=draft.suggested,
    )
    return Completed(table, bool(violated.any()))
