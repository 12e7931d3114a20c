"""Makes a linked table smaller without changing the question, and maps the answer back.

Belongs here: atoms no figure tells apart become one, cells with the same atoms become one, and everything is put into
an order that does not depend on the order of the input. Does not belong here: what is hidden.

Two atoms with the same column (member of the same cells, same coefficients in the attacker's knowledge) can swap their
counts without anybody noticing; only their sum matters. A Stadt that is its own parent, or a level that repeats the one
above, gives cells with equal atom sets: showing one shows the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from disclosure.table import UNLIMITED, Integers, Knowledge, LinkedTable, Witnesses

Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class Collapsed:
    """`table` is the small table; the two maps give, per original atom and cell, its number in the small table."""

    table: LinkedTable
    atom: Integers
    cell: Integers

    def spread(self, original: LinkedTable, proof: Witnesses) -> Witnesses:
        """Witnesses of the small table as witnesses of the original: members share the change of their sum.

        The members give or take in their own order, each as far as 0 and its ceiling allow. This always works out,
        because bounds of the sum are sums of the bounds. Units as in the table; at most one row per world and atom.
        """
        if not proof.count:
            return Witnesses.none()
        order = np.argsort(self.atom, kind="stable")
        first = np.searchsorted(self.atom[order], np.arange(self.table.atoms + 1))
        simple = first[proof.atom + 1] - first[proof.atom] == 1
        parts = [
            (
                proof.witness[simple].astype(np.int64),
                order[first[proof.atom[simple]]],
                proof.delta[simple],
            )
        ]
        for row in np.flatnonzero(~simple):
            group = int(proof.atom[row])
            members = order[first[group] : first[group + 1]]
            change = _share(int(proof.delta[row]), original.base[members], original.ceiling[members])
            moved = np.flatnonzero(change)
            parts.append((np.full(moved.size, proof.witness[row]), members[moved], change[moved]))
        witness, atom, delta = (np.concatenate(column) for column in zip(*parts, strict=True))
        tidy = np.lexsort((atom, witness))
        return Witnesses(
            witness[tidy].astype(np.int32), atom[tidy].astype(np.int32), delta[tidy].astype(np.int64)
        )


def collapse(table: LinkedTable) -> Collapsed:
    """The smallest table with the same question.

    Merged cells: primary if one of them is, with the strictest goals; hidden only if all may be hidden, since one known
    value gives the others away; published if one of them may be (the others stay unlisted, but everybody can compute
    them). The weight is the largest, so that a repeated level does not change the pattern.
    """
    everything = vstack([table.membership, table.knowledge.rows]).tocsc()
    atom_of, atoms = _number(
        [
            _mix(np.asarray(everything.T @ _random(everything.shape[0], seed).view(np.int64)))
            for seed in (1, 2)
        ]
    )
    cell_of, cells = _number(
        [_mix(np.asarray(table.membership @ _random(table.atoms, seed).view(np.int64))) for seed in (3, 4)]
    )

    base = np.zeros(atoms, dtype=np.int64)
    np.add.at(base, atom_of, table.base)
    ceiling = _sum_of_ceilings(atom_of, atoms, table.ceiling)
    representative = np.zeros(atoms, dtype=np.int64)
    representative[atom_of[::-1]] = np.arange(table.atoms)[::-1]
    one_row = np.zeros(cells, dtype=np.int64)
    one_row[cell_of[::-1]] = np.arange(table.cells)[::-1]

    primary = _any(cell_of, cells, table.is_primary)
    lower = np.full(cells, UNLIMITED)
    np.minimum.at(lower, cell_of, np.where(table.is_primary, table.lower_goal, UNLIMITED))
    upper = np.full(cells, -UNLIMITED)
    np.maximum.at(upper, cell_of, np.where(table.is_primary, table.upper_goal, -UNLIMITED))
    weight = np.zeros(cells)
    np.maximum.at(weight, cell_of, table.weight)
    rows = table.knowledge.rows[:, representative]
    small = LinkedTable(
        name=table.name,
        base=base,
        ceiling=ceiling,
        membership=csr_matrix(table.membership[one_row][:, representative]),
        is_primary=primary,
        lower_goal=lower,
        upper_goal=upper,
        may_hide=~_any(cell_of, cells, ~table.may_hide),
        may_publish=_any(cell_of, cells, table.may_publish),
        weight=weight,
        knowledge=Knowledge(csr_matrix(rows), table.knowledge.lower, table.knowledge.upper),
        suggested=_any(cell_of, cells, table.suggested) if table.suggested.size else table.suggested,
    )
    return _canonical(Collapsed(small, atom_of, cell_of))


def _canonical(found: Collapsed) -> Collapsed:
    """Atoms and cells sorted by what they are (values, weights, neighbours), not by where they stood.

    A few rounds of colour refinement: a cell is described by its figures and its atoms, an atom by its own figures and
    its cells. What is still equal afterwards is as good as interchangeable and keeps the order of the input.
    """
    table = found.table
    entries = table.membership
    cell = _mix(
        _mix(table.weight.view(np.int64))
        ^ _mix(table.value * 2 + table.is_primary)
        + _mix(table.may_hide * 2 + table.may_publish + 7 * table.is_primary)
        + _mix(np.where(table.is_primary, table.lower_goal, 0) + 3)
        + _mix(np.where(table.is_primary, table.upper_goal, 0) + 5)
    )
    known = _mix(_mix(table.knowledge.lower) + _mix(table.knowledge.upper + 1))
    atom = _mix(_mix(table.base) + _mix(table.ceiling + 1))
    for _ in range(4):
        from_cells = np.asarray(entries.T @ cell.view(np.int64))
        from_known = np.asarray(table.knowledge.rows.T @ known.view(np.int64))
        atom = _mix(_mix(atom.view(np.int64)) + _mix(from_cells) + _mix(from_known + 1))
        cell = _mix(_mix(cell.view(np.int64)) + _mix(np.asarray(entries @ atom.view(np.int64))))
        known = _mix(
            _mix(known.view(np.int64)) + _mix(np.asarray(table.knowledge.rows @ atom.view(np.int64)))
        )
    atoms = np.lexsort((atom, -table.base))
    cells = np.lexsort((cell, table.value, -table.weight))
    rows = np.argsort(known, kind="stable")
    new_atom, new_cell = _inverse(atoms), _inverse(cells)
    ordered = replace(
        table,
        base=table.base[atoms],
        ceiling=table.ceiling[atoms],
        membership=_sorted(table.membership[cells][:, atoms]),
        is_primary=table.is_primary[cells],
        lower_goal=table.lower_goal[cells],
        upper_goal=table.upper_goal[cells],
        may_hide=table.may_hide[cells],
        may_publish=table.may_publish[cells],
        weight=table.weight[cells],
        knowledge=Knowledge(
            _sorted(table.knowledge.rows[rows][:, atoms]),
            table.knowledge.lower[rows],
            table.knowledge.upper[rows],
        ),
        suggested=table.suggested[cells] if table.suggested.size else table.suggested,
    )
    return Collapsed(ordered, new_atom[found.atom], new_cell[found.cell])


def _sorted(matrix: csr_matrix) -> csr_matrix:
    result = csr_matrix(matrix)
    result.sort_indices()
    return result


def _inverse(order: Integers) -> Integers:
    result = np.empty(order.size, dtype=np.int64)
    result[order] = np.arange(order.size)
    return result


def _mix(number: NDArray[np.int64] | Hashes) -> Hashes:
    """Spreads whole numbers over 64 bits (finaliser of splitmix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        z = np.ascontiguousarray(number).view(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)), dtype=np.uint64)


