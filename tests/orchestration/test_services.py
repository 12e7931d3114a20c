"""Services: real processes, real ports."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration import services
from orchestration.processes import Process, find_process, this_process
from orchestration.services import HOST, Service, ServiceError

SERVER = """
import http.server, sys
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
WITH_HELPER = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
time.sleep(600)
"""


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def stopping(var: Path) -> Iterator[Path]:
    yield var
    for name in services.service_names():
        services.stop(name)


def _server(port: int) -> Service:
    return Service(
        name="dummy",
        label="Probedienst",
        command=(sys.executable, "-c", SERVER, str(port)),
        port=port,
        ready=lambda: services.answers(f"http://{HOST}:{port}/"),
        patience_s=20.0,
    )


def _wait_until(condition: object, seconds: float = 10.0) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "condition not reached in time"
        time.sleep(0.02)


def test_start_wait_start_again_stop(stopping: Path, free_port: int) -> None:
    service = _server(free_port)
    assert services.find("dummy") is None
    assert services.start(service) is True
    services.wait_until_ready(service)
    running = services.find("dummy")
    assert running is not None
    assert running.port == free_port
    assert services.start(service) is False
    again = services.find("dummy")
    assert again is not None
    assert again.process == running.process
    assert services.stop("dummy") is True
    assert not services.port_taken(free_port)
    assert services.find("dummy") is None
    assert services.stop("dummy") is False


def test_a_port_of_somebody_else_is_refused_in_plain_words(stopping: Path) -> None:
    with socket.socket() as stranger:
        stranger.bind((HOST, 0))
        stranger.listen()
        port = int(stranger.getsockname()[1])
        with pytest.raises(ServiceError, match=f"Port {port} ist durch ein anderes Programm belegt"):
            services.start(_server(port))
    assert services.find("dummy") is None


def test_stop_ends_the_helpers_of_a_service_too(stopping: Path) -> None:
    service = Service(name="dummy", label="Probedienst", command=(sys.executable, "-c", WITH_HELPER))
    services.start(service)
    running = services.find("dummy")
    assert running is not None
    group = running.process.pid

    def members() -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != group:
                try:
                    if os.getpgid(int(entry.name)) == group:
                        found.append(int(entry.name))
                except ProcessLookupError:
                    continue
        return found

    _wait_until(members)
    helper = members()[0]
    services.stop("dummy")
    assert find_process(helper) is None


def test_a_reused_process_number_is_left_alone(stopping: Path) -> None:
    service = Service(
        name="dummy", label="Probedienst", command=(sys.executable, "-c", "import time; time.sleep(600)")
    )
    services.start(service)
    running = services.find("dummy")
    assert running is not None
    time.sleep(0.05)  # start times are counted in hundredths of a second
    innocent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        # The pid file as it would look had the number been given to another process in the meantime.
        file = stopping / "run" / "dummy.json"
        file.write_text(file.read_text().replace(f'"pid": {running.process.pid}', f'"pid": {innocent.pid}'))
        assert services.find("dummy") is None
        assert services.stop("dummy") is False
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()
        os.killpg(running.process.pid, signal.SIGKILL)


def test_a_service_that_dies_is_reported_with_its_log(stopping: Path) -> None:
    service = Service(
        name="dummy",
        label="Probedienst",
        command=(sys.executable, "-c", "raise SystemExit(3)"),
        ready=lambda: False,
    )
    with pytest.raises(ServiceError, match=r"unerwartet beendet|sofort wieder beendet"):
        services.start(service)
        services.wait_until_ready(service)


def test_a_service_that_never_answers_is_given_up(stopping: Path) -> None:
    service = Service(
        name="dummy",
        label="Probedienst",
        command=(sys.executable, "-c", "import time; time.sleep(600)"),
        ready=lambda: False,
        patience_s=0.5,
    )
    services.start(service)
    with pytest.raises(ServiceError, match="antwortet nach"):
        services.wait_until_ready(service)


def test_other_settings_need_a_stop_first(stopping: Path) -> None:
    sleeper = "import time; time.sleep(600)"
    services.start(Service(name="dummy", label="Probedienst", command=(sys.executable, "-c", sleeper)))
    with pytest.raises(ServiceError, match="anderen Einstellungen"):
        services.start(
            Service(name="dummy", label="Probedienst", command=(sys.executable, "-c", sleeper, "x"))
        )


def test_a_process_is_known_by_number_and_start_time() -> None:
    me = this_process()
    assert me.alive()
    assert Process.from_json(me.to_json()) == me
    assert not Process(pid=me.pid, start_ticks=me.start_ticks - 1, boot_id=me.boot_id).alive()
    assert not Process(pid=me.pid, start_ticks=me.start_ticks, boot_id="another boot").alive()


def test_ports_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAGEBILD_SUPERSET_PORT", "18088")
    monkeypatch.setenv("LAGEBILD_DAGSTER_PORT", "13000")
    assert services.superset_url() == "http://127.0.0.1:18088"
    assert services.dagster_url() == "http://127.0.0.1:13000"
