"""Who shares a figure with whom: the fixed structure of one (collapsed) table as plain index arrays.

Belongs here: atoms of a cell, cells of an atom, and *lines*. Does not belong here: what is hidden at the moment.

A **line** is a set of atoms that has to balance when one of them moves: the atoms of a cell, or the atoms with the same
sign in a row of the attacker's knowledge. An atom's *minimal* lines contain no smaller line through the atom; they are
the directions in which a move leaves it (its area's total, its category in the parent area, …).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csc_matrix, csr_matrix, vstack

from disclosure.table import Flags, Integers, LinkedTable

Indices = NDArray[np.int64]


def gather(pointer: Indices, keys: Indices) -> tuple[Indices, Indices]:
    """Positions of all entries of the given rows, and for each of them the place of its row in `keys`."""
    first = pointer[keys]
    length = pointer[keys + 1] - first
    owner = np.arange(keys.size).repeat(length)
    return np.arange(owner.size) + (first - (length.cumsum() - length))[owner], owner


def distinct(numbers: Indices) -> Indices:
    """Sorted without repetition; `numpy.unique` spends more time on its options than on short arrays."""
    numbers = numbers.copy()
    numbers.sort()
    if numbers.size < 2:
        return numbers
    new = np.empty(numbers.size, dtype=np.bool_)
    new[0] = True
    np.not_equal(numbers[1:], numbers[:-1], out=new[1:])
    return np.asarray(numbers[new])


@dataclass
class Incidence:
    """Index arrays of one table; `row_*` are rows of the attacker's knowledge."""

    table: LinkedTable
    cell_pointer: Indices
    cell_atoms: Indices
    atom_pointer: Indices
    atom_cells: Indices
    row_pointer: Indices
    row_rows: Indices
    """Knowledge rows per atom (compressed by atom), with their coefficients."""
    row_coefficient: Integers
    row_start: Integers
    """Value of each knowledge row in the base world."""
    line_pointer: Indices
    line_atoms: Indices
    through_pointer: Indices
    through_lines: Indices
    """Lines through an atom, shortest first."""
    line_of_cell: Indices
    lines_of_row: Indices
    """Per knowledge row its two lines: atoms with positive, atoms with negative coefficient."""
    mark: NDArray[np.float64]
    """A random number per atom: sums of it tell sets of atoms apart."""
    containing: csr_matrix
    """Lines x lines: the column contains the row (itself included)."""
    minimal: Indices
    """Atoms x directions: the minimal lines of an atom, -1 where it has fewer directions than others."""
    crossing: Indices
    """Sorted keys of pairs of minimal lines, with the atom where they cross."""
    crossing_atom: Indices
    cell_of_line: Indices
    """The cell a line stands for; -1 for a side of a knowledge row."""
    _supersets: dict[int, frozenset[int]] = field(default_factory=dict)
    _flag: Flags = field(init=False)
    """One flag per atom, all off between calls."""

    def __post_init__(self) -> None:
        self._flag = np.zeros(self.table.atoms, dtype=np.bool_)

    @classmethod
    def of(cls, table: LinkedTable) -> Incidence:
        cells = csr_matrix(table.membership)
        cells.sort_indices()
        by_atom = csc_matrix(cells)
        by_atom.sort_indices()
        known = csc_matrix(table.knowledge.rows)
        known.sort_indices()
        rows = csr_matrix(table.knowledge.rows)
        lines = csr_matrix(vstack([cells, rows > 0, rows < 0]), dtype=np.int64) if rows.shape[0] else cells
        length = np.diff(lines.indptr)
        order = np.argsort(length, kind="stable")
        lines = csr_matrix(lines[order])
        lines.sort_indices()
        through = csc_matrix(lines)
        through.sort_indices()
        rank = np.empty(order.size, dtype=np.int64)
        rank[order] = np.arange(order.size)
        containing, minimal = _directions(lines, through)
        crossing, crossing_atom = _crossings(minimal, lines.shape[0])
        return cls(
            containing=containing,
            minimal=minimal,
            crossing=crossing,
            crossing_atom=crossing_atom,
            cell_of_line=np.where(order < table.cells, order, -1),
            table=table,
            cell_pointer=cells.indptr.astype(np.int64),
            cell_atoms=cells.indices.astype(np.int64),
            atom_pointer=by_atom.indptr.astype(np.int64),
            atom_cells=by_atom.indices.astype(np.int64),
            row_pointer=known.indptr.astype(np.int64),
            row_rows=known.indices.astype(np.int64),
            row_coefficient=known.data.astype(np.int64),
            row_start=np.asarray(table.knowledge.rows @ table.base, dtype=np.int64),
            line_pointer=lines.indptr.astype(np.int64),
            line_atoms=lines.indices.astype(np.int64),
            through_pointer=through.indptr.astype(np.int64),
            through_lines=through.indices.astype(np.int64),
            line_of_cell=rank[: table.cells],
            lines_of_row=rank[table.cells :].reshape(2, -1).T.copy(),
            mark=np.random.default_rng(20261121).random(table.atoms),
        )

    def atoms_of(self, cell: int) -> Indices:
        return self.cell_atoms[self.cell_pointer[cell] : self.cell_pointer[cell + 1]]

    def on_line(self, line: int) -> Indices:
        return self.line_atoms[self.line_pointer[line] : self.line_pointer[line + 1]]

    def without(self, atoms: Indices, others: Indices) -> Indices:
        """The atoms that are none of the others, in their order (`numpy.isin` is ten times slower)."""
        flag = self._flag
        flag[others] = True
        left = atoms[~flag[atoms]]
        flag[others] = False
        return left

    def on_two(self, lines: Indices) -> Indices:
        """Atoms that lie on at least two of the lines, ascending."""
        atoms = self.on_lines(lines)
        if atoms.size * 8 > self.table.atoms:
            return np.flatnonzero(np.bincount(atoms, minlength=self.table.atoms) > 1)
        atoms = np.sort(atoms)
        return distinct(atoms[1:][atoms[1:] == atoms[:-1]])

    def cells_of(self, atoms: Indices) -> tuple[Indices, Indices]:
        """Cell and place in `atoms`, for every membership."""
        entries, owner = gather(self.atom_pointer, atoms)
        return self.atom_cells[entries], owner

    def rows_of(self, atoms: Indices) -> tuple[Indices, Indices, Integers]:
        """Knowledge row, place in `atoms` and coefficient, for every membership."""
        entries, owner = gather(self.row_pointer, atoms)
        return self.row_rows[entries], owner, self.row_coefficient[entries]

    def on_lines(self, lines: Indices) -> Indices:
        """Atoms of several lines, each as often as it lies on one of them."""
        return self.line_atoms[gather(self.line_pointer, lines)[0]]

    def facing(self, atom: int) -> list[tuple[int, int]]:
        """Per knowledge row of an atom: the line it is on, and the line of the opposite sign."""
        first, last = self.row_pointer[atom], self.row_pointer[atom + 1]
        found = []
        for row, coefficient in zip(self.row_rows[first:last], self.row_coefficient[first:last], strict=True):
            plus, minus = self.lines_of_row[row].tolist()
            found.append((plus, minus) if coefficient > 0 else (minus, plus))
        return found

    def supersets(self, line: int) -> frozenset[int]:
        """Lines that contain this one, itself included."""
        found = self._supersets.get(line)
        if found is None:
            first, last = self.containing.indptr[line : line + 2]
            found = self._supersets[line] = frozenset(self.containing.indices[first:last].tolist())
        return found

    def minimal_of(self, atoms: Indices) -> Indices:
        """Minimal lines of several atoms and the lines facing them, ascending."""
        lines = self.minimal[atoms].ravel()
        rows = self.row_rows[gather(self.row_pointer, atoms)[0]]
        if rows.size:
            lines = np.concatenate([lines, self.lines_of_row[rows].ravel()])
        return distinct(lines[lines >= 0])

    def cross(self, left: Indices, right: Indices) -> Indices:
        """The atom where two lines cross, element by element; -1 where they do not."""
        lines = self.line_pointer.size - 1
        keys = np.minimum(left, right) * lines + np.maximum(left, right)
        keys[(left < 0) | (right < 0)] = -1
        if not self.crossing.size:
            return np.full(keys.shape, -1)
        place = np.minimum(np.searchsorted(self.crossing, keys), self.crossing.size - 1)
        return np.where(self.crossing[place] == keys, self.crossing_atom[place], -1)

    def leaving(self, atom: int, cell: int | None) -> tuple[int, ...]:
        """The smallest lines through an atom that leave the given cell."""
        inside = None if cell is None else int(self.line_of_cell[cell])
        found: list[int] = []
        covered: set[int] = set()
        first, last = self.through_pointer[atom], self.through_pointer[atom + 1]
        for line in self.through_lines[first:last].tolist():
            if line in covered or self.line_pointer[line + 1] - self.line_pointer[line] < 2:
                continue
            containing = self.supersets(line)
            if inside is not None and inside in containing:
                continue
            found.append(line)
            covered |= containing
        return tuple(found)


