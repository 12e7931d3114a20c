"""The attack on a sample of solved tables, by code that is not the solver's.

Belongs here: which tables and primaries are attacked, and when the time is up. Does not belong here: the attack itself
(`disclosure.audit`); the complete check of the proof (dbt tests).
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from disclosure.audit import independent_check
from orchestration.protection import load, store
from orchestration.protection.draft import completed

ATTACK_FILE = "attack.json"
TABLES = 40
PRIMARIES = 20
_PER_BATCH = 5


@dataclass(frozen=True)
class AttackReport:
    """What the attack came to. Counts and names of tables, no figures."""

    tables: int
    primaries: int
    disproved: tuple[str, ...]
    """Tables with a primary that the proof calls protected and the attack does not."""
    overcautious: int
    """Primaries given up although they could be protected: no danger, a weakness of the solver."""


def attack(
    warehouse: Path,
    proof: Path,
    seed: str,
    seconds: float,
    progress: Callable[[str], None] = lambda _: None,
    *,
    audience: str = "public",
) -> AttackReport:
    """Attacks a sample of the tables with primaries, drawn by `seed`: another release, another sample.

    Ends after `seconds` with what was attacked by then; a table never begins that there is no time for.
    """
    deadline = time.monotonic() + seconds
    tables = primaries = overcautious = 0
    disproved: list[str] = []
    with load.opened(warehouse) as connection:
        load.prepare(connection, store.proof_file(proof, "pattern"), audience)
        chosen = _sample(connection, proof, seed, audience)
        infos = {
            info.table_id: info for info in load.list_tables(connection, audience) if info.table_id in chosen
        }
        order = [infos[table_id] for table_id in chosen]
        for start in range(0, len(order), _PER_BATCH):
            batch = order[start : start + _PER_BATCH]
            for info, draft in zip(batch, load.load(connection, batch, audience), strict=True):
                solved = store.recall(proof / "solved", chosen[info.table_id])
                if time.monotonic() >= deadline:
                    return AttackReport(tables, primaries, tuple(disproved), overcautious)
                if solved is None:
                    disproved.append(info.table_id)
                    continue
                found = independent_check(
                    completed(draft, solved.base).table, solved.pattern, PRIMARIES, deadline=deadline
                )
                tables += 1
                primaries += min(solved.primaries, PRIMARIES)
                overcautious += sum(not item.claimed_safe for item in found)
                if any(item.claimed_safe for item in found):
                    disproved.append(info.table_id)
                progress(f"{tables} von {len(order)} Tabellen angegriffen")
    return AttackReport(tables, primaries, tuple(disproved), overcautious)


def write_attack(proof: Path, report: AttackReport, audience: str = "public") -> None:
    """`attack.json` beside the proof, for the report to the data protection officer."""
    content = {
        **asdict(report),
        "audience": audience,
        "attacked_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    draft = proof / ".attack.json.tmp"
    draft.write_text(json.dumps(content, ensure_ascii=False, indent=2), encoding="utf-8")
    os.replace(draft, proof / ATTACK_FILE)


def _sample(connection: duckdb.DuckDBPyConnection, proof: Path, seed: str, audience: str) -> dict[str, str]:
    """Table -> hash of its result; every group is asked before one is asked twice."""
    rows = connection.execute(
        "select table_group, table_id, input_hash from read_parquet(?) where audience = ? and primaries > 0 "
        "order by table_id",
        [str(store.proof_file(proof, "verdict")), audience],
    ).fetchall()
    groups: dict[str, list[tuple[str, str]]] = {}
    draw = random.Random(seed)
    for group, table_id, input_hash in draw.sample(rows, len(rows)):
        groups.setdefault(str(group), []).append((str(table_id), str(input_hash)))
    rounds = [items[number : number + 1] for number in range(TABLES) for items in groups.values()]
    return dict([item for items in rounds for item in items][:TABLES])
