"""Load on the executive dashboard: many people open it at once, and a new release goes live meanwhile.

Run: `.venv/bin/python -m benchmarks.superset.load [--users 50] [--seconds 120] [--think 30] [--instance musterkreis]`
on an installation whose release is synchronised (`make up` once); it starts a server of its own beside a running one.
A user opens the dashboard, its charts ask for their data as the browser does (six requests at a time), reads for
`think` seconds and opens it again. In the middle of the time the live file is replaced by a copy of itself, as a
release does it. Goal (issue 6): p95 of chart data under 1.5 s with a warm cache on two cores, no request failing.
"""

from __future__ import annotations

import argparse
import random
import shutil
import socket
import statistics
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from lagebild.paths import InstancePaths
from orchestration.database_files import switch
from superset_assets.roles import read_logins
from superset_assets.server import command, health, saved_queries, session

AT_ONCE = 6
"""Requests a browser has open with one server."""
GOAL_SECONDS = 1.5
_JSON = {"Content-Type": "application/json"}


@dataclass
class Log:
    """Seconds of every answer by kind; statuses that are not 200."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {"page": [], "chart": []})
    refused: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, seconds: float, problem: str) -> None:
        with self.lock:
            self.seconds[kind].append(seconds)
            if problem:
                self.refused[problem] += 1


@contextmanager
def served() -> Iterator[str]:
    """A server with the workers of production on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    arguments, environment = command(port)
    process = subprocess.Popen(
        arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        while not health(url):
            if process.poll() is not None:
                raise RuntimeError("Superset did not start")
            time.sleep(0.5)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def timed(log: Log, kind: str, call: requests.Session, method: str, url: str, **options: object) -> None:
    started = time.monotonic()
    try:
        answer = call.request(method, url, timeout=60, **options)  # type: ignore[arg-type]
        problem = "" if answer.status_code == requests.codes.ok else f"{kind} {answer.status_code}"
        if not problem and kind == "chart" and answer.json()["result"][0].get("error"):
            problem = "chart with an error"
    except requests.RequestException as error:
        problem = f"{kind} {type(error).__name__}"
    log.note(kind, time.monotonic() - started, problem)


def ask(log: Log, http: requests.Session, url: str, body: str) -> None:
    timed(log, "chart", http, "POST", f"{url}/api/v1/chart/data", data=body, headers=_JSON)


def user(
    seed: int,
    headers: dict[str, str],
    url: str,
    slug: str,
    charts: list[str],
    log: Log,
    end: float,
    think: float,
) -> None:
    """One person until the end; the first look comes at a random moment, as people come."""
    draw = random.Random(seed)
    with requests.Session() as http, ThreadPoolExecutor(AT_ONCE) as browser:
        http.headers.update(headers)
        http.mount(url, requests.adapters.HTTPAdapter(pool_maxsize=AT_ONCE))
        time.sleep(draw.uniform(0, think))
        while time.monotonic() < end:
            timed(log, "page", http, "GET", f"{url}/api/v1/dashboard/{slug}/charts")
            list(browser.map(lambda body: ask(log, http, url, body), charts))
            time.sleep(draw.uniform(0.5, 1.5) * think)


def swap(current: Path) -> None:
    """What a release does to the file: another file under the same name, by one rename."""
    copy = current.with_name("load-test.duckdb")
    shutil.copy2(current, copy)
    switch(copy, current)
    copy.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--think", type=float, default=30)
    parser.add_argument("--instance", default="musterkreis")
    chosen = parser.parse_args()
    slug, log = f"lage-{chosen.instance}", Log()
    with served() as url, session(url, read_logins()["fuehrung"]) as http:
        charts = saved_queries(http, url, slug)
        for body in charts:
            http.post(
                f"{url}/api/v1/chart/data",
                data=body,
                headers=_JSON,
                timeout=60,
            )
        headers = {name: str(http.headers[name]) for name in ("Authorization", "Referer", "X-CSRFToken")}
        headers["Cookie"] = "; ".join(f"{cookie.name}={cookie.value}" for cookie in http.cookies)
        end = time.monotonic() + chosen.seconds
        people = [
            threading.Thread(target=user, args=(seed, headers, url, slug, charts, log, end, chosen.think))
            for seed in range(chosen.users)
        ]
        for person in people:
            person.start()
        time.sleep(chosen.seconds / 2)
        swap(InstancePaths(chosen.instance).current_release)
        for person in people:
            person.join()
    print(f"{chosen.users} users, {chosen.seconds:.0f} s, {len(charts)} charts, one release swap")
    for kind, values in log.seconds.items():
        cuts = statistics.quantiles(values, n=100)
        print(
            f"{kind:>6}: {len(values):6} answers, median {cuts[49]:.2f} s, p95 {cuts[94]:.2f} s, "
            f"largest {max(values):.2f} s"
        )
    print(f"failed: {dict(log.refused) or 'none'}; goal p95 < {GOAL_SECONDS} s")


if __name__ == "__main__":
    main()
