"""The linked table: what an attacker knows and what has to stay hidden, as one integer system.

Belongs here: the data that solver, audit and certificate share. Does not belong here: how a pattern is found
(`solver`), how it is attacked (`attacker`, `audit`), where the figures come from (dbt) or go to.

Atoms are counts (or cents) nobody can split further; a cell is the set of atoms it adds up. Hierarchies, several
breakdowns, parts of a whole and overlapping area systems are all rows of one incidence matrix
(Hundepool et al. 2012, ch. 4.6 "linked tables").
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

UNLIMITED = np.iinfo(np.int64).max
"""Upper end of an atom or a knowledge row that nothing limits; its negative is an open lower end."""


@dataclass(frozen=True)
class Knowledge:
    """What the attacker knows beyond published cells: `lower <= rows @ y <= upper`, integer coefficients.

    Links between breakdowns (two margins of one area have the same total: coefficients +1/-1, both ends 0), published
    rates, revised values, declared extra knowledge. Rows hold for every world he thinks possible, whatever is hidden.
    """

    rows: csr_matrix
    """Knowledge rows x atoms."""
    lower: Integers
    upper: Integers

    @classmethod
    def nothing(cls, atoms: int) -> Knowledge:
        empty = np.empty(0, dtype=np.int64)
        return cls(csr_matrix((0, atoms), dtype=np.int64), empty, empty)


@dataclass(frozen=True)
class LinkedTable:
    """One system of linked tables. Atoms and cells are numbered by position.

    Units: persons, cases, cents … whatever the smallest unit of the measure is; always whole numbers.
    """

    name: str
    base: Integers
    """A world that agrees with everything known: the truth, or a completion where suppliers have hidden figures."""
    ceiling: Integers
    """Largest number the attacker thinks possible for an atom; UNLIMITED where nothing is known."""
    membership: csr_matrix
    """Cells x atoms, 1 where the cell adds up the atom."""
    is_primary: Flags
    lower_goal: Integers
    """For a primary cell: some world has this value or less (0 for small counts, value - LPL for sums)."""
    upper_goal: Integers
    """For a primary cell: some world has this value or more (T for small counts, value + UPL for sums)."""
    may_hide: Flags
    """False: the attacker knows the value whatever is decided now (released before, or to another audience)."""
    may_publish: Flags
    """False: never tabulated, but computable from others and therefore protected (rest of a part, hidden at source)."""
    weight: NDArray[np.float64]
    """Cost of hiding the cell."""
    knowledge: Knowledge
    suggested: Flags = field(default_factory=lambda: np.empty(0, dtype=np.bool_))
    """Cells hidden by layer A (residual pooling) or in the last release; empty where there is no suggestion."""

    @property
    def atoms(self) -> int:
        return int(self.base.size)

    @property
    def cells(self) -> int:
        return int(self.membership.shape[0])

    @property
    def value(self) -> Integers:
        """Value of every cell in the base world."""
        return np.asarray(self.membership @ self.base, dtype=np.int64)

    def check(self) -> None:
        """Raises ValueError where shapes disagree or the base world contradicts what the attacker knows."""
        cells, atoms = self.membership.shape
        if atoms != self.base.size or atoms != self.ceiling.size or atoms != self.knowledge.rows.shape[1]:
            raise ValueError(f"{self.name}: arrays disagree on the number of atoms")
        per_cell = (
            self.is_primary,
            self.lower_goal,
            self.upper_goal,
            self.may_hide,
            self.may_publish,
            self.weight,
        )
        if any(array.size != cells for array in per_cell) or self.suggested.size not in (0, cells):
            raise ValueError(f"{self.name}: arrays disagree on the number of cells")
        if (self.base < 0).any() or (self.base > self.ceiling).any():
            raise ValueError(f"{self.name}: the base world leaves the range of an atom")
        known = self.knowledge.rows @ self.base
        if (known < self.knowledge.lower).any() or (known > self.knowledge.upper).any():
            raise ValueError(f"{self.name}: the base world contradicts what the attacker knows")
        if (~self.may_hide & ~self.may_publish).any():
            raise ValueError(f"{self.name}: a cell that is never tabulated cannot be known")


@dataclass(frozen=True)
class Witnesses:
    """Feasible worlds other than the base, as sparse differences: world `witness[i]` adds `delta[i]` to `atom[i]`.

    At most one row per witness and atom, no zero deltas. A witness is a proof on its own: that base + delta agrees with
    everything published takes sums to check, and no solver.
    """

    witness: NDArray[np.int32]
    atom: NDArray[np.int32]
    delta: Integers

    @property
    def count(self) -> int:
        return int(self.witness.max()) + 1 if self.witness.size else 0

    @classmethod
    def none(cls) -> Witnesses:
        empty = np.empty(0, dtype=np.int32)
        return cls(empty, empty, np.empty(0, dtype=np.int64))

    def matrix(self, atoms: int) -> csr_matrix:
        """Witnesses x atoms."""
        return csr_matrix((self.delta, (self.witness, self.atom)), shape=(self.count, atoms), dtype=np.int64)


@dataclass(frozen=True)
class Pattern:
    """The decision on one linked table, with its proof."""

    is_hidden: Flags
    """Per cell: primary or secondary suppression; always True where the table says `may_publish` False."""
    witnesses: Witnesses
    is_unsafe: Flags
    """Per cell: a primary that no choice can protect (what was released before gives it away): a human decides."""
    method: str
    """`none` (nothing to protect), `solver`, `fallback` (layer A plus witnesses), `withheld` (all that may be)."""


def unproven(table: LinkedTable, pattern: Pattern) -> tuple[Flags, Flags]:
    """Per cell: is a primary cell's lower (upper) goal reached by no witness? The check of a certificate in sums.

    Only feasible witnesses count (see `infeasible`); the base world counts as a witness.
    """
    values = table.value
    low, high = values.copy(), values.copy()
    proof = pattern.witnesses
    if proof.count:
        shift = (table.membership @ proof.matrix(table.atoms).T).tocsr()
        low = values + np.minimum(shift.min(axis=1).toarray().ravel(), 0)
        high = values + np.maximum(shift.max(axis=1).toarray().ravel(), 0)
    return table.is_primary & (low > table.lower_goal), table.is_primary & (high < table.upper_goal)


def infeasible(table: LinkedTable, pattern: Pattern) -> NDArray[np.int32]:
    """Numbers of the witnesses that contradict what the attacker knows. Empty for a valid certificate.

    He knows what is published now and what may not be hidden any more, whatever the pattern says about it. Sparse
    throughout: the work grows with what the witnesses change, not with cells x witnesses.
    """
    proof = pattern.witnesses
    if not proof.count:
        return np.empty(0, dtype=np.int32)
    delta = proof.matrix(table.atoms)
    bad = np.zeros(proof.count, dtype=np.bool_)
    moved = table.base[proof.atom] + proof.delta
    bad[proof.witness[(moved < 0) | (moved > table.ceiling[proof.atom])]] = True
    published = table.membership[~pattern.is_hidden | ~table.may_hide]
    bad |= np.asarray(abs(delta @ published.T).sum(axis=1)).ravel() > 0
    if table.knowledge.lower.size:
        start = np.asarray(table.knowledge.rows @ table.base)
        shift = (delta @ table.knowledge.rows.T).tocoo()
        after = start[shift.col] + shift.data
        broken = (after < table.knowledge.lower[shift.col]) | (after > table.knowledge.upper[shift.col])
        bad[shift.row[broken]] = True
    return np.flatnonzero(bad).astype(np.int32)
