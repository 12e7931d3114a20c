"""Progress of a refresh on the terminal: step n of m, what, how far, how long.

Belongs here: showing. Steps call `step(...)` and `Step.tick(...)`; without a terminal the lines go to the log
of the run. Does not belong here: anything the result depends on, any value from a delivery.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

_LOG = logging.getLogger("lagebild.progress")
_HEARTBEAT_PIPE_S = 15.0  # a log file needs a sign of life, not a clock
_HEARTBEAT_TERMINAL_S = 1.0


class Progress:
    """Numbered steps of one run, written to `stream`."""

    def __init__(
        self, total: int, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.total = total
        self._stream = stream or sys.stderr
        self._clock = clock
        self._started = clock()
        self._number = 0
        self._lock = threading.RLock()
        self._live = self._stream.isatty()

    @contextmanager
    def step(self, label: str) -> Iterator[Step]:
        """One step; the closing line says what came out and how long it took, also when it failed."""
        self._number += 1
        current = Step(self, f"[{self._number:>2}/{self.total}] {label}", self._clock())
        current.announce()
        stop = threading.Event()
        beat = threading.Thread(target=self._heartbeat, args=(current, stop), daemon=True)
        beat.start()
        try:
            yield current
        except BaseException:
            stop.set()
            current.finish("FEHLER")
            raise
        stop.set()
        current.finish("fertig")

    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self._started

    def _heartbeat(self, current: Step, stop: threading.Event) -> None:
        while not stop.wait(_HEARTBEAT_TERMINAL_S if self._live else _HEARTBEAT_PIPE_S):
            current.show()

    def write(self, text: str, *, final: bool) -> None:
        """Writes a line; on a terminal an unfinished one is overwritten by the next."""
        with self._lock:
            if self._live:
                self._stream.write("\r\033[K" + text + ("\n" if final else ""))
            else:
                self._stream.write(text + "\n")
            self._stream.flush()

    @property
    def live(self) -> bool:
        return self._live

    def now(self) -> float:
        return self._clock()


class Step:
    """The running step. `tick` says how far it is, `result` what the closing line shows."""

    def __init__(self, progress: Progress, title: str, started: float) -> None:
        self._progress = progress
        self._title = title
        self._started = started
        self._detail = ""
        self._result = ""
        self._closed = False

    def announce(self) -> None:
        """Shows the title at once on a terminal; elsewhere one line per step is enough, more if it takes long."""
        if self._progress.live:
            self._progress.write(f"{self._title} …", final=False)

    def tick(self, detail: str) -> None:
        """How far the step is, e.g. `12 von 24 Dateien`."""
        changed = detail != self._detail
        self._detail = detail
        if changed and self._progress.live:
            self.show()

    def result(self, text: str) -> None:
        """What the closing line says."""
        self._result = text

    def show(self) -> None:
        if not self._closed:
            detail = f": {self._detail}" if self._detail else ""
            self._progress.write(f"{self._title}{detail} … {self._seconds():.0f} s", final=False)

    def finish(self, state: str) -> None:
        self._closed = True
        text = state if state == "FEHLER" else self._result or state
        self._progress.write(f"{self._title}: {text} ({self._seconds():.1f} s)", final=True)

    def _seconds(self) -> float:
        return self._progress.now() - self._started


class _LogStream:
    """Writes progress lines to the Python log, for runs nobody watches (the nightly one)."""

    def write(self, text: str) -> int:
        if text.strip():
            _LOG.info(text.strip())
        return len(text)

    def flush(self) -> None:
        return None

    def isatty(self) -> bool:
        return False


_active: Progress | None = None


@contextmanager
def reporting(progress: Progress) -> Iterator[Progress]:
    """Makes `progress` the one that steps report to."""
    global _active
    before, _active = _active, progress
    try:
        yield progress
    finally:
        _active = before


@contextmanager
def step(label: str) -> Iterator[Step]:
    """A step of the active progress; without one its lines go to the log."""
    progress = _active or Progress(1, _LogStream())  # type: ignore[arg-type]  # a log is a stream as far as we write
    with progress.step(label) as current:
        yield current


__all__ = ["Progress", "Step", "reporting", "step"]
