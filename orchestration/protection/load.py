"""Linked tables out of the warehouse.

Belongs here: the joins (done by DuckDB, for many tables at once) and cutting their results into tables.
Does not belong here: completing, solving, writing. The warehouse is opened read-only.

`Signature` is a table's content without what changes every night although nothing happens (the ledger, which holds last
night's release): equal signatures, equal problem. It is computed inside DuckDB for all tables at once, so that an
unchanged table is never fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from disclosure.revision import still_publishable
from disclosure.table import UNLIMITED, Flags, Integers, Knowledge
from orchestration.protection.draft import Draft

RELATIONS = tuple(
    f"int_disclosure__{name}"
    for name in (
        "table",
        "atom",
        "table_cell",
        "link",
        "area_cover",
        "group_cover",
        "known",
        "audience_area",
        "cell_audience",
        "allowed",
    )
)
"""What is read, all in schema `disclosure`."""
BATCH_CELLS = 150_000
"""Tables fetched in one go: bounds memory, and keeps the number of queries small."""
_MEMORY = "1500MB"

Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class TableInfo:
    """One row of the list of tables."""

    table_id: str
    table_group: str
    period_key: str
    cells: int
    signature: str
    known_signature: str
    """What the ledger says about it."""


@contextmanager
def opened(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, read-only; temporary relations only."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute(f"set memory_limit = '{_MEMORY}'")
        connection.execute("set preserve_insertion_order = false")
        connection.execute("set threads = 2")
        yield connection


def prepare(connection: duckdb.DuckDBPyConnection, last_pattern: Path, audience: str = "public") -> None:
    """Temporary relations shared by all queries: periods of the tables, covers as they hold on those days, and what
    the last proof hid."""
    connection.execute(
        """
        create or replace temp table table_period as
        select table_id, table_group, period_key, period_end
        from disclosure.int_disclosure__table
        where is_consistent
        """
    )
    connection.execute(
        """
        create or replace temp table cover_on as
        select distinct period.period_end, cover.atom_area, cover.area_key
        from disclosure.int_disclosure__area_cover as cover
        inner join (select distinct period_end from table_period) as period
            on period.period_end >= cover.valid_from
            and period.period_end <= coalesce(cover.valid_to, date '9999-12-31')
        """
    )
    connection.execute(
        """
        create or replace temp table hidden_before as
        select distinct table_id, measure_id, area_key, group_key
        from read_parquet(?) where audience = ? and not is_published
        """,
        [str(last_pattern), audience],
    )


def list_tables(connection: duckdb.DuckDBPyConnection, audience: str = "public") -> list[TableInfo]:
    """All tables in order of their id; needs `prepare`."""
    rows = connection.execute(
        f"""
        with
            atoms as (
                select table_id, {_fingerprint("*columns(* exclude (table_id))")} as signature
                from disclosure.int_disclosure__atom group by table_id
            ),
            cells as (
                select table_id, count(*) as cells, {_fingerprint("*columns(* exclude (table_id))")} as signature
                from disclosure.int_disclosure__table_cell group by table_id
            ),
            areas as (
                select period_end, {_fingerprint("atom_area, area_key")} as signature
                from cover_on group by period_end
            ),
            groups as (
                select table_group, {_fingerprint("*columns(*)")} as signature
                from disclosure.int_disclosure__group_cover group by table_group
            ),
            links as (
                select table_id, {_fingerprint("*columns(* exclude (table_id))")} as signature
                from disclosure.int_disclosure__link group by table_id
            ),
            known as (
                select table_id, {_fingerprint("measure_id, area_key, group_key, value_low, value_high")} as signature
                from disclosure.int_disclosure__known where audience = ? group by table_id
            )
        select
            period.table_id, period.table_group, period.period_key, cells.cells,
            concat_ws(
                '-', period.table_id, atoms.signature, cells.signature, areas.signature, groups.signature,
                links.signature
            ),
            coalesce(known.signature, '')
        from table_period as period
        inner join atoms using (table_id)
        inner join cells using (table_id)
        left join areas using (period_end)
        left join groups using (table_group)
        left join links using (table_id)
        left join known using (table_id)
        order by period.table_id
        """,
        [audience],
    ).fetchall()
    return [TableInfo(*row) for row in rows]


def _fingerprint(columns: str) -> str:
    # Rows in any order: two independent sums of row hashes, 128 bits in all. Nobody here is an adversary.
    return f"concat(bit_xor(hash({columns})), '.', sum(hash('salt', {columns})::hugeint))"


def inconsistent_tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Tables whose delivered figures contradict each other: no world fits them, dbt publishes nothing unproven."""
    rows = connection.execute(
        "select table_id from disclosure.int_disclosure__table where not is_consistent order by table_id"
    ).fetchall()
    return [str(row[0]) for row in rows]


