"""A linked table of an instance's warehouse, with the pattern of the last night.

Belongs here: picking one table for the export. Does not belong here: how it is loaded (`orchestration.protection`).
"""

from __future__ import annotations

import duckdb
import numpy as np

from disclosure.table import Flags, LinkedTable
from lagebild.instance import Instance
from orchestration.protection import load, store
from orchestration.protection.draft import completed
from orchestration.pruefung.published import Unreadable


def list_tables(instance: Instance) -> list[str]:
    """One line per table: its id, cells and how many are to be protected. Raises Unreadable without a warehouse."""
    with _warehouse(instance) as connection:
        rows = connection.execute(
            """
            select table_id, count(*), count(*) filter (where is_primary)
            from disclosure.int_disclosure__table_cell group by table_id order by table_id
            """
        ).fetchall()
    return [
        f"{table_id}  {cells} Zellen, {primaries} primär zu schützen" for table_id, cells, primaries in rows
    ]


def load_table(instance: Instance, table_id: str) -> tuple[LinkedTable, Flags]:
    """The table and which of its cells the last proof hides (without one: what pooling hides). Raises Unreadable."""
    folder = instance.paths.proof
    with _warehouse(instance) as connection:
        pattern = store.proof_file(folder, "pattern")
        if not pattern.is_file():
            store.write_empty(folder)
        load.prepare(connection, pattern)
        wanted = [info for info in load.list_tables(connection) if info.table_id == table_id]
        if not wanted:
            raise Unreadable(
                f"{instance.config.title}: Die Tabelle »{table_id}« gibt es nicht. Alle nennt »lagebild geheimhaltung "
                f"export {instance.name}«."
            )
        draft = next(iter(load.load(connection, wanted)))
        decided = connection.execute(
            "select count(*) from read_parquet(?) where table_id = ? and audience = 'public'",
            [str(pattern), table_id],
        ).fetchone()
    table = completed(draft).table
    has_pattern = decided is not None and decided[0] > 0
    hidden = (
        draft.was_hidden if has_pattern else draft.suggested if draft.suggested.size else draft.is_primary
    )
    return table, np.asarray(hidden | ~table.may_publish)


def _warehouse(instance: Instance) -> duckdb.DuckDBPyConnection:
    path = instance.paths.warehouse
    if not path.is_file():
        raise Unreadable(
            f"{instance.config.title}: Es ist noch nichts gerechnet (lagebild refresh {instance.name})."
        )
    connection = duckdb.connect(str(path), read_only=True)
    found = connection.execute(
        "select count(*) from information_schema.tables where table_name = 'int_disclosure__table_cell'"
    ).fetchone()
    if found is None or not found[0]:
        connection.close()
        raise Unreadable(
            f"{instance.config.title}: Der letzte Lauf kannte noch keine verbundenen Tabellen (lagebild refresh "
            f"{instance.name})."
        )
    return connection
