"""Audiences: readers who see more than the public, each an attacker with the union of what he may see.

Belongs here: the table such a reader attacks, made from the public one, and the decision for him. Does not belong here:
who the readers are and which areas are theirs (`instance.yml`, dbt), files (`orchestration.tiers`).

Audiences are decided one after the other, each knowing everything the one before sees: public, then all Kommunen
*together*, then the Kreisverwaltung. Deciding for all Kommunen at once costs less than one system per Kommune and
answers the question of coalitions: two neighbouring Kommunen who put their files side by side still know less than the
attacker the certificate was made for.

What a Kommune knows from its own Fachverfahren is not modelled: it holds those records anyway.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from disclosure.revision import with_released
from disclosure.table import Flags, Integers, LinkedTable, Pattern, Witnesses, infeasible, unproven

Solve = Callable[[LinkedTable], Pattern]


def for_audience(table: LinkedTable, before: Pattern, may_see: Flags) -> LinkedTable:
    """The table of readers who know what `before` publishes and may also be shown the cells `may_see`.

    Published cells are fixed; cells outside `may_see` that were hidden before stay untabulated and protected. Cells
    already given away (`is_unsafe`) are shown to nobody and no longer asked for. Thresholds: those of the table handed
    in; an audience with its own gets them by `replace(table, is_primary=..., lower_goal=..., upper_goal=...)`.
    """
    return replace(
        table,
        is_primary=table.is_primary & before.is_hidden & ~before.is_unsafe,
        may_hide=table.may_hide & before.is_hidden,
        may_publish=~before.is_hidden | (may_see & ~before.is_unsafe),
        # Showing no more than before is safe: the proof exists.
        suggested=before.is_hidden.copy(),
    )


def next_audience(
    table: LinkedTable,
    before: Pattern,
    may_see: Flags,
    solve: Solve,
    released: tuple[Integers, Integers, Integers] | None = None,
) -> Pattern:
    """The decision for readers who see what `before` publishes and may also be shown `may_see`.

    `released` is what earlier releases told these readers alone: cells, lower and upper ends (see
    `revision.with_released`). `solve` is the solver with its options and deadline; its answer counts only where its
    proof holds on the readers' table and it shows at least as much as goes without a solver.
    The result is a pattern on the table handed in: every cell published before is published here, what was unsafe
    before is unsafe here, and what these readers' own past releases give away is unsafe too.
    """
    visible = may_see & before.is_hidden & ~before.is_unsafe
    told = released is not None and released[0].size > 0
    if not visible.any() and not told:
        return before
    asked = for_audience(table, before, visible)
    if released is not None and told:
        asked = with_released(asked, *released)
    plain = without_solver(asked, before)
    found = solve(asked)
    if not _holds(asked, found) or _worth(table, found) < _worth(table, plain):
        found = plain
    return replace(found, is_unsafe=found.is_unsafe | before.is_unsafe)


def without_solver(asked: LinkedTable, before: Pattern) -> Pattern:
    """What may be added while the worlds of the proof stay possible: cells that no witness changes.

    Sound and immediate, but careful: witnesses were free to move cells nobody was going to see. Worlds that contradict
    what these readers were told in the past are no proof for them; what then lacks a proof is unsafe.
    """
    known = replace(before, is_hidden=before.is_hidden & asked.may_hide)
    kept = _without(before.witnesses, infeasible(asked, known))
    moved = np.zeros(asked.cells, dtype=np.bool_)
    if kept.count:
        shift = asked.membership @ kept.matrix(asked.atoms).T
        moved = np.asarray(abs(shift).sum(axis=1)).ravel() > 0
    shown = asked.may_publish & (~known.is_hidden | ~moved) & ~asked.is_primary
    pattern = Pattern(~shown, kept, np.zeros(asked.cells, dtype=np.bool_), "fallback")
    low, high = unproven(asked, pattern)
    return replace(pattern, is_unsafe=low | high)


def _without(proof: Witnesses, contradicting: NDArray[np.int32]) -> Witnesses:
    keep = ~np.isin(proof.witness, contradicting)
    numbers, renumbered = np.unique(proof.witness[keep], return_inverse=True)
    assert numbers.size <= proof.count
    return Witnesses(renumbered.astype(np.int32), proof.atom[keep], proof.delta[keep])


def added(before: Pattern, after: Pattern) -> Flags:
    """Cells the later audience sees and the earlier one does not."""
    return before.is_hidden & ~after.is_hidden


def _holds(table: LinkedTable, pattern: Pattern) -> bool:
    """Does the proof of a pattern hold on this table, apart from what it calls unsafe itself?"""
    must_show = pattern.is_hidden & ~table.may_hide & ~pattern.is_unsafe
    must_hide = ~pattern.is_hidden & (~table.may_publish | (table.is_primary & ~pattern.is_unsafe))
    if must_show.any() or must_hide.any():
        return False
    low, high = unproven(table, pattern)
    return not ((low | high) & ~pattern.is_unsafe).any() and not infeasible(table, pattern).size


def _worth(table: LinkedTable, pattern: Pattern) -> tuple[int, float]:
    """Nothing outweighs a primary cell that is protected."""
    return -int(pattern.is_unsafe.sum()), float(table.weight[~pattern.is_hidden].sum())


__all__ = ["added", "for_audience", "next_audience", "without_solver"]