def _random(size: int, seed: int) -> Hashes:
    return _mix(np.arange(size, dtype=np.int64) + seed * (1 << 40))


def _number(keys: list[Hashes]) -> tuple[Integers, int]:
    """Group number per row of equal keys, in order of first appearance, and the number of groups.

    128 bits of hash stand for the set itself: a chance collision among a million sets has a probability below 1e-26,
    and the certificate is checked against the original table afterwards.
    """
    pair = np.stack(keys, axis=1)
    _, first, inverse = np.unique(pair, axis=0, return_index=True, return_inverse=True)
    rank = np.empty(first.size, dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(first.size)
    return rank[np.ravel(inverse)], int(first.size)


def _any(group: Integers, groups: int, flag: NDArray[np.bool_]) -> NDArray[np.bool_]:
    result = np.zeros(groups, dtype=np.bool_)
    result[group[flag]] = True
    return result


def _sum_of_ceilings(group: Integers, groups: int, ceiling: Integers) -> Integers:
    """Sums that would leave int64 are as good as unlimited."""
    total = np.zeros(groups, dtype=np.float64)
    np.add.at(total, group, ceiling.astype(np.float64))
    exact = np.zeros(groups, dtype=np.int64)
    limited = total < float(1 << 62)
    inside = limited[group]
    np.add.at(exact, group[inside], ceiling[inside])
    return np.where(limited, exact, UNLIMITED)


def _share(change: int, base: Integers, ceiling: Integers) -> Integers:
    """Splits a change of a sum over its members, none below 0 or above its ceiling."""
    result = np.zeros(base.size, dtype=np.int64)
    for member in range(base.size):
        room = int(ceiling[member]) - int(base[member]) if change > 0 else int(base[member])
        step = min(abs(change), room)
        result[member] = step if change > 0 else -step
        change -= int(result[member])
        if change == 0:
            return result
    raise ValueError("a merged atom was moved beyond the bounds of its members")
