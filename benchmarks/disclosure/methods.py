"""Our patterns against Gauss elimination, the hypercube and the exact optimum, on the tables of the live Musterkreis.

Same tables, one process, one after the other. What counts is not the number of hidden cells alone: `open` is the number
of primary cells that an attacker who knows that counts are whole narrows down all the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np

from disclosure.alternatives.breakdowns import breakdown_subtables, nested_families
from disclosure.alternatives.gauss import gauss
from disclosure.alternatives.hypercube import Subtable, hypercube
from disclosure.audit import audit
from disclosure.exact import optimum, secondary_cost
from disclosure.solver import protect
from disclosure.table import Flags, LinkedTable
from orchestration.protection import load, store
from orchestration.protection.draft import completed

LARGEST = 1_500
"""Cells: the elimination is dense, and nobody waits for it on larger tables."""
LARGEST_EXACT = 120
EXACT_SECONDS = 20.0
AUDITED = 40
"""Primary cells attacked per table and method."""


@dataclass
class Tally:
    """Sums over the tables."""

    tables: int = 0
    cells: int = 0
    secondary: int = 0
    hidden_value: float = 0.0
    all_value: float = 0.0
    attacked: int = 0
    open: int = 0
    seconds: float = 0.0


def compare_methods(warehouse: Path) -> None:
    """Prints one line per method, and the gap to the optimum."""
    tallies = {name: Tally() for name in ("Lagebild", "Gauss", "Hypercube")}
    more_than_hypercube: list[str] = []
    gaps: list[float] = []
    for table, shapes in _newest_tables(warehouse):
        patterns: dict[str, Flags] = {}
        ways: dict[str, Callable[[], Flags]] = {
            "Lagebild": lambda table=table: protect(table).is_hidden,  # type: ignore[misc]
            "Gauss": lambda table=table: gauss(table),  # type: ignore[misc]
            "Hypercube": lambda table=table, shapes=shapes: hypercube(table, shapes).is_hidden,  # type: ignore[misc]
        }
        for name, way in ways.items():
            started = time.monotonic()
            patterns[name] = way()
            tallies[name].seconds += time.monotonic() - started
            _add(tallies[name], table, patterns[name])
        if patterns["Lagebild"].sum() > patterns["Hypercube"].sum():
            more_than_hypercube.append(table.name)
        if table.cells <= LARGEST_EXACT:
            best = optimum(table, seconds=EXACT_SECONDS)
            if best.proven and best.cost > 0:
                gaps.append(secondary_cost(table, patterns["Lagebild"]) / best.cost)
    print(
        f"{'method':10} {'tables':>6} {'cells':>8} {'secondary':>10} {'hidden value':>13} {'open':>12} {'seconds':>8}"
    )
    for name, tally in tallies.items():
        print(
            f"{name:10} {tally.tables:6} {tally.cells:8,} {100 * tally.secondary / tally.cells:8.1f} %"
            f" {100 * tally.hidden_value / tally.all_value:11.1f} % {tally.open:5} of {tally.attacked:4}"
            f" {tally.seconds:8.1f}"
        )
    print("more hidden cells than the hypercube:", ", ".join(more_than_hypercube) or "nowhere")
    if gaps:
        print(
            f"cost over the optimum: {np.mean(gaps):.2f} x on average, {max(gaps):.2f} x at most, {len(gaps)} tables"
        )


def _add(tally: Tally, table: LinkedTable, hidden: Flags) -> None:
    tabulated = table.may_publish
    tally.tables += 1
    tally.cells += int(tabulated.sum())
    tally.secondary += int((hidden & tabulated & ~table.is_primary).sum())
    tally.hidden_value += float(table.value[hidden & tabulated].sum())
    tally.all_value += float(table.value[tabulated].sum())
    primaries = np.flatnonzero(table.is_primary)
    sample = np.random.default_rng(1).permutation(primaries)[:AUDITED]
    found = audit(table, hidden, np.sort(sample), integer=True)
    tally.attacked += sample.size
    tally.open += int(found.is_unsafe.sum())


def _newest_tables(warehouse: Path) -> Iterator[tuple[LinkedTable, list[Subtable]]]:
    """Tables of the newest period of each group that have something to protect, with their families of cells."""
    with load.opened(warehouse) as connection:
        folder = warehouse.parent / "proof"
        load.prepare(connection, store.proof_file(folder, "pattern"))
        newest = {info.table_group: info for info in load.list_tables(connection)}
        for info in newest.values():
            if info.cells > LARGEST:
                continue
            (draft,) = load.load(connection, [info])
            # Without what earlier releases have shown: that is not a matter of the method.
            table = completed(draft).table
            table = replace(table, may_hide=np.ones(table.cells, dtype=np.bool_))
            if table.is_primary.any():
                yield table, _subtables(connection, info.table_id)


def _subtables(connection: duckdb.DuckDBPyConnection, table_id: str) -> list[Subtable]:
    cells = connection.execute(
        "select measure_id, area_key, group_key from disclosure.int_disclosure__table_cell where table_id = ?"
        " order by cell_id",
        [table_id],
    ).fetchall()
    measures, areas, groups = ([str(row[column]) for row in cells] for column in range(3))
    members: dict[str, dict[str, set[str]]] = {}
    for area, atom_area in connection.execute(
        """
        select distinct cover.area_key, cover.atom_area
        from disclosure.int_disclosure__area_cover as cover
        inner join disclosure.int_disclosure__atom as atom on atom.atom_area = cover.atom_area and atom.table_id = ?
            and atom.period_end between cover.valid_from and coalesce(cover.valid_to, date '9999-12-31')
        """,
        [table_id],
    ).fetchall():
        members.setdefault(str(area).split("|")[0], {}).setdefault(str(area), set()).add(str(atom_area))
    present = set(areas)
    families = [
        family
        for system in members.values()
        for family in nested_families(
            {area: frozenset(parts) for area, parts in system.items() if area in present}
        )
    ]
    return breakdown_subtables(measures, areas, groups, families)
