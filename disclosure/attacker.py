"""The attacker: what somebody who knows every published figure can conclude about a hidden one.

Belongs here: the bounds of one sum of atoms, exactly, and attackers who know more than the outsider (their own
contribution, a second release, a rate). Does not belong here: verdicts on a table (`audit`), proofs (`disproof`).

The outsider knows that counts are whole numbers and not negative, and what the table's knowledge rows say. The bounds
are exact: both ends are attained by some table that agrees with everything published (Fischetti & Salazar 2001,
auditing problem).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, milp
from scipy.sparse import csr_matrix

from disclosure.system import Floats, attacker_system, collapse, components, reduce
from disclosure.table import Flags, Integers, LinkedTable

_CLOSE = 1e-6
"""Optima of the LP within this distance of a whole number are taken for it; the world that attains it is checked in
whole numbers."""

_MOST_WORLDS = 400
"""Worlds remembered per component. They answer most questions without solving; more of them only cost memory."""


@dataclass(frozen=True)
class Interval:
    """Smallest and largest possible value of a hidden cell; `upper` is infinite where nothing limits it."""

    lower: float
    upper: float

    def protects(self, threshold: float) -> bool:
        """True when the attacker still has to think both 0 and `threshold` or more possible."""
        return self.lower <= 0 and self.upper >= threshold


@dataclass(frozen=True)
class End:
    """One end of an interval: `attained` by a world that was found and checked, `bound` never passed by any world.

    Both agree unless the time ran out (or a requested goal was reached first).
    """

    attained: float
    bound: float

    @property
    def is_exact(self) -> bool:
        return self.attained == self.bound


@dataclass
class _Part:
    """One component of the system with the worlds found in it so far. Mutable: worlds are added while asking."""

    atoms: NDArray[np.int64]
    rows: csr_matrix
    lower: Floats
    upper: Floats
    floor: Floats
    ceiling: Floats
    integer: bool
    worlds: list[Floats] = field(default_factory=list)

    def smallest(self, target: Floats) -> float:
        return float(min(world @ target for world in self.worlds))

    def solve(self, target: Floats, *, integer: bool, seconds: float | None = None) -> OptimizeResult:
        options = {} if seconds is None else {"time_limit": max(seconds, 0.01)}
        rows = LinearConstraint(self.rows, self.lower, self.upper) if self.rows.shape[0] else ()
        return milp(
            target,
            constraints=rows,
            integrality=np.full(target.size, int(integer)),
            bounds=Bounds(self.floor, self.ceiling),
            options=options,
        )

    def remember(self, world: Floats) -> bool:
        """Keeps a world when it solves the system exactly (in whole numbers for the integer attacker)."""
        if self.integer:
            world = np.rint(world)
            reached = self.rows @ world
            good = (reached >= self.lower).all() and (reached <= self.upper).all()
            good = good and (world >= self.floor).all() and (world <= self.ceiling).all()
        else:
            good = True
        if good and len(self.worlds) < _MOST_WORLDS:
            self.worlds.append(world)
        return bool(good)


class Attacker:
    """One pattern of one table under attack; answers for any number of cells with the work done once.

    `integer`: counts are whole for him; otherwise he reckons with real numbers (wider intervals).
    `cells`: the cells he may be asked about (all by default); fewer let more atoms be collapsed.
    """

    def __init__(
        self, table: LinkedTable, is_hidden: Flags, cells: Integers | None = None, *, integer: bool
    ) -> None:
        asked = np.arange(table.cells) if cells is None else np.asarray(cells)
        self._position = {int(cell): number for number, cell in enumerate(asked)}
        system, targets = collapse(
            attacker_system(table, is_hidden), table.membership[asked].astype(np.float64)
        )
        self._targets: csr_matrix = targets.tocsr()
        self._system = reduce(system, integer=integer)
        self._part_of = components(self._system)
        self._place = np.zeros(self._part_of.size, dtype=np.int64)
        self._parts: dict[int, _Part] = {}
        self._integer = integer

    def interval(self, cell: int, deadline: float | None = None) -> tuple[End, End]:
        """Both ends of one cell."""
        return self.end(cell, 1, deadline=deadline), self.end(cell, -1, deadline=deadline)

    def end(self, cell: int, sign: int, goal: float | None = None, deadline: float | None = None) -> End:
        """Lower end for `sign` 1, upper for -1. With a `goal` it stops as soon as that is reached or out of reach."""
        row = self._targets[self._position[cell]]
        fixed = self._system.is_fixed[row.indices]
        settled = float(row.data[fixed] @ self._system.floor[row.indices[fixed]])
        rest, factor = row.indices[~fixed], row.data[~fixed] * sign
        wanted = None if goal is None else sign * (goal - settled)
        attained, bound = self._least(rest, factor, wanted, deadline)
        return End(settled + sign * attained, settled + sign * bound)

    def _least(
        self, atoms: NDArray[np.int32], factor: Floats, goal: float | None, deadline: float | None
    ) -> tuple[float, float]:
        """Smallest value of a sum of free atoms: components first by what is known, then LP, then integer program."""
        work: list[tuple[_Part, Floats]] = []
        for number in np.unique(self._part_of[atoms]):
            part = self._part(int(number))
            target = np.zeros(part.atoms.size)
            mine = self._part_of[atoms] == number
            target[self._place[atoms[mine]]] = factor[mine]
            work.append((part, target))

        def found() -> float:
            return sum(part.smallest(target) for part, target in work)

        if not work:
            return 0.0, 0.0
        if goal is not None and found() <= goal:
            return found(), -np.inf
        bounds = [self._relaxed(part, target) for part, target in work]
        if -np.inf in bounds:
            return -np.inf, -np.inf
        for position, (part, target) in enumerate(work):
            if not self._integer or part.smallest(target) <= bounds[position]:
                continue
            if goal is not None and (found() <= goal or sum(bounds) > goal):
                break
            if deadline is not None and time.monotonic() >= deadline:
                break
            bounds[position] = self._whole(part, target, bounds[position], deadline)
        if not self._integer:
            return sum(bounds), sum(bounds)
        return found(), sum(bounds)

    def _relaxed(self, part: _Part, target: Floats) -> float:
        """Bound from real numbers, rounded inwards for the integer attacker. -inf where nothing limits the sum."""
        if self._integer and part.smallest(target) <= _open_end(part, target):
            return part.smallest(target)
        result = part.solve(target, integer=False)
        if result.status in (3, 4) and _is_unlimited(part, target):
            return -np.inf
        if result.status != 0:
            raise RuntimeError(f"the attack failed: {result.message}")
        part.remember(result.x)
        if not self._integer:
            # Vertices of small systems are short fractions: the noise behind the ninth digit is the solver's.
            return round(float(result.fun), 9)
        return float(np.ceil(result.fun - _CLOSE))

    def _whole(self, part: _Part, target: Floats, bound: float, deadline: float | None) -> float:
        seconds = None if deadline is None else deadline - time.monotonic()
        result = part.solve(target, integer=True, seconds=seconds)
        if result.x is not None:
            part.remember(result.x)
        if result.status == 0:
            return max(bound, float(np.rint(result.fun)))
        if result.status == 1:
            proven = result.mip_dual_bound
            return (
                bound if proven is None or np.isnan(proven) else max(bound, float(np.ceil(proven - _CLOSE)))
            )
        raise RuntimeError(f"the attack failed: {result.message}")

    def _part(self, number: int) -> _Part:
        if number not in self._parts:
            system = self._system
            atoms = np.flatnonzero(self._part_of == number)
            self._place[atoms] = np.arange(atoms.size)
            columns = system.rows[:, atoms].tocsr()
            mine = np.diff(columns.indptr) > 0
            part = _Part(
                atoms,
                columns[mine],
                system.lower[mine],
                system.upper[mine],
                system.floor[atoms],
                system.ceiling[atoms],
                self._integer,
            )
            part.worlds.append(system.start[atoms].astype(np.float64))
            self._parts[number] = part
        return self._parts[number]


def _open_end(part: _Part, target: Floats) -> float:
    """The smallest value that the ranges of the atoms alone allow."""
    return float(
        np.where(target > 0, target * part.floor, 0.0).sum()
        + (target[target < 0] @ part.ceiling[target < 0] if (target < 0).any() else 0.0)
    )


def _is_unlimited(part: _Part, target: Floats) -> bool:
    """Is there a direction in which the sum falls for ever? (HiGHS may answer "infeasible or unbounded".)

    The direction lies in the recession cone, cut to a unit box to keep the program finite.
    """
    lower = np.where(np.isfinite(part.lower), 0.0, -np.inf)
    upper = np.where(np.isfinite(part.upper), 0.0, np.inf)
    ray = replace(
        part,
        lower=lower,
        upper=upper,
        floor=np.zeros(target.size),
        ceiling=np.where(np.isinf(part.ceiling), 1.0, 0.0),
    ).solve(target, integer=False)
    return bool(ray.status == 0 and ray.fun < -_CLOSE)


def attack(membership: csr_matrix, published: NDArray[np.float64], target: NDArray[np.float64]) -> Interval:
    """Interval of a hidden cell where no world is known beforehand: one integer program per end, nothing reduced.

    `membership`: published cells x atoms, 1 where the cell adds up the atom; `published`: their values;
    `target`: 0/1 per atom, the hidden cell. Raises RuntimeError when no table agrees with the published figures.
    """
    lower = _one_end(membership, published, target, 1.0)
    # An atom that no published cell adds up can hold any number.
    limited = np.asarray(membership.sum(axis=0)).ravel()[target > 0].all()
    return Interval(lower, _one_end(membership, published, target, -1.0) if limited else float("inf"))


def _one_end(
    membership: csr_matrix, published: NDArray[np.float64], target: NDArray[np.float64], sign: float
) -> float:
    result = milp(
        sign * target,
        constraints=LinearConstraint(membership, published, published),
        integrality=np.ones(target.size),
        bounds=Bounds(0, np.inf),
    )
    if result.status != 0:
        raise RuntimeError(f"the published figures contradict each other: {result.message}")
    return abs(float(result.fun))