def batches(tables: Sequence[TableInfo], cells: int = BATCH_CELLS) -> Iterator[list[TableInfo]]:
    """Tables of one group at a time, as many as fit."""
    batch: list[TableInfo] = []
    for table in tables:
        full = batch and sum(item.cells for item in batch) + table.cells > cells
        if full or (batch and batch[0].table_group != table.table_group):
            yield batch
            batch = []
        batch.append(table)
    if batch:
        yield batch


def load(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[TableInfo], audience: str = "public"
) -> Iterator[Draft]:
    """The tables as drafts, in the order given; needs `prepare`."""
    connection.execute("create or replace temp table wanted (table_id varchar, number integer)")
    connection.executemany(
        "insert into wanted values (?, ?)", [[item.table_id, number] for number, item in enumerate(tables)]
    )
    atoms = _fetch(connection, _ATOMS)
    cells = _fetch(connection, _CELLS)
    members = _fetch(connection, _MEMBERS)
    links = _fetch(connection, _LINKS)
    known = _fetch(connection, _KNOWN, [audience])
    for number, info in enumerate(tables):
        yield _draft(
            info.table_id,
            *(_slice(columns, number) for columns in (atoms, cells, members, links, known)),
        )


# No column holds NULL: numpy knows none.
_ATOMS = f"""
    select wanted.number, atom.atom_id, coalesce(atom.base, 0) as base, atom.base is null as is_unknown,
        coalesce(atom.ceiling, {UNLIMITED}) as ceiling
    from disclosure.int_disclosure__atom as atom
    inner join wanted using (table_id)
    order by number, atom_id
"""
_CELLS = """
    select wanted.number, cell.cell_id, coalesce(cell.value_units, 0) as value,
        cell.value_units is not null as is_value_known, coalesce(cell.is_primary, false) as is_primary,
        coalesce(cell.lower_goal, 0) as lower_goal, coalesce(cell.upper_goal, 0) as upper_goal,
        coalesce(cell.may_publish, false) as may_publish, coalesce(cell.weight, 1.0) as weight,
        coalesce(cell.suggested_hidden, false) as suggested, before.table_id is not null as was_hidden
    from disclosure.int_disclosure__table_cell as cell
    inner join wanted using (table_id)
    left join hidden_before as before using (table_id, measure_id, area_key, group_key)
    order by number, cell_id
"""
# A cell adds up, in every atom area it covers, the atoms its group covers.
_MEMBERS = """
    select wanted.number, cell.cell_id, atom.atom_id
    from disclosure.int_disclosure__atom as atom
    inner join wanted using (table_id)
    inner join cover_on using (period_end, atom_area)
    inner join disclosure.int_disclosure__group_cover as groups
        on groups.table_group = atom.table_group
        and groups.atom_measure = atom.atom_measure
        and groups.clique = atom.clique
        and groups.atom_group = atom.atom_group
    inner join disclosure.int_disclosure__table_cell as cell
        on cell.table_id = atom.table_id
        and cell.measure_id = groups.measure_id
        and cell.area_key = cover_on.area_key
        and cell.group_key = groups.group_key
    order by number
"""
_LINKS = """
    select wanted.number, link.link_row, link.atom_id, link.coefficient
    from disclosure.int_disclosure__link as link
    inner join wanted using (table_id)
    order by number
"""
_KNOWN = f"""
    select wanted.number, cell.cell_id,
        max(coalesce(known.value_low, -{UNLIMITED})) as low, min(coalesce(known.value_high, {UNLIMITED})) as high
    from disclosure.int_disclosure__known as known
    inner join wanted using (table_id)
    inner join disclosure.int_disclosure__table_cell as cell using (table_id, measure_id, area_key, group_key)
    where known.audience = ?
    group by wanted.number, cell.cell_id
    order by number, cell_id
"""


