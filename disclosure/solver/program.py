"""The linear program of one end: the cheapest change of a neighbourhood that moves a cell far enough.

Belongs here: HiGHS. Does not belong here: which atoms take part, and what is done with the solution.

Kelly, Golden & Assad (1992), Fischetti & Salazar (2001): minimise the price of all figures that change, subject to the
wanted change of one of them. Variables are the changes of the atoms, up and down, and of every published
figure, up and down; figures that are the same set within the neighbourhood are one row.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray

from disclosure.solver.incidence import Indices
from disclosure.solver.state import State
from disclosure.table import UNLIMITED, Integers

SMALL_MOVE = 1e-3
"""Price of changing an atom nobody sees: among free moves the smallest is taken."""
LARGEST_FLOAT = 1e4
"""Changes are scaled by a power of two to this order of magnitude: cents of a budget keep clear of the tolerances."""
WHOLE = 1e-6
LATE_SECONDS = 0.5
"""What a program may take once the deadline has passed."""


@dataclass(frozen=True)
class Model:
    """Arrays of one program, row-wise. Columns: atoms up, atoms down, rows up, rows down."""

    atoms: int
    cost: NDArray[np.float64]
    column_upper: NDArray[np.float64]
    strict_upper: NDArray[np.float64]
    """Upper bounds where only atoms that can fall by the whole amount may fall."""
    row_lower: NDArray[np.float64]
    row_upper: NDArray[np.float64]
    start: NDArray[np.int32]
    index: NDArray[np.int32]
    value: NDArray[np.float64]


class Engine:
    """One HiGHS instance, used again and again: setting it up costs more than a small program."""

    def __init__(self, integer_nodes: int, deadline: float | None = None) -> None:
        self.deadline = deadline
        self.programs = 0
        self.integer_programs = 0
        self.work = 0
        self.objective = 0.0
        self._highs = highspy.Highs()  # type: ignore[no-untyped-call]
        self._highs.silent()
        for name, value in (
            ("threads", 1),
            ("solver", "simplex"),
            ("presolve", "off"),
            ("mip_max_nodes", integer_nodes),
            ("mip_rel_gap", 0.0),
        ):
            self._highs.setOptionValue(name, value)

    def again(self, upper: NDArray[np.float64], atoms: int) -> NDArray[np.float64] | None:
        """The program of the last call under other upper bounds, from where that one ended (no call in between)."""
        self.programs += 1
        columns = upper.size
        self._highs.changeColsBounds(
            columns, np.arange(columns, dtype=np.int32), np.zeros(columns), np.ascontiguousarray(upper)
        )
        return self._run(atoms, whole=False)

    def solve(
        self,
        model: Model,
        *,
        whole: bool,
        upper: NDArray[np.float64] | None = None,
        unlimited: bool = False,
    ) -> NDArray[np.float64] | None:
        """Change per atom, or None where there is none. `whole`: by branch and bound, else the linear relaxation.

        `unlimited`: the deadline does not cut in.
        """
        columns = model.cost.size
        kind = np.zeros(columns, dtype=np.int32)
        if whole:
            kind[: 2 * model.atoms] = 1
            self.integer_programs += 1
        self.programs += 1
        self.work += int(model.index.size)
        self._highs.setOptionValue("presolve", "on" if whole else "off")
        self._highs.passModel(
            columns,
            model.row_lower.size,
            model.index.size,
            int(highspy.MatrixFormat.kRowwise),
            int(highspy.ObjSense.kMinimize),
            0.0,
            model.cost,
            np.zeros(columns),
            model.column_upper if upper is None else upper,
            model.row_lower,
            model.row_upper,
            model.start,
            model.index,
            model.value,
            kind,
        )
        return self._run(model.atoms, whole=whole, unlimited=unlimited)

    def _run(self, atoms: int, *, whole: bool, unlimited: bool = False) -> NDArray[np.float64] | None:
        # A program that is cut off counts as one without solution; whoever concludes "unsafe" from that must not be
        # cut off. Without a deadline nothing depends on the clock.
        limit = np.inf
        if self.deadline is not None and not unlimited:
            # HiGHS measures its limit from the first program of the instance.
            limit = self._highs.getRunTime() + max(self.deadline - time.monotonic(), LATE_SECONDS)
        self._highs.setOptionValue("time_limit", limit)
        self._highs.run()
        self.objective = float(self._highs.getInfo().objective_function_value)
        status = self._highs.getModelStatus()
        solution = self._highs.getSolution()
        optimal = status == highspy.HighsModelStatus.kOptimal
        if not (optimal or (whole and self._highs.getInfo().primal_solution_status == 2)):
            return None
        found = np.asarray(solution.col_value[: 2 * atoms])
        return np.asarray(found[:atoms] - found[atoms:])


def cheapest_changes(
    engine: Engine,
    state: State,
    atoms: Indices,
    end: int,
    *,
    budget: float = np.inf,
    free: bool = False,
    branch: bool = True,
    strict: bool = False,
) -> Iterator[Integers]:
    """Whole-number changes per atom that take the cell of an end at least to its goal; none where there is none.

    `budget`: no branch and bound where already the relaxation costs as much (a figure that changes by the whole amount
    costs its price, one that changes less is priced in proportion).
    `free`: hiding costs nothing; only figures that must not be hidden count. `branch` False: nothing where the solution
    is fractional (branch and bound over a whole table takes seconds).
    `strict`: first a change in which only atoms that can fall by the whole amount fall, which favours one cycle over
    several half ones; then, if asked for another one, a change without that condition.
    """
    need = state.need(end)
    scale = 1.0 if need <= LARGEST_FLOAT else 2.0 ** math.ceil(math.log2(need / LARGEST_FLOAT))
    model = _model(state, atoms, end, scale, free=free)
    if model is None:
        return
    is_loaded = False
    if strict and (model.strict_upper < model.column_upper).any():
        found = engine.solve(model, whole=False, upper=model.strict_upper)
        whole = None if found is None else _whole(found, scale)
        is_loaded = True
        if whole is not None:
            yield whole
    found = (
        engine.again(model.column_upper, model.atoms)
        if is_loaded
        else engine.solve(model, whole=False, unlimited=free)
    )
    if found is None:
        return
    whole = _whole(found, scale)
    if whole is not None:
        yield whole
        return
    if not branch or engine.objective * scale >= budget * need:
        return
    if scale != 1.0:
        model = _model(state, atoms, end, 1.0, free=free)
        assert model is not None
    found = engine.solve(model, whole=True, unlimited=free)
    if found is not None:
        yield np.rint(found).astype(np.int64)


def _whole(found: NDArray[np.float64], scale: float) -> Integers | None:
    """The solution in units, or None where it is fractional."""
    found = found * scale
    whole = np.rint(found)
    if np.abs(found - whole).max(initial=0.0) > max(WHOLE, 1e-7 * scale):
        return None
    return np.asarray(whole.astype(np.int64))


def _model(state: State, atoms: Indices, end: int, scale: float, *, free: bool) -> Model | None:
    incidence, table = state.incidence, state.incidence.table
    cell, sign, need = end >> 1, 1 if end & 1 else -1, state.need(end)
    count = atoms.size
    room_up, room_down = table.ceiling[atoms] - table.base[atoms], table.base[atoms]
    most = 64 * need
    upper = np.minimum(np.concatenate([room_up, room_down]), most) / scale

    cells, owner = incidence.cells_of(atoms)
    in_target = owner[cells == cell]
    seen = state.fixed[cells] if free else ~state.hidden[cells]
    seen &= cells != cell
    cells, owner = cells[seen], owner[seen]
    order = np.argsort(cells, kind="stable")
    cells, owner = cells[order], owner[order]
    price = np.full(2 * count, SMALL_MOVE)
    row_of, column, coefficient = [np.zeros(in_target.size, np.int64)], [in_target], [np.ones(in_target.size)]
    lower_ends: list[NDArray[np.float64]] = [np.array([need / scale if sign > 0 else -np.inf])]
    upper_ends: list[NDArray[np.float64]] = [np.array([np.inf if sign > 0 else -need / scale])]
    rows = 1
    elastic = np.empty(0, dtype=np.int64)
    elastic_price = np.empty(0)
    if cells.size:
        first = np.flatnonzero(np.concatenate(([True], cells[1:] != cells[:-1])))
        size = np.diff(np.append(first, cells.size))
        cell_price = np.full(first.size, 0.0) if free else state.price[cells[first]]
        known = state.fixed[cells[first]]
        _, representative, group = np.unique(
            np.add.reduceat(incidence.mark[atoms][owner], first), return_index=True, return_inverse=True
        )
        group_price = np.bincount(group, weights=cell_price)
        group_known = np.bincount(group, weights=known) > 0
        alone = size[representative] == 1
        single = owner[first[representative[alone]]]
        np.add.at(price, single, group_price[alone])
        price[count:] = price[:count]
        stuck = single[group_known[alone]]
        upper[stuck] = upper[stuck + count] = 0.0
        kept = representative[~alone]
        entries = np.repeat(first[kept], size[kept]) + _ramp(size[kept])
        row_of.append(np.repeat(np.arange(1, kept.size + 1), size[kept]))
        column.append(owner[entries])
        coefficient.append(np.ones(entries.size))
        lower_ends.append(np.zeros(kept.size))
        upper_ends.append(np.zeros(kept.size))
        rows += kept.size
        open_rows = np.flatnonzero(~group_known[~alone])
        elastic, elastic_price = open_rows + 1, group_price[~alone][open_rows]
    known_rows, known_owner, known_value = incidence.rows_of(atoms)
    if known_rows.size:
        which, place = np.unique(known_rows, return_inverse=True)
        row_of.append(rows + place)
        column.append(known_owner)
        coefficient.append(known_value.astype(np.float64))
        at = incidence.row_start[which]
        low, high = table.knowledge.lower[which], table.knowledge.upper[which]
        lower_ends.append(np.where(low == -UNLIMITED, -np.inf, (low - at) / scale))
        upper_ends.append(np.where(high == UNLIMITED, np.inf, (high - at) / scale))
        rows += which.size
    if not in_target.size:
        return None

    row, col, val = np.concatenate(row_of), np.concatenate(column), np.concatenate(coefficient)
    extra = np.arange(elastic.size)
    row = np.concatenate([row, row, elastic, elastic])
    col = np.concatenate([col, col + count, 2 * count + extra, 2 * count + elastic.size + extra])
    val = np.concatenate([val, -val, np.full(elastic.size, -1.0), np.ones(elastic.size)])
    column_upper = np.concatenate([upper, np.full(2 * elastic.size, np.inf)])
    strict_upper = column_upper.copy()
    strict_upper[count : 2 * count][room_down < need] = 0.0
    order = np.argsort(row, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=rows))])
    return Model(
        atoms=count,
        cost=np.concatenate([price, elastic_price, elastic_price]),
        column_upper=column_upper,
        strict_upper=strict_upper,
        row_lower=np.concatenate(lower_ends),
        row_upper=np.concatenate(upper_ends),
        start=start.astype(np.int32),
        index=col[order].astype(np.int32),
        value=val[order],
    )


def _ramp(lengths: Indices) -> Indices:
    """0, 1, …, n-1 for every n, one after the other."""
    ends = np.cumsum(lengths)
    return np.arange(int(ends[-1]) if ends.size else 0) - np.repeat(ends - lengths, lengths)
