"""A solved table as the proof has it: the linked table, what it hides, and what its cells are called.

Belongs here: putting warehouse and proof together for one table. Does not belong here: what is asked of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from disclosure.table import Flags, LinkedTable
from lagebild.instance import PUBLIC
from orchestration.protection import store
from orchestration.protection.draft import Draft, completed

Key = tuple[str, str, str, str]
"""measure_id, period_key, area_key, group_key"""


@dataclass(frozen=True)
class SolvedTable:
    """Per cell by position: hidden or not, its German name."""

    table: LinkedTable
    is_hidden: Flags
    names: list[str]
    position: dict[Key, int]


def solved_table(
    connection: duckdb.DuckDBPyConnection, proof: Path, table_id: str, draft: Draft
) -> SolvedTable:
    """The table of a draft with the public pattern and base world of the proof."""
    names, hidden, position = _cells(connection, proof, table_id)
    # The discount for cells hidden before would judge our pattern by itself.
    plain = replace(draft, was_hidden=np.zeros_like(draft.was_hidden))
    table = completed(plain, _base(connection, proof, table_id)).table
    return SolvedTable(table, hidden, names, position)


def _cells(
    connection: duckdb.DuckDBPyConnection, proof: Path, table_id: str
) -> tuple[list[str], Any, dict[Key, int]]:
    """Per cell of a table: its name, whether it is hidden, and where it stands."""
    rows = connection.execute(
        """
        select
            measure.label || ', ' || coalesce(area.area_name, cell.area_key) || ', '
                || coalesce(member.group_label, cell.group_key),
            not coalesce(pattern.is_published, false),
            cell.measure_id, info.period_key, cell.area_key, cell.group_key
        from disclosure.int_disclosure__table_cell as cell
        inner join disclosure.int_disclosure__table as info using (table_id)
        left join (select * from read_parquet($pattern) where audience = $audience) as pattern
            using (table_id, measure_id, area_key, group_key)
        left join staging.stg_catalogue__measure as measure using (measure_id)
        left join core.dim_area as area using (area_key)
        left join core.dim_group as member using (group_key)
        where cell.table_id = $table
        order by cell.cell_id
        """,
        {"pattern": str(store.proof_file(proof, "pattern")), "audience": PUBLIC, "table": table_id},
    ).fetchall()
    names = [row[0] or row[2] for row in rows]
    return names, np.array([row[1] for row in rows]), {row[2:]: number for number, row in enumerate(rows)}


def _base(connection: duckdb.DuckDBPyConnection, proof: Path, table_id: str) -> Any:
    rows = connection.execute(
        "select base from read_parquet(?) where table_id = ? order by atom_id",
        [str(store.proof_file(proof, "base")), table_id],
    ).fetchall()
    return np.array([row[0] for row in rows], dtype=np.int64) if rows else None


__all__ = ["Key", "SolvedTable", "solved_table"]