def _fetch(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] = ()) -> Columns:
    """Columns as arrays, sorted by `number`, the table. Whole numbers are int64."""
    fetched = connection.execute(sql, list(parameters)).fetchnumpy()
    columns = {name: np.asarray(values) for name, values in fetched.items()}
    return {
        name: values.astype(np.int64) if values.dtype.kind in "iu" else values
        for name, values in columns.items()
    }


def _slice(columns: Columns, number: int) -> Columns:
    first, last = np.searchsorted(columns["number"], [number, number + 1])
    return {name: values[first:last] for name, values in columns.items()}


def _draft(
    table_id: str, atoms: Columns, cells: Columns, members: Columns, links: Columns, known: Columns
) -> Draft:
    atom_count, cell_count = atoms["atom_id"].size, cells["cell_id"].size
    for what, numbers in (("atoms", atoms["atom_id"]), ("cells", cells["cell_id"])):
        if not np.array_equal(numbers, np.arange(numbers.size)):
            raise ValueError(f"{table_id}: {what} are not numbered from 0 without gaps")
    ones = np.ones(members["atom_id"].size, dtype=np.int64)
    membership = csr_matrix((ones, (members["cell_id"], members["atom_id"])), shape=(cell_count, atom_count))
    if membership.nnz != ones.size:
        raise ValueError(f"{table_id}: a cell adds up an atom twice")
    membership.sort_indices()
    may_publish = still_publishable(cells["may_publish"], cells["was_hidden"], known["low"], known["high"])
    out_if_known = np.where(cells["is_value_known"] & may_publish, cells["value"], -1)
    knowledge, may_hide = _knowledge(membership, out_if_known, links, known)
    return Draft(
        table_id=table_id,
        base=atoms["base"],
        is_unknown=atoms["is_unknown"],
        ceiling=atoms["ceiling"],
        membership=membership,
        may_hide=may_hide,
        knowledge=knowledge,
        may_publish=may_publish,
        **{
            name: values for name, values in cells.items() if name not in ("number", "cell_id", "may_publish")
        },
    )


def _knowledge(
    membership: csr_matrix, publishable: Integers, links: Columns, known: Columns
) -> tuple[Knowledge, Flags]:
    """Links and the ledger. A cell whose present figure is out is no longer ours to hide; what is known of a cell that
    cannot be tabulated (`publishable` -1), and what is known within limits only, is a row of knowledge."""
    atoms = membership.shape[1]
    count = int(links["link_row"].max()) + 1 if links["link_row"].size else 0
    link_rows = csr_matrix(
        (links["coefficient"], (links["link_row"], links["atom_id"])), shape=(count, atoms)
    )
    cell, low, high = known["cell_id"], known["low"], known["high"]
    is_out = (low == high) & (low == publishable[cell])
    may_hide = np.ones(membership.shape[0], dtype=np.bool_)
    may_hide[cell[is_out]] = False
    limited = ~is_out
    zeros = np.zeros(count, dtype=np.int64)
    return (
        Knowledge(
            vstack([link_rows, membership[cell[limited]]], format="csr"),
            np.concatenate([zeros, low[limited]]),
            np.concatenate([zeros, high[limited]]),
        ),
        may_hide,
    )
