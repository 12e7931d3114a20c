"""Decides every table of the warehouse and writes the proof.

Belongs here: what is solved again, in which order, and what is told about it. Does not belong here: SQL (`load`), files
(`store`), processes (`workers`), Dagster.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lagebild.instance import PUBLIC, DisclosureSettings
from lagebild.paths import PROJECT_ROOT
from orchestration.database_files import sql_literal
from orchestration.fingerprint import hash_files, project_files
from orchestration.protection import load, stages, store
from orchestration.protection.stages import Decided
from orchestration.protection.store import ProofWriter, Solved, proof_file
from orchestration.protection.work import Solver, Task, default_solver, still_holds
from orchestration.protection.workers import solve_all

_TIMED = {"fallback", "withheld"}
"""Methods a solver falls back to when time runs out."""
_CODE = (
    *(
        PROJECT_ROOT / "disclosure" / name
        for name in ("table.py", "collapse.py", "complete.py", "audiences.py", "revision.py", "solver")
    ),
    *(
        PROJECT_ROOT / "orchestration" / "protection" / name
        for name in ("load.py", "draft.py", "work.py", "stages.py")
    ),
)
"""What a result depends on beside its input."""


@dataclass(frozen=True)
class Protection:
    """What a run came to: counts only."""

    tables: int
    solved: int
    reused: int
    inconsistent: int
    """Tables without a world that fits: dbt withholds them."""
    cells: int
    primaries: int
    secondaries: int
    unsafe: int
    witnesses: int
    methods: dict[str, int]
    seconds: float


def protect_warehouse(
    warehouse: Path,
    proof: Path,
    settings: DisclosureSettings,
    progress: Callable[[str], None] = lambda _: None,
    *,
    solver: Solver = default_solver,
    audience: str = PUBLIC,
) -> Protection:
    """Solves what has changed, recalls the rest, and replaces the files of the proof: first for the public, then for
    each audience of the instance on top of that.

    Results are remembered one by one: an interrupted run continues where it was. Raises `ProtectionFailed`.
    """
    started = time.monotonic()
    store.write_empty(proof)
    solved_folder = proof / "solved"
    with load.opened(warehouse) as connection:
        load.prepare(connection, proof_file(proof, "pattern"), audience)
        infos = load.list_tables(connection, audience)
        code = code_version()
        hashes = {info.table_id: _input_hash(info, code) for info in infos}
        fresh: set[str] = set()
        done = 0

        def tick(table_id: str, solved: Solved | None) -> None:
            nonlocal done
            done += 1
            if solved is not None:
                store.save(solved_folder, hashes[table_id], solved)
                fresh.add(table_id)
            progress(f"{done} von {len(infos)} Tabellen")

        open_tables = []
        for info in infos:
            remembered = _recall(solved_folder, hashes[info.table_id], settings)
            if remembered is not None and remembered.known_signature == info.known_signature:
                tick(info.table_id, None)
            else:
                open_tables.append(info)
        tasks = _tasks(
            connection,
            open_tables,
            hashes,
            solved_folder,
            settings,
            started,
            audience,
            lambda it: tick(it, None),
        )
        for task, solved in solve_all(tasks, settings.workers, solver):
            tick(task.draft.table_id, solved)
        public = [Decided(info, hashes[info.table_id], info.table_id not in fresh) for info in infos]
        later = _decide_audiences(connection, solved_folder, public, settings, started, solver, progress)
        report = _write_proof(connection, proof, [(audience, public), *later])
        inconsistent = len(load.inconsistent_tables(connection))
    store.forget(
        solved_folder, [table.input_hash for _, tables in [(audience, public), *later] for table in tables]
    )
    return replace(
        report,
        solved=len(fresh),
        reused=len(infos) - len(fresh),
        inconsistent=report.inconsistent + inconsistent,
        seconds=time.monotonic() - started,
    )


def _decide_audiences(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    public: Sequence[Decided],
    settings: DisclosureSettings,
    started: float,
    solver: Solver,
    progress: Callable[[str], None],
) -> list[tuple[str, list[Decided]]]:
    """Decisions of the audiences after the public, each on top of what the one before sees."""
    seen = {table.info.table_id: table for table in public}
    found = []
    for audience in stages.audiences(connection):
        tables = stages.decide_audience(
            connection,
            folder,
            audience,
            list(seen.values()),
            solver,
            settings.table_limit_s,
            started + settings.time_limit_s,
            progress,
        )
        seen.update({table.info.table_id: table for table in tables})
        found.append((audience, tables))
    return found


def code_version() -> str:
    """Hash of the code a result depends on: a better solver solves again."""
    folders = [path for path in _CODE if path.is_dir()]
    files = [*project_files(*folders), *(path for path in _CODE if path.is_file())]
    return hash_files(sorted(files), PROJECT_ROOT)


def _input_hash(info: load.TableInfo, code: str) -> str:
    return hashlib.sha256(f"{info.signature}\n{code}".encode()).hexdigest()[:32]


def _recall(folder: Path, input_hash: str, settings: DisclosureSettings) -> Solved | None:
    """A remembered result worth keeping: one that ran out of time is tried again when more time is granted."""
    solved = store.recall(folder, input_hash)
    if solved is None or (
        solved.pattern.method in _TIMED and solved.granted_s < 0.95 * settings.table_limit_s
    ):
        return None
    return solved


def _tasks(
    connection: duckdb.DuckDBPyConnection,
    infos: Sequence[load.TableInfo],
    hashes: dict[str, str],
    folder: Path,
    settings: DisclosureSettings,
    started: float,
    audience: str,
    kept: Callable[[str], None],
) -> Iterator[Task]:
    """Tables to solve, read batch by batch. A remembered one that still holds against the ledger is kept instead."""
    known = {info.table_id: info.known_signature for info in infos}
    for batch in load.batches(infos):
        for draft in load.load(connection, batch, audience):
            input_hash = hashes[draft.table_id]
            remembered = _recall(folder, input_hash, settings)
            if remembered is not None and still_holds(draft, remembered):
                store.save(folder, input_hash, replace(remembered, known_signature=known[draft.table_id]))
                kept(draft.table_id)
                continue
            yield Task(
                draft=draft,
                input_hash=input_hash,
                known_signature=known[draft.table_id],
                limit_s=settings.table_limit_s,
                deadline=started + settings.time_limit_s,
            )


def _write_proof(
    connection: duckdb.DuckDBPyConnection, proof: Path, decisions: Sequence[tuple[str, Sequence[Decided]]]
) -> Protection:
    """Files of the proof for all audiences; the first one is the public, whose counts are reported."""
    rows = [(audience, table) for audience, tables in decisions for table in tables]
    first = decisions[0][0]
    writers = {name: ProofWriter(proof, name) for name in ("witness", "base", "verdict")}
    decided: list[pa.Table] = []
    numbers = pa.table(
        {
            "audience": pa.array([audience for audience, _ in rows], pa.string()),
            "table_id": pa.array([table.info.table_id for _, table in rows], pa.string()),
            "number": np.arange(len(rows), dtype=np.int32),
        }
    )
    counts: Counter[str] = Counter()
    methods: Counter[str] = Counter()
    for number, (audience, table) in enumerate(rows):
        solved = store.recall(proof / "solved", table.input_hash)
        if solved is None:
            raise OSError(f"{table.info.table_id}: the result just written cannot be read")
        decided.append(_decided(number, solved))
        _add(writers, table, solved, audience)
        if audience != first:
            continue
        # One base world per table, whoever reads it.
        atoms = np.arange(solved.base.size, dtype=np.int32)
        writers["base"].add(table_id=table.info.table_id, atom_id=atoms, base=solved.base)
        methods[solved.pattern.method] += 1
        counts.update(
            cells=solved.cells,
            primaries=solved.primaries,
            secondaries=solved.secondaries,
            unsafe=int(solved.pattern.is_unsafe.sum()),
            witnesses=solved.pattern.witnesses.count,
        )
    drafts = {name: writer.close() for name, writer in writers.items()}
    drafts["pattern"] = _write_pattern(connection, proof, numbers, decided)
    for name, draft in drafts.items():
        draft.replace(proof_file(proof, name))
    return Protection(
        tables=len(decisions[0][1]),
        solved=0,
        reused=0,
        inconsistent=methods["inconsistent"],
        methods=dict(methods),
        seconds=0.0,
        **{name: counts[name] for name in ("cells", "primaries", "secondaries", "unsafe", "witnesses")},
    )


def _decided(number: int, solved: Solved) -> pa.Table:
    size = solved.is_published.size
    return pa.table(
        {
            "number": np.full(size, number, dtype=np.int32),
            "cell_id": np.arange(size, dtype=np.int32),
            "is_published": solved.is_published,
            "is_unsafe": solved.pattern.is_unsafe,
        }
    )


def _add(writers: dict[str, ProofWriter], table: Decided, solved: Solved, audience: str) -> None:
    info, proof = table.info, solved.pattern.witnesses
    writers["witness"].add(
        audience=audience,
        table_id=info.table_id,
        witness_id=proof.witness,
        atom_id=proof.atom,
        delta=proof.delta,
    )
    writers["verdict"].add(
        audience=audience,
        table_id=info.table_id,
        table_group=info.table_group,
        period_key=info.period_key,
        method=solved.pattern.method,
        cells=solved.cells,
        primaries=solved.primaries,
        secondaries=solved.secondaries,
        unsafe=int(solved.pattern.is_unsafe.sum()),
        witnesses=proof.count,
        seconds=solved.seconds,
        input_hash=table.input_hash,
        is_reused=table.is_reused,
        solved_at=solved.solved_at.replace(tzinfo=None),
    )


def _write_pattern(
    connection: duckdb.DuckDBPyConnection,
    proof: Path,
    numbers: pa.Table,
    decided: Sequence[pa.Table],
) -> Path:
    """Names of the cells are DuckDB's: it joins them to the decisions by position.

    A cell that only a human may let pass goes out where one has decided so (`int_disclosure__allowed`).
    """
    draft = proof_file(proof, "pattern").with_name(".pattern.parquet.tmp")
    if not decided:
        pq.write_table(store.SCHEMAS["pattern"].empty_table(), draft)
        return draft
    connection.register("numbers", numbers)
    connection.register("decided", pa.concat_tables(decided))
    connection.execute(
        f"""
        copy (
            select numbers.audience, cell.table_id, cell.measure_id, period.period_key, cell.area_key,
                cell.group_key,
                decided.is_published or (decided.is_unsafe and allowed.table_id is not null) as is_published,
                decided.is_unsafe
            from decided
            inner join numbers using (number)
            inner join disclosure.int_disclosure__table_cell as cell using (table_id, cell_id)
            inner join table_period as period using (table_id)
            left join disclosure.int_disclosure__allowed as allowed
                on allowed.table_id = cell.table_id
                and allowed.measure_id = cell.measure_id
                and allowed.area_key = cell.area_key
                and allowed.group_key = cell.group_key
            order by numbers.number, cell.cell_id
        ) to {sql_literal(draft)} (format parquet, compression zstd)
        """
    )
    return draft
