"""Runs the refresh of one instance through Dagster and shows it on the terminal.

Belongs here: Dagster's home, starting the job in this process, saying what failed.
Does not belong here: the steps themselves (`orchestration.assets`).
"""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from lagebild.paths import PROJECT_ROOT, InstancePaths, var_dir
from orchestration.processes import Process, this_process
from orchestration.progress import Progress, reporting
from orchestration.publish import current_release

if TYPE_CHECKING:
    from dagster import DagsterInstance, ExecuteInProcessResult

PROCESS_TAG = "lagebild/process"


@dataclass(frozen=True)
class RefreshResult:
    """What a refresh came to."""

    instance: str
    success: bool
    skipped: bool
    """True when there was nothing new and the live release stayed."""
    release_id: str | None
    """The live release after the run, also after a failed one."""
    failed_steps: tuple[str, ...]
    messages: tuple[str, ...]
    seconds: float
    log_file: Path


def dagster_home() -> Path:
    """var/dagster with the current `dagster.yaml`; sets DAGSTER_HOME for this process and its children."""
    home = var_dir() / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    template = PROJECT_ROOT / "dagster.yaml"
    configured = home / "dagster.yaml"
    if not configured.exists() or configured.read_bytes() != template.read_bytes():
        draft = home / f"dagster.yaml.{os.getpid()}"
        shutil.copyfile(template, draft)
        os.replace(draft, configured)
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def log_dir() -> Path:
    """var/log, readable by the owner only."""
    folder = var_dir() / "log"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def refresh(name: str) -> RefreshResult:
    """Runs `refresh_<name>` in this process; the run is recorded in the persistent Dagster instance.

    Never raises for a failed step: the result says which. The live release is replaced by the release step alone.
    """
    dagster_home()
    log_file = log_dir() / f"refresh-{name}.log"
    with _terminal_only_for_progress(log_file) as terminal:
        # Dagster and dbt are imported here: `lagebild status` shall not wait for them.
        warnings.filterwarnings("ignore", module="dagster")
        from dagster import DagsterInstance

        from orchestration.assets import step_count
        from orchestration.definitions import build_definitions, job_name

        job = build_definitions([name]).resolve_job_def(job_name(name))
        before = current_release(InstancePaths(name).published)
        with DagsterInstance.get() as dagster, reporting(Progress(step_count(name), terminal)) as progress:
            _close_orphaned_runs(dagster)
            result = job.execute_in_process(
                instance=dagster,
                raise_on_error=False,
                tags={PROCESS_TAG: this_process().to_json()},
                run_config={"loggers": {"console": {"config": {"log_level": "INFO"}}}},
            )
            seconds = progress.elapsed()
    live = current_release(InstancePaths(name).published)
    return RefreshResult(
        instance=name,
        success=result.success,
        skipped=result.success and before == live,
        release_id=live["release_id"] if live else None,
        failed_steps=tuple(event.step_key or "" for event in result.get_step_failure_events()),
        messages=tuple(_messages(result)),
        seconds=seconds,
        log_file=log_file,
    )


def _messages(result: ExecuteInProcessResult) -> Iterator[str]:
    from orchestration.publication_ledger import LedgerBroken
    from orchestration.publish import ReleaseRejected

    german = (ReleaseRejected.__name__, LedgerBroken.__name__)
    for event in result.get_step_failure_events():
        failure = event.step_failure_data
        if failure.user_failure_data is not None and failure.user_failure_data.description:
            yield failure.user_failure_data.description
            continue
        error = failure.error
        while error is not None and error.cause is not None:
            error = error.cause
        if error is not None and error.cls_name in german:
            yield error.message.split(": ", 1)[1].strip()
        elif error is not None:
            # Only the kind: the text of an unforeseen exception may quote a record. It stands in the log.
            yield f"unerwarteter Fehler ({error.cls_name})"


def _close_orphaned_runs(dagster: DagsterInstance) -> None:
    """Runs whose process was killed stay "started" forever and would block the queue: they are marked as failed."""
    from dagster import DagsterRunStatus, RunsFilter

    unfinished = RunsFilter(statuses=[DagsterRunStatus.STARTED, DagsterRunStatus.STARTING])
    for run in dagster.get_runs(filters=unfinished):
        process = run.tags.get(PROCESS_TAG)
        if process is not None and not Process.from_json(process).alive():
            dagster.report_run_failed(run, "Der Prozess dieses Laufs wurde beendet.")


@contextmanager
def _terminal_only_for_progress(log_file: Path) -> Iterator[TextIO]:
    """Everything that dbt, Dagster and libraries print goes to the log file; the yielded stream is the terminal."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
    with log_file.open("w", encoding="utf-8") as log, os.fdopen(os.dup(2), "w", encoding="utf-8") as terminal:
        log_file.chmod(0o600)
        for descriptor in saved:
            os.dup2(log.fileno(), descriptor)
        try:
            yield terminal
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, original in saved.items():
                os.dup2(original, descriptor)
                os.close(original)
