"""Reads what the proof, its checks and the attack came to. Counts only.

Belongs here: verdict, pattern, results of dbt. Does not belong here: figures of the warehouse (`read`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import duckdb

from lagebild.instance import PUBLIC, Instance
from orchestration.database_files import sql_literal
from orchestration.disclosure_report.facts import Attack, Check, CheckState, TableGroup
from orchestration.disclosure_report.texts import CHECKS

ATTACK_FILE: Final = "attack.json"


def table_groups(
    connection: duckdb.DuckDBPyConnection, proof: Path, labels: Mapping[str, str]
) -> tuple[TableGroup, ...]:
    """How the tables were decided, the public first within each group; `labels`: German names of other readers."""
    verdict = proof / "verdict.parquet"
    if not verdict.exists():
        return ()
    rows = connection.execute(
        """
        select
            coalesce(measure.label, verdict.table_group), verdict.audience, verdict.method, count(*),
            sum(verdict.cells), sum(verdict.witnesses), count(*) filter (verdict.is_reused), sum(verdict.seconds)
        from read_parquet(?) as verdict
        left join staging.stg_catalogue__measure as measure on measure.measure_id = verdict.table_group
        group by all
        order by all
        """,
        [str(verdict)],
    ).fetchall()
    grouped: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for row in sorted(rows, key=lambda row: (row[0], row[1] != PUBLIC)):
        grouped.setdefault((row[0], row[1]), []).append(row)
    return tuple(
        TableGroup(
            group=group,
            audience=labels.get(audience, audience),
            tables=sum(row[3] for row in parts),
            methods={row[2]: row[3] for row in parts},
            cells=int(sum(row[4] for row in parts)),
            worlds=int(sum(row[5] for row in parts)),
            reused=sum(row[6] for row in parts),
            seconds=float(sum(row[7] for row in parts)),
        )
        for (group, audience), parts in grouped.items()
    )


def uncertified_tables(connection: duckdb.DuckDBPyConnection, proof: Path) -> tuple[int, int]:
    """Consistent tables with primaries but without a verdict, and inconsistent tables."""
    if not _rows(
        connection,
        "select 1 from information_schema.tables "
        "where table_schema = 'disclosure' and table_name = 'int_disclosure__table'",
    ):
        return 0, 0
    verdict = proof / "verdict.parquet"
    certified = (
        f"select table_id from read_parquet({sql_literal(verdict)}) where audience = '{PUBLIC}'"
        if verdict.exists()
        else "select null::varchar as table_id where false"
    )
    missing, odd = _rows(
        connection,
        f"""
            select
                count(*) filter (has_primary and is_consistent and table_id not in ({certified})),
                count(*) filter (not is_consistent)
            from disclosure.int_disclosure__table
            """,
    )[0]
    return int(missing), int(odd)


def audience_sizes(
    connection: duckdb.DuckDBPyConnection, proof: Path, instance: Instance
) -> dict[str, tuple[int, int]]:
    pattern = proof / "pattern.parquet"
    if not pattern.exists() or not instance.config.audiences:
        return {}
    seen = dict(
        connection.execute(
            "select audience, count(*) filter (is_published) from read_parquet(?) group by all",
            [str(pattern)],
        ).fetchall()
    )
    # Tables without anything beyond the public are not repeated for later audiences.
    extra = dict(
        connection.execute(
            """
            select later.audience, count(*)
            from read_parquet($pattern) as later
            anti join (select * from read_parquet($pattern) where audience = $public and is_published) as before
                using (table_id, measure_id, period_key, area_key, group_key)
            where later.audience <> $public and later.is_published
            group by all
            """,
            {"pattern": str(pattern), "public": PUBLIC},
        ).fetchall()
    )
    public = seen.get(PUBLIC, 0)
    found = {"Öffentlichkeit": (public, 0)}
    for audience in instance.config.audiences:
        more = extra.get(audience.id, 0)
        found[audience.label] = (public + more, more)
    return found


def certificate_checks(dbt_target: Path) -> tuple[Check, ...]:
    """State of the tests of the certificate in the newest of dbt's result files that ran them."""
    states: dict[str, CheckState] = {}
    files = sorted(dbt_target.glob("**/run_results*.json"), key=lambda path: path.stat().st_mtime)
    for path in files:
        for result in json.loads(path.read_text(encoding="utf-8"))["results"]:
            name = result["unique_id"].split(".")[2]
            if name in CHECKS:
                states[name] = "passed" if result["status"] in ("pass", "warn") else "failed"
    return tuple(Check(name, states.get(name, "missing")) for name in CHECKS)


def read_attack(path: Path) -> Attack | None:
    """What the independent attack came to; None where it was not made."""
    if not path.exists():
        return None
    stored = json.loads(path.read_text(encoding="utf-8"))
    return Attack(stored["tables"], stored["primaries"], tuple(stored["disproved"]), stored["overcautious"])


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[Any]:
    return connection.execute(sql).fetchall()


__all__ = [
    "ATTACK_FILE",
    "audience_sizes",
    "certificate_checks",
    "read_attack",
    "table_groups",
    "uncertified_tables",
]
