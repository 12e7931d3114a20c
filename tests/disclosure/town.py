"""A synthetic town: every figure of a small city that counts people by age, sex and nationality in overlapping areas.

Belongs here: generators of linked tables for the tests of solver and audit. Does not belong here: any test.
The town is the "Gauss trap" of the method paper: 50 Baublöcke, Sozialräume, and districts that cut across them,
x (5 ages and total) x (2 sexes and total) x (2 nationalities and total) = 3,240 figures, about 920 of them 1 or 2.
Suppression by linear independence leaves most of these determined as soon as the attacker knows that counts are whole.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from disclosure.table import UNLIMITED, Integers, Knowledge, LinkedTable

LEVEL_WEIGHT = {"stadt": 1000.0, "sozialraum": 100.0, "bezirk": 100.0, "block": 1.0}
KIND_WEIGHT = {0: 10.0, 1: 3.0}  # by number of dimensions; cross tables 1


@dataclass(frozen=True)
class Label:
    """What a cell is called in a printed table."""

    level: str
    area: str
    group: tuple[str, ...]
    """One member per dimension, `*` for the total of the dimension."""


@dataclass(frozen=True)
class Town:
    table: LinkedTable
    labels: tuple[Label, ...]


def count_table(
    name: str,
    base: Integers,
    membership: csr_matrix,
    *,
    threshold: int = 3,
    protect_zero: bool = False,
    weight: np.ndarray | None = None,
    is_primary: np.ndarray | None = None,
    knowledge: Knowledge | None = None,
    may_hide: np.ndarray | None = None,
    may_publish: np.ndarray | None = None,
    suggested: np.ndarray | None = None,
    ceiling: Integers | None = None,
) -> LinkedTable:
    """A linked table of counts: figures from 1 to threshold - 1 are primary and have to range over 0..threshold."""
    membership = csr_matrix(membership, dtype=np.int64)
    base = np.asarray(base, dtype=np.int64)
    cells, atoms = membership.shape
    value = np.asarray(membership @ base, dtype=np.int64)
    if is_primary is None:
        is_primary = (value < threshold) & ((value > 0) | protect_zero)
    return LinkedTable(
        name=name,
        base=base,
        ceiling=np.full(atoms, UNLIMITED, dtype=np.int64) if ceiling is None else ceiling,
        membership=membership,
        is_primary=is_primary,
        lower_goal=np.zeros(cells, dtype=np.int64),
        upper_goal=np.full(cells, threshold, dtype=np.int64),
        may_hide=np.ones(cells, dtype=np.bool_) if may_hide is None else may_hide,
        may_publish=np.ones(cells, dtype=np.bool_) if may_publish is None else may_publish,
        weight=np.log1p(np.abs(value)) + 1.0 if weight is None else weight,
        knowledge=Knowledge.nothing(atoms) if knowledge is None else knowledge,
        suggested=np.empty(0, dtype=np.bool_) if suggested is None else suggested,
    )


def cube(
    name: str,
    counts: np.ndarray,
    areas: Sequence[tuple[str, str, Sequence[int]]],
    *,
    threshold: int = 3,
    level_weight: Mapping[str, float] = LEVEL_WEIGHT,
) -> Town:
    """All figures of a cube: `counts` is leaf areas x dimension 1 x dimension 2 …; `areas` are (level, name, leaves).

    Every combination of members and totals is a cell, in every area.
    """
    shape = counts.shape
    number = np.arange(counts.size).reshape(shape)
    rows: list[np.ndarray] = []
    labels: list[Label] = []
    weight: list[float] = []
    groups = list(itertools.product(*[[None, *range(size)] for size in shape[1:]]))
    for level, area, leaves in areas:
        for group in groups:
            cut = number[np.asarray(leaves, dtype=int)]
            for axis, member in enumerate(group, start=1):
                if member is not None:
                    cut = cut.take([member], axis=axis)
            rows.append(cut.ravel())
            labels.append(Label(level, area, tuple("*" if m is None else str(m) for m in group)))
            dimensions = sum(m is not None for m in group)
            total = float(counts.ravel()[rows[-1]].sum())
            weight.append((np.log1p(total) + 1) * level_weight[level] * KIND_WEIGHT.get(dimensions, 1.0))
    lengths = np.array([row.size for row in rows])
    membership = csr_matrix(
        (
            np.ones(lengths.sum(), dtype=np.int64),
            np.concatenate(rows),
            np.concatenate([[0], lengths.cumsum()]),
        ),
        shape=(len(rows), counts.size),
    )
    table = count_table(name, counts.ravel(), membership, threshold=threshold, weight=np.array(weight))
    return Town(table, tuple(labels))


def town(seed: int = 0, blocks: int = 50, people_per_block: float = 24.0) -> Town:
    """The Gauss trap: city, 6 Sozialräume (a partition) and 3 districts that cut across them."""
    random = np.random.default_rng(seed)
    age = np.array([0.12, 0.13, 0.25, 0.32, 0.18])
    size = random.lognormal(np.log(people_per_block), 0.4, blocks)
    foreign = random.beta(2.5, 6.0, blocks)
    mean = np.empty((blocks, 5, 2, 2))
    for block in range(blocks):
        mix = random.dirichlet(age * 30)
        mean[block] = size[block] * np.multiply.outer(
            np.outer(mix, [0.49, 0.51]), [1 - foreign[block], foreign[block]]
        )
    counts = random.poisson(mean).astype(np.int64)
    leaves = np.arange(blocks)
    areas: list[tuple[str, str, Sequence[int]]] = [("stadt", "Stadt", list(leaves))]
    areas += [("sozialraum", f"S{i}", list(part)) for i, part in enumerate(np.array_split(leaves, 6))]
    shifted = np.roll(leaves, 4)  # district borders run through Sozialräume
    areas += [("bezirk", f"B{i}", list(part)) for i, part in enumerate(np.array_split(shifted, 3))]
    areas += [("block", f"b{i}", [i]) for i in leaves]
    return cube("town", counts, areas)


def wide(
    gemeinden: int = 25,
    sozialraeume: int = 4,
    blocks: int = 10,
    ages: int = 19,
    people_per_block: float = 300.0,
    seed: int = 0,
) -> Town:
    """One period of a large Kreis: area tree x (age;sex), all margins. Default: 1,000 blocks, 67,560 cells."""
    random = np.random.default_rng(seed)
    leaf = gemeinden * sozialraeume * blocks
    mix = random.dirichlet(np.linspace(2, 1, ages) * 8, size=leaf)
    size = random.lognormal(np.log(people_per_block), 0.7, leaf)
    counts = random.poisson(size[:, None, None] * mix[:, :, None] * 0.5 * np.ones(2)).astype(np.int64)
    numbers = np.arange(leaf).reshape(gemeinden, sozialraeume, blocks)
    areas: list[tuple[str, str, Sequence[int]]] = [("kreis", "K", list(numbers.ravel()))]
    for g in range(gemeinden):
        areas.append(("gemeinde", f"G{g}", list(numbers[g].ravel())))
        areas += [("sozialraum", f"S{g}.{s}", list(numbers[g, s])) for s in range(sozialraeume)]
    areas += [("block", f"b{i}", [i]) for i in range(leaf)]
    weights = {"kreis": 1000.0, "gemeinde": 100.0, "sozialraum": 20.0, "block": 5.0}
    return cube("wide", counts, areas, level_weight=weights)
