"""Two processes solve tables side by side.

Belongs here: starting, feeding and surviving worker processes. Does not belong here: what they compute (`work`).

Workers are started fresh (spawn): a forked one would inherit the open database and the threads of Dagster.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing.process import BaseProcess

from orchestration.protection.store import Solved
from orchestration.protection.work import Solver, Task, default_solver, solve

_AHEAD = 2
"""Tasks per worker that are read in advance: nobody waits for the database, and memory stays bounded."""


class ProtectionFailed(RuntimeError):
    """A table could not be protected at all. The message is German and names the table, no figures."""


def solve_all(
    tasks: Iterable[Task], workers: int, solver: Solver = default_solver
) -> Iterator[tuple[Task, Solved]]:
    """Results in the order they are done. Which worker a table meets changes nothing about its result.

    A worker that dies (out of memory, killed) takes its table to a second, lonely try and then to the fallback, which
    needs next to nothing; only if that dies as well `ProtectionFailed` is raised. Without workers the tables are
    solved in this process.
    """
    waiting = iter(tasks)
    if not workers:
        for task in waiting:
            try:
                yield task, solve(task, solver)
            except ValueError as problem:
                raise _undecided(task, problem) from problem
        return
    while True:
        broken, results = [], _run(waiting, workers, solver)
        for task, solved in results:
            if solved is None:
                broken.append(task)
            else:
                yield task, solved
        if not broken:
            return
        for task in broken:
            yield task, _alone(task, solver)


def _run(waiting: Iterator[Task], workers: int, solver: Solver) -> Iterator[tuple[Task, Solved | None]]:
    """Until all is done or a worker has died; None for the tasks that were on their way then."""
    running: dict[Future[Solved], Task] = {}
    first = next(waiting, None)
    if first is None:
        return
    exhausted = is_broken = False
    with _pool(workers) as pool:
        running[pool.submit(solve, first, solver)] = first
        while True:
            while not (exhausted or is_broken) and len(running) < workers * _AHEAD:
                task = next(waiting, None)
                if task is None:
                    exhausted = True
                    continue
                try:
                    running[pool.submit(solve, task, solver)] = task
                except BrokenProcessPool:
                    is_broken = True
                    yield task, None
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                task = running.pop(future)
                try:
                    solved = future.result()
                except BrokenProcessPool:
                    is_broken = True
                    yield task, None
                except Exception as problem:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise _undecided(task, problem) from problem
                else:
                    yield task, solved


def _alone(task: Task, solver: Solver) -> Solved:
    for attempt in (task, replace(task, deadline=time.monotonic())):
        with _pool(1) as pool:
            try:
                return pool.submit(solve, attempt, solver).result()
            except BrokenProcessPool:
                continue
            except Exception as problem:
                raise _undecided(task, problem) from problem
    name = task.draft.table_id
    raise ProtectionFailed(
        f"Geheimhaltung: Der Rechenprozess für die Tabelle „{name}“ wurde zweimal beendet."
    )


def _undecided(task: Task, problem: Exception) -> ProtectionFailed:
    # Only the kind of the problem: its text may quote a figure. It stands in the log of the protected zone.
    name, kind = task.draft.table_id, type(problem).__name__
    return ProtectionFailed(f"Geheimhaltung: Die Tabelle „{name}“ ließ sich nicht entscheiden ({kind}).")


def _pool(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_parent)


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for its next table forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
