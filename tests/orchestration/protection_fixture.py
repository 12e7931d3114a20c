"""A warehouse by hand with the relations the protection reads, and solvers that behave in one particular way.

Grain of the figures: three Gemeinden of one Kreis x sex; two measures (two table groups) x two years.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path

import duckdb
import numpy as np

from disclosure.table import LinkedTable, Pattern, Witnesses

GEMEINDEN = ("a", "b", "c")
YEARS = (2024, 2025)
COUNTS = {
    "faelle": {"a": (1, 9), "b": (7, 8), "c": (20, 30)},
    "plaetze": {"a": (2, 6), "b": (5, 5), "c": (9, 9)},
}
"""(women, men) per Gemeinde; primary are counts below 3."""


def write_warehouse(path: Path, counts: dict[str, dict[str, tuple[int, int]]] | None = None) -> Path:
    """All relations of the contract; every year holds the same figures plus (year - 2024)."""
    counts = counts or COUNTS
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema disclosure")
        for statement in _RELATIONS:
            connection.execute(statement)
        for area in GEMEINDEN:
            for ancestor in (area, "kreis"):
                connection.execute(
                    "insert into disclosure.int_disclosure__area_cover values (?, ?, date '2000-01-01', null)",
                    [area, ancestor],
                )
        for group, figures in counts.items():
            for key in ("total", "w", "m"):
                for atom in ("w", "m") if key == "total" else (key,):
                    connection.execute(
                        "insert into disclosure.int_disclosure__group_cover values (?, ?, ?, ?, 'sex', ?)",
                        [group, group, key, group, atom],
                    )
            for year in YEARS:
                _write_table(connection, group, year, figures)
    return path


def _write_table(
    connection: duckdb.DuckDBPyConnection, group: str, year: int, figures: dict[str, tuple[int, int]]
) -> None:
    table_id, end = f"{group}|{year}", f"{year}-12-31"
    connection.execute(
        "insert into disclosure.int_disclosure__table values (?, ?, ?, ?, true, true)",
        [table_id, group, str(year), end],
    )
    shifted = {area: [value + year - 2024 for value in pair] for area, pair in figures.items()}
    atoms = [(area, sex, shifted[area][index]) for area in GEMEINDEN for index, sex in enumerate("wm")]
    for number, (area, sex, value) in enumerate(atoms):
        connection.execute(
            "insert into disclosure.int_disclosure__atom values (?, ?, ?, ?, ?, ?, 'sex', ?, ?, ?, null)",
            [table_id, group, str(year), end, number, group, area, sex, value],
        )
    number = 0
    for area in ("kreis", *GEMEINDEN):
        for key in ("total", "w", "m"):
            value = sum(it[2] for it in atoms if area in ("kreis", it[0]) and key in ("total", it[1]))
            primary = 0 < value < 3
            connection.execute(
                "insert into disclosure.int_disclosure__table_cell values "
                "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 3, true, 'public', ?, false)",
                [
                    *(table_id, number, group, area, key),
                    "total" if key == "total" else "sex",
                    0 if area == "kreis" else 1,
                    value,
                    primary,
                    "count" if primary else None,
                    1000.0 if area == "kreis" else 10.0,
                ],
            )
            number += 1


_RELATIONS = (
    """create table disclosure.int_disclosure__table (table_id varchar, table_group varchar, period_key varchar,
    period_end date, is_consistent boolean, has_primary boolean)""",
    """create table disclosure.int_disclosure__atom (table_id varchar, table_group varchar, period_key varchar,
    period_end date, atom_id integer, atom_measure varchar, clique varchar, atom_area varchar, atom_group varchar,
    base bigint, ceiling bigint)""",
    """create table disclosure.int_disclosure__area_cover (atom_area varchar, area_key varchar, valid_from date,
    valid_to date)""",
    """create table disclosure.int_disclosure__group_cover (table_group varchar, measure_id varchar,
    group_key varchar, atom_measure varchar, clique varchar, atom_group varchar)""",
    """create table disclosure.int_disclosure__link (table_id varchar, link_row integer, atom_id integer,
    coefficient integer)""",
    """create table disclosure.int_disclosure__table_cell (table_id varchar, cell_id integer, measure_id varchar,
    area_key varchar, group_key varchar, breakdown varchar, level_rank integer, value_units bigint,
    is_primary boolean, primary_rule varchar, lower_goal bigint, upper_goal bigint, may_publish boolean,
    tier varchar, weight double, suggested_hidden boolean)""",
    """create table disclosure.int_disclosure__known (audience varchar, table_id varchar, measure_id varchar,
    area_key varchar, group_key varchar, value_low bigint, value_high bigint, release_id varchar)""",
    "create schema staging",
    """create table staging.stg_catalogue__audience (audience varchar, label varchar, area_system varchar,
    level varchar, position integer)""",
    """create table disclosure.int_disclosure__audience_area (audience varchar, reader_code varchar, area_key varchar,
    valid_from date, valid_to date)""",
    """create table disclosure.int_disclosure__cell_audience (audience varchar, measure_id varchar,
    period_key varchar, area_key varchar, group_key varchar, is_primary boolean, lower_goal bigint,
    upper_goal bigint)""",
    """create table disclosure.int_disclosure__allowed (table_id varchar, measure_id varchar, period_key varchar,
    area_key varchar, group_key varchar)""",
)


def change(warehouse: Path, *statements: str) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        for statement in statements:
            connection.execute(statement)


def hide_everything(table: LinkedTable, deadline: float) -> Pattern:
    """All that may be hidden is; every primary gets its two worlds, which nothing published contradicts then."""
    witness: list[int] = []
    atom: list[int] = []
    delta: list[int] = []
    for number, cell in enumerate(np.flatnonzero(table.is_primary)):
        members = table.membership[cell].indices
        for world, target in ((2 * number, 0), (2 * number + 1, int(table.upper_goal[cell]))):
            for position, member in enumerate(members):
                change = (target if position == 0 else 0) - int(table.base[member])
                if change:
                    witness.append(world)
                    atom.append(int(member))
                    delta.append(change)
    witnesses = Witnesses(
        np.array(witness, dtype=np.int32), np.array(atom, dtype=np.int32), np.array(delta, dtype=np.int64)
    )
    return Pattern(table.may_hide, witnesses, np.zeros(table.cells, dtype=np.bool_), "solver")


def die_at_first(table: LinkedTable, deadline: float) -> Pattern:
    """Kills its own process the first time it meets the table of 2025."""
    marker = Path(os.environ["PROTECTION_TEST_FOLDER"]) / "died"
    if table.name == "faelle|2025" and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return hide_everything(table, deadline)


def always_die(table: LinkedTable, deadline: float) -> Pattern:
    if table.name == "faelle|2025":
        assert multiprocessing.parent_process() is not None
        os.kill(os.getpid(), signal.SIGKILL)
    return hide_everything(table, deadline)


def never_called(table: LinkedTable, deadline: float) -> Pattern:
    raise AssertionError(f"{table.name} was solved again")


def hide_little(table: LinkedTable, deadline: float) -> Pattern:
    """Hides the two smallest figures of each sex and their Gemeinden's totals stay: a pattern made for COUNTS.

    In the table `faelle|2024` women and men of a and b are hidden, all totals and Gemeinde c are shown.
    """
    hidden = np.zeros(table.cells, dtype=np.bool_)
    hidden[[4, 5, 7, 8]] = table.is_primary.any()
    hidden |= ~table.may_publish
    witness, atom, delta = [], [], []
    for number, cell in enumerate(np.flatnonzero(table.is_primary)):
        (member,) = table.membership[cell].indices
        # A change of one woman in a is made good by one man in a, one woman in b the other way, one man in b.
        sign = {0: (1, -1, -1, 1), 1: (-1, 1, 1, -1), 2: (-1, 1, 1, -1), 3: (1, -1, -1, 1)}[int(member)]
        for world, target in ((2 * number, 0), (2 * number + 1, int(table.upper_goal[cell]))):
            shift = target - int(table.base[member])
            for position in range(4):
                if shift:
                    witness.append(world)
                    atom.append(position)
                    delta.append(sign[position] * shift)
    witnesses = Witnesses(
        np.array(witness, dtype=np.int32), np.array(atom, dtype=np.int32), np.array(delta, dtype=np.int64)
    )
    return Pattern(hidden, witnesses, np.zeros(table.cells, dtype=np.bool_), "solver")


def fall_back_when_late(table: LinkedTable, deadline: float) -> Pattern:
    """What a solver does whose time is up."""
    pattern = hide_everything(table, deadline)
    late = time.monotonic() >= deadline
    return Pattern(pattern.is_hidden, pattern.witnesses, pattern.is_unsafe, "fallback" if late else "solver")


def stumble(table: LinkedTable, deadline: float) -> Pattern:
    """A solver with a fault."""
    raise ValueError(f"{table.name}: 17 is no world")


def tell_and_sleep(table: LinkedTable, deadline: float) -> Pattern:
    """Writes down the worker's process and takes its time."""
    (Path(os.environ["PROTECTION_TEST_FOLDER"]) / "worker").write_text(str(os.getpid()))
    time.sleep(60)
    return hide_everything(table, deadline)


def claim_too_much(table: LinkedTable, deadline: float) -> Pattern:
    """Hides the primaries only and calls them safe."""
    none = np.zeros(table.cells, dtype=np.bool_)
    return Pattern(table.is_primary | ~table.may_publish, Witnesses.none(), none, "solver")
