"""Time: what earlier releases tell about the figures of this one, as rows of the same linear system.

Belongs here: turning values released before into fixed cells or knowledge rows, and two worlds - the old state and the
new one - into one table. Does not belong here: where released values are kept (`orchestration.publication_ledger`),
which cell of a ledger is which cell of a table (dbt, `int_disclosure__known`).

Three cases of a cell that was released before:

- unchanged: the attacker knows it, whatever is decided today (`may_hide` False). If it is a primary cell today - a late
  primary: stricter rule, smaller threshold, corrected number of contributors - nothing can protect it any more; the
  solver answers `is_unsafe`, it is withheld from now on and reported, and all other figures are decided as usual.
- revised: the old value says something about the new world, |new - old| <= tolerance.
- and it says something about the *old* world, whose hidden cells have to stay protected too: `joined` keeps both
  worlds as variables of their own and lets the attacker know that no atom has changed by more than the tolerance.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_matrix, hstack, vstack

from disclosure.table import Flags, Integers, Knowledge, LinkedTable, Pattern


def with_knowledge(table: LinkedTable, rows: csr_matrix, lower: Integers, upper: Integers) -> LinkedTable:
    """The table with further knowledge rows (rows x atoms). The base world has to agree: see `LinkedTable.check`."""
    known = table.knowledge
    return replace(
        table,
        knowledge=Knowledge(
            vstack([known.rows, rows], format="csr", dtype=np.int64),
            np.concatenate([known.lower, lower]).astype(np.int64),
            np.concatenate([known.upper, upper]).astype(np.int64),
        ),
    )


def with_released(table: LinkedTable, cells: Integers, lower: Integers, upper: Integers) -> LinkedTable:
    """The table of an attacker who read earlier releases: cell `cells[i]` lies in lower[i] .. upper[i] (units).

    Cells known exactly that may be tabulated become fixed (`may_hide` False), everything else is a knowledge row.
    Raises ValueError when a range excludes the value of the base world: such knowledge would be false, and every
    proof built on it too.
    """
    values = table.value[cells]
    if ((values < lower) | (values > upper)).any():
        raise ValueError(f"{table.name}: what was released before contradicts the figures of today")
    exact = (lower == upper) & table.may_publish[cells]
    may_hide = table.may_hide.copy()
    may_hide[cells[exact]] = False
    fixed = replace(table, may_hide=may_hide)
    if exact.all():
        return fixed
    return with_knowledge(fixed, table.membership[cells[~exact]], lower[~exact], upper[~exact])


def released_range(
    old: Integers, cell: Integers, value: Integers, tolerance: Integers
) -> tuple[Integers, Integers]:
    """What released values say about the cells of today: lower and upper end per position of `value`.

    `old[i]` is a value once released for cell `cell[i]`; one cell may have several. A value that equals today's is
    known; any other one says |new - old| <= tolerance[cell], which is widened to the actual change where that is
    larger: a belief that excludes the truth cannot be part of a proof. Cells without a released value stay open
    (0 .. largest integer).
    """
    lower = np.zeros(value.size, dtype=np.int64)
    upper = np.full(value.size, np.iinfo(np.int64).max)
    change = np.abs(old - value[cell])
    reach = np.where(change == 0, 0, np.maximum(tolerance[cell], change))
    np.maximum.at(lower, cell, old - reach)
    np.minimum.at(upper, cell, old + reach)
    return lower, upper


def late_primaries(table: LinkedTable) -> Flags:
    """Primary cells that what is known without any release of today gives away: fixed ones, and those whose own
    knowledge row stops short of a goal. Cells given away by sums of several rows are for the solver to find."""
    late = table.is_primary & ~table.may_hide
    known = table.knowledge
    if not known.lower.size:
        return late
    cell_of = {_members(table.membership, cell): cell for cell in np.flatnonzero(table.is_primary)}
    for row in range(known.lower.size):
        cell = cell_of.get(_members(known.rows, row))
        if cell is not None and (known.rows[row].data == 1).all():
            late[cell] |= (
                known.lower[row] > table.lower_goal[cell] or known.upper[row] < table.upper_goal[cell]
            )
    return late


def _members(matrix: csr_matrix, row: int) -> tuple[int, ...]:
    found = matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]
    return tuple(int(atom) for atom in np.sort(found))


def decided(table: LinkedTable, pattern: Pattern) -> LinkedTable:
    """The table as history: what the pattern published is known, what it hid is never tabulated any more.

    Primary cells stay primary: they have to remain protected against everything released later. Cells that were given
    away already (`is_unsafe`) are history too: hidden, and no longer asked for.
    """
    return replace(
        table,
        is_primary=table.is_primary & ~pattern.is_unsafe,
        may_hide=pattern.is_hidden.copy(),
        may_publish=~pattern.is_hidden,
        suggested=np.empty(0, dtype=np.bool_),
    )


def largest_change(old: LinkedTable, new: LinkedTable, pairs: Integers | None = None) -> int:
    """Largest |new - old| over the atoms both tables have, at least 1: a careful reader expects some change."""
    before, after = _pairs(old, new, pairs).T
    if not before.size:
        return 1
    return max(1, int(np.abs(new.base[after] - old.base[before]).max()))


def joined(
    old: LinkedTable, new: LinkedTable, tolerance: int | None = None, pairs: Integers | None = None
) -> LinkedTable:
    """One table of two worlds: the state released before (see `decided`) and the one to be released now.

    Atoms: those of `old`, then those of `new`; cells likewise. `pairs` (n x 2: atom of old, atom of new) names the
    atoms that mean the same - same area, same group -; default: position by position, for tables of equal size. Areas
    or groups that exist on one side only have no partner and tell nothing about the other side.

    `tolerance` is the largest change of an atom the attacker thinks possible; default `largest_change`; 0 means that
    he takes both states for the same world, which is right when only rules or boundaries have changed.
    Raises ValueError when an atom has changed by more than a given tolerance.
    """
    together = _pairs(old, new, pairs)
    before, after = together.T
    reach = largest_change(old, new, together) if tolerance is None else tolerance
    change = new.base[after] - old.base[before]
    if (np.abs(change) > reach).any():
        raise ValueError(f"{new.name}: a figure has changed by more than the tolerance")
    number = np.arange(before.size)
    ones = np.ones(before.size, dtype=np.int64)
    revision = csr_matrix(
        (np.concatenate([-ones, ones]), (np.tile(number, 2), np.concatenate([before, after + old.atoms]))),
        shape=(before.size, old.atoms + new.atoms),
        dtype=np.int64,
    )
    both = LinkedTable(
        name=f"{new.name} (mit dem früheren Stand)",
        base=np.concatenate([old.base, new.base]),
        ceiling=np.concatenate([old.ceiling, new.ceiling]),
        membership=_beside(old.membership, new.membership),
        is_primary=np.concatenate([old.is_primary, new.is_primary]),
        lower_goal=np.concatenate([old.lower_goal, new.lower_goal]),
        upper_goal=np.concatenate([old.upper_goal, new.upper_goal]),
        may_hide=np.concatenate([old.may_hide, new.may_hide]),
        may_publish=np.concatenate([old.may_publish, new.may_publish]),
        weight=np.concatenate([old.weight, new.weight]),
        knowledge=Knowledge(
            _beside(old.knowledge.rows, new.knowledge.rows),
            np.concatenate([old.knowledge.lower, new.knowledge.lower]),
            np.concatenate([old.knowledge.upper, new.knowledge.upper]),
        ),
        suggested=_suggested(old, new),
    )
    bound = np.full(before.size, reach, dtype=np.int64)
    return with_knowledge(both, revision, -bound, bound)


def new_part(old: LinkedTable, pattern: Pattern) -> tuple[Flags, Flags]:
    """From a pattern on a joined table: hidden and unsafe of the cells of `new`."""
    return pattern.is_hidden[old.cells :], pattern.is_unsafe[old.cells :]


def _pairs(old: LinkedTable, new: LinkedTable, pairs: Integers | None) -> Integers:
    if pairs is not None:
        return np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    if old.atoms != new.atoms:
        raise ValueError(f"{new.name}: tables of different size need to be told which atoms belong together")
    return np.repeat(np.arange(new.atoms, dtype=np.int64)[:, None], 2, axis=1)


def _beside(left: csr_matrix, right: csr_matrix) -> csr_matrix:
    """Block diagonal, also for blocks without rows (scipy's block_diag loses their columns' type)."""
    upper = hstack([left, csr_matrix((left.shape[0], right.shape[1]), dtype=np.int64)], format="csr")
    lower = hstack([csr_matrix((right.shape[0], left.shape[1]), dtype=np.int64), right], format="csr")
    return vstack([upper, lower], format="csr", dtype=np.int64)


def _suggested(old: LinkedTable, new: LinkedTable) -> Flags:
    if not new.suggested.size:
        return np.empty(0, dtype=np.bool_)
    return np.concatenate([~old.may_publish, new.suggested])


def still_publishable(may_publish: Flags, hidden_before: Flags, lower: Integers, upper: Integers) -> Flags:
    """Cells that may be tabulated in a table of which `lower` .. `upper` is known from earlier releases.

    Where a released figure was revised (a range, not a point), what was hidden before stays hidden. Old and new release
    then show the same cells, and a move that leaves the new figures alone leaves the old ones alone as well: hidden
    cells of the *old* world do not open through new neighbours. It spares `joined` for every table of every night.
    """
    return may_publish & ~hidden_before if (lower < upper).any() else may_publish
