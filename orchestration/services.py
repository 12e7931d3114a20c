"""Background services: start, find again, stop exactly what was started here.

Belongs here: processes, pid files, ports, readiness. Does not belong here: what a service shows or is configured with
(Superset: `superset_assets.server`; Dagster: `dagster.yaml`).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lagebild.paths import PROJECT_ROOT, var_dir
from orchestration.processes import Process, find_process
from orchestration.refresh import dagster_home, log_dir

HOST = "127.0.0.1"
_STOP_PATIENCE_S = 15.0
_POLL_S = 0.25


class ServiceError(RuntimeError):
    """A service cannot be started; the message is for the user (German)."""


@dataclass(frozen=True)
class Service:
    """A program that runs in the background. `port` None: it serves nobody."""

    name: str
    label: str
    command: tuple[str, ...]
    port: int | None = None
    ready: Callable[[], bool] = field(default=lambda: True, compare=False)
    environment: Mapping[str, str] = field(default_factory=dict, compare=False)
    patience_s: float = 180.0


@dataclass(frozen=True)
class Running:
    """Content of a pid file."""

    process: Process
    command: tuple[str, ...]
    port: int | None


def superset_port() -> int:
    return int(os.environ.get("LAGEBILD_SUPERSET_PORT", "8088"))


def dagster_port() -> int:
    return int(os.environ.get("LAGEBILD_DAGSTER_PORT", "3000"))


def api_port() -> int:
    return int(os.environ.get("LAGEBILD_API_PORT", "8090"))


def api_url() -> str:
    return f"http://{HOST}:{api_port()}"


def superset_url() -> str:
    return f"http://{HOST}:{superset_port()}"


def dagster_url() -> str:
    return f"http://{HOST}:{dagster_port()}"


def superset_service() -> Service:
    from superset_assets import server

    port = superset_port()
    command, environment = server.command(port, host=HOST)
    return Service(
        name="superset",
        label="Superset (Dashboards)",
        command=tuple(command),
        environment=environment,
        port=port,
        ready=lambda: server.health(superset_url()),
    )


def dagster_services() -> list[Service]:
    """Web server and daemon (schedule) on the same definitions and the same Dagster home."""
    port = dagster_port()
    definitions = ("--module-name", "orchestration.definitions", "--working-directory", str(PROJECT_ROOT))
    environment = {"DAGSTER_HOME": str(dagster_home())}
    return [
        Service(
            name="dagster-webserver",
            label="Dagster (Läufe)",
            command=(_program("dagster-webserver"), "--host", HOST, "--port", str(port), *definitions),
            environment=environment,
            port=port,
            ready=lambda: answers(f"{dagster_url()}/server_info"),
        ),
        Service(
            name="dagster-daemon",
            label="Dagster (Zeitplan)",
            command=(_program("dagster-daemon"), "run", *definitions),
            environment=environment,
            ready=_daemon_lives,
        ),
    ]


def api_service() -> Service:
    """The HTTP interface of the semantic layer; it opens released files only."""
    program = ("-m", "uvicorn", "semantic_layer.api.app:create_app", "--factory", "--no-access-log")
    return Service(
        name="api",
        label="Schnittstelle (Abfragen)",
        command=(sys.executable, *program, "--no-server-header", "--host", HOST, "--port", str(api_port())),
        port=api_port(),
        ready=lambda: answers(f"{api_url()}/gesundheit"),
    )


def all_services() -> list[Service]:
    return [superset_service(), *dagster_services(), api_service()]


def start(service: Service) -> bool:
    """Starts a service unless it runs already; returns whether it was started. Does not wait for readiness.

    Raises ServiceError when its port belongs to somebody else or it runs with another configuration.
    """
    if not _startable(service):
        return False
    with (log_dir() / f"{service.name}.log").open("ab") as log:
        child = subprocess.Popen(
            service.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=PROJECT_ROOT,
            env={**os.environ, **service.environment},
            # Its own session: Ctrl-C in this terminal does not reach it, and its helpers can be stopped with it.
            start_new_session=True,
        )
    process = find_process(child.pid)
    if process is None:
        raise ServiceError(f"{service.label} ist sofort wieder beendet worden. {_log_hint(service)}")
    _write_pid_file(service, Running(process=process, command=service.command, port=service.port))
    return True


def check_startable(wanted: Sequence[Service]) -> None:
    """Raises ServiceError now rather than after a long refresh, when one of the services could not be started."""
    for service in wanted:
        _startable(service)


def _startable(service: Service) -> bool:
    """False when it runs already as wanted; raises ServiceError when it cannot be started."""
    running = find(service.name)
    if running is not None:
        if running.command == service.command:
            return False
        raise ServiceError(
            f"{service.label} läuft bereits mit anderen Einstellungen. Bitte zuerst anhalten: make down"
        )
    if service.port is not None and port_taken(service.port):
        raise ServiceError(
            f"Port {service.port} ist durch ein anderes Programm belegt; {service.label} kann dort nicht starten. "
            f"Anderen Port wählen: LAGEBILD_{'SUPERSET' if service.name == 'superset' else 'DAGSTER'}_PORT=…"
        )
    return True


def wait_until_ready(service: Service, tick: Callable[[str], None] = lambda _: None) -> None:
    """Returns when the service answers. Raises ServiceError when it ends or its patience is over."""
    begin = time.monotonic()
    while True:
        running = find(service.name)
        if running is None:
            raise ServiceError(f"{service.label} ist unerwartet beendet worden. {_log_hint(service)}")
        if service.ready():
            return
        waited = time.monotonic() - begin
        if waited > service.patience_s:
            raise ServiceError(f"{service.label} antwortet nach {waited:.0f} s nicht. {_log_hint(service)}")
        tick(f"warte auf Antwort, {waited:.0f} s")
        time.sleep(_POLL_S)


def stop(name: str) -> bool:
    """Stops what `start` has started under this name, with all its helpers; returns whether something was stopped."""
    running = find(name)
    if running is not None:
        _end_group(running.process)
    _pid_file(name).unlink(missing_ok=True)
    return running is not None


def find(name: str) -> Running | None:
    """The running service of this name, None when it is not running (any more)."""
    path = _pid_file(name)
    if not path.exists():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    running = Running(
        process=Process(**content["process"]), command=tuple(content["command"]), port=content["port"]
    )
    return running if running.process.alive() else None


def service_names() -> list[str]:
    """Names under which something was started and not stopped."""
    return sorted(path.stem for path in _run_dir().glob("*.json"))


def port_taken(port: int) -> bool:
    """True when somebody listens on the port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0


def answers(url: str) -> bool:
    """True when the address answers with success."""
    # A proxy of the environment has no business between two processes of this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _daemon_lives() -> bool:
    from dagster import DagsterInstance
    from dagster._daemon.controller import all_daemons_live

    dagster_home()
    with DagsterInstance.get() as dagster:
        return all_daemons_live(dagster)


def _end_group(process: Process) -> None:
    # The leader's number is also the number of its group (own session), so nobody else's process is in it.
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + _STOP_PATIENCE_S
        while time.monotonic() < deadline:
            if not _group_alive(process.pid):
                return
            time.sleep(0.05)


def _group_alive(group: int) -> bool:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if os.getpgid(int(entry.name)) == group and find_process(int(entry.name)) is not None:
                return True
        except ProcessLookupError:
            continue
    return False


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _log_hint(service: Service) -> str:
    return f"Einzelheiten: {log_dir() / f'{service.name}.log'}"


def _run_dir() -> Path:
    folder = var_dir() / "run"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _pid_file(name: str) -> Path:
    return _run_dir() / f"{name}.json"


def _write_pid_file(service: Service, running: Running) -> None:
    path = _pid_file(service.name)
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(asdict(running), indent=2), encoding="utf-8")
    os.replace(draft, path)
