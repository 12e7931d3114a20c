"""Published examples of disclosure control: Statistics Norway, sdcTable, the SDC Handbook (../shared/oracles)."""

from __future__ import annotations

import csv
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from disclosure.alternatives.gauss import gauss
from disclosure.alternatives.hypercube import hypercube
from disclosure.audit import audit
from disclosure.exact import optimum, secondary_cost
from disclosure.solver import protect
from disclosure.table import Flags, LinkedTable
from tests.disclosure.small_tables import crossed, crossed_subtables, table_of

DATA = Path(os.environ.get("LAGEBILD_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
ORACLES = DATA.parent / "oracles" / "disclosure"
SSB_PATTERN = [12, 13, 22, 23, 42, 43]
SDCTABLE_PATTERN = [5, 6, 11, 12]

needs_oracles = pytest.mark.skipif(not ORACLES.is_dir(), reason=f"published examples not found in {ORACLES}")


def rows(name: str) -> list[dict[str, str]]:
    with (ORACLES / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def z1() -> LinkedTable:
    """32 inner cells region x hovedint and their totals; primary: 1 to 3."""
    data = rows("ssb_z1.csv")
    regions, topics = (list(dict.fromkeys(row[name] for row in data)) for name in ("region", "hovedint"))
    count = {(row["region"], row["hovedint"]): int(float(row["ant"])) for row in data}
    table = crossed([[count[region, topic] for topic in topics] for region in regions], threshold=4)
    return replace(table, weight=table.value.astype(np.float64))


@pytest.fixture
def microdata1() -> LinkedTable:
    """Region x gender with totals; the only primary is region A / female. Weight: records behind a cell."""
    data = rows("sdctable_microdata1.csv")
    regions, genders = "ABCD", ("female", "male")
    of = {
        (r, g): [row["val"] for row in data if (row["region"], row["gender"]) == (r, g)]
        for r in regions
        for g in genders
    }
    sums = crossed([[int(sum(map(float, of[r, g]))) for g in genders] for r in regions])
    records = crossed([[len(of[r, g]) for g in genders] for r in regions]).value
    return replace(
        sums,
        is_primary=np.arange(15) == 4,
        lower_goal=sums.value - 1,
        upper_goal=sums.value + 1,
        weight=records.astype(np.float64),
    )


def numbers(is_hidden: Flags) -> list[int]:
    """As the examples count: from 1."""
    return [int(cell) + 1 for cell in np.flatnonzero(is_hidden)]


@needs_oracles
def test_documented_pattern_of_statistics_norway_passes_our_audit(z1: LinkedTable) -> None:
    """Each of the three primaries still ranges from 0 to at least 4, also over whole numbers."""
    pattern = np.isin(np.arange(45) + 1, SSB_PATTERN)
    found = audit(z1, pattern, integer=True)
    assert found.unsafe.size == 0
    assert found.lower.tolist() == [2, 0, 9, 0, 6, 0]
    assert found.upper.tolist() == [8, 6, 15, 6, 12, 6]


@needs_oracles
def test_our_gauss_elimination_gives_the_documented_pattern(z1: LinkedTable) -> None:
    assert numbers(gauss(z1)) == SSB_PATTERN


@needs_oracles
def test_documented_pattern_of_statistics_norway_is_the_optimum_by_value(z1: LinkedTable) -> None:
    best = optimum(z1)
    assert best.proven
    assert best.cost == 29
    assert numbers(best.is_hidden) == SSB_PATTERN


@needs_oracles
def test_solver_stays_near_the_optimum(z1: LinkedTable) -> None:
    pattern = protect(z1)
    assert audit(z1, pattern.is_hidden, integer=True).unsafe.size == 0
    assert secondary_cost(z1, pattern.is_hidden) <= 1.3 * 29


@needs_oracles
def test_sdctable_example(microdata1: LinkedTable) -> None:
    """Optimal, HITAS, hypercube and simple all give this pattern in sdcTable; 42 records, 40 of them secondary."""
    best = optimum(microdata1)
    assert best.proven
    assert (numbers(best.is_hidden), best.cost) == (SDCTABLE_PATTERN, 40)
    assert float(microdata1.weight[best.is_hidden].sum()) == 42
    assert numbers(hypercube(microdata1, crossed_subtables(4, 2)).is_hidden) == SDCTABLE_PATTERN
    assert numbers(protect(microdata1).is_hidden) == SDCTABLE_PATTERN
    assert audit(microdata1, best.is_hidden, integer=True).unsafe.size == 0


def test_handbook_block() -> None:
    """SDC Handbook ch. 4, example 3: hidden 2 x 2 block; X11 lies in 3 .. 6 for every attacker."""
    table = table_of([5, 2, 1, 2], [[0, 1], [2, 3], [0, 2], [1, 3], [0], [1], [2], [3]], primary=[4])
    hidden = np.arange(8) >= 4
    for integer in (True, False):
        found = audit(table, hidden, np.array([4]), integer=integer)
        assert (found.lower[0], found.upper[0]) == (3, 6)