def _directions(lines: csr_matrix, through: csc_matrix) -> tuple[csr_matrix, Indices]:
    """Which line contains which, and the minimal lines of every atom.

    A line through an atom is not minimal if it contains another one through the atom with at least two atoms; of equal
    lines the first counts.
    """
    length = np.diff(lines.indptr)
    shared = coo_matrix(lines @ csr_matrix(lines.T))
    inside = shared.data == length[shared.row]
    small, large = shared.row[inside], shared.col[inside]
    shape = (length.size, length.size)
    containing = csr_matrix((np.ones(small.size, dtype=np.int8), (small, large)), shape=shape)
    containing.sort_indices()
    strict = (length[small] > 1) & ((length[small] < length[large]) | (small < large))
    above = csr_matrix(
        (np.ones(int(strict.sum()), dtype=np.int32), (small[strict], large[strict])), shape=shape
    )
    by_atom = csr_matrix(through.T)
    covered = csr_matrix((by_atom.astype(np.int32) @ above) > 0)
    left = coo_matrix(by_atom.astype(np.int32) - by_atom.astype(np.int32).multiply(covered))
    kept = (left.data > 0) & (length[left.col] > 1)
    atom, line = left.row[kept], left.col[kept]
    order = np.lexsort((line, atom))
    atom, line = atom[order], line[order]
    often = np.bincount(atom, minlength=lines.shape[1])
    place = np.arange(atom.size) - np.repeat(np.cumsum(often) - often, often)
    minimal = np.full((lines.shape[1], max(int(often.max(initial=0)), 1)), -1, dtype=np.int64)
    minimal[atom, place] = line
    return containing, minimal


def _crossings(minimal: Indices, lines: int) -> tuple[Indices, Indices]:
    keys, atoms = [], []
    every = np.arange(minimal.shape[0])
    for first in range(minimal.shape[1]):
        for second in range(first + 1, minimal.shape[1]):
            both = minimal[:, second] >= 0
            keys.append(minimal[both, first] * lines + minimal[both, second])
            atoms.append(every[both])
    if not keys:
        empty = np.empty(0, dtype=np.int64)
        return empty, empty
    key, atom = np.concatenate(keys), np.concatenate(atoms)
    order = np.lexsort((atom, key))
    return key[order], atom[order]
