"""How far our suppressions are from the cheapest possible ones, on tables small enough to know those (layer C).

Belongs here: choosing tables and adding up. Does not belong here: the exact method (`disclosure.exact`).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from disclosure.exact import optimum, secondary_cost
from lagebild.instance import PUBLIC
from orchestration.disclosure_report.facts import Gap
from orchestration.disclosure_report.solved import solved_table
from orchestration.protection import load, store

LARGEST: Final = 200
"""Cells: above, the optimum is rarely proved within seconds."""
TABLES: Final = 8


def optimality_gap(warehouse: Path, proof: Path, seconds: float = 10.0) -> Gap | None:
    """Sums over up to `TABLES` solved tables whose optimum is proved within `seconds`; None where there is none.

    The tables are the smallest ones in which something is hidden to protect something else: the same release, the same
    tables, as long as the machine is as fast.
    """
    pattern, verdict = store.proof_file(proof, "pattern"), store.proof_file(proof, "verdict")
    if not verdict.exists():
        return None
    deadline = time.monotonic() + seconds
    ours = best = 0.0
    counted = 0
    with load.opened(warehouse) as connection:
        wanted = {
            row[0]
            for row in connection.execute(
                """
                select table_id from read_parquet($verdict)
                where audience = $audience and method = 'solver' and secondaries > 0 and unsafe = 0
                    and cells <= $largest
                order by cells, table_id limit $tables
                """,
                {"verdict": str(verdict), "audience": PUBLIC, "largest": LARGEST, "tables": TABLES},
            ).fetchall()
        }
        if not wanted:
            return None
        load.prepare(connection, pattern)
        tables = [info for info in load.list_tables(connection) if info.table_id in wanted]
        for info, draft in zip(tables, load.load(connection, tables), strict=True):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            solved = solved_table(connection, proof, info.table_id, draft)
            exact = optimum(solved.table, seconds=left)
            if exact.proven:
                counted += 1
                ours += secondary_cost(solved.table, solved.is_hidden)
                best += exact.cost
    return Gap(counted, ours, best) if counted else None


__all__ = ["LARGEST", "TABLES", "optimality_gap"]
