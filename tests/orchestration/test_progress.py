"""Progress says step, count and elapsed time, on a terminal and in a file."""

from __future__ import annotations

import io

import pytest

from orchestration import progress
from orchestration.progress import Progress, reporting


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_file_gets_one_line_per_step() -> None:
    clock = iter([0.0, 1.0, 3.5, 4.0, 6.0])
    stream = io.StringIO()
    with reporting(Progress(2, stream, clock=lambda: next(clock))):
        with progress.step("Eingang: Wahlen") as step:
            step.tick("Datei 1 von 2")
            step.result("2 neu")
        with progress.step("Veröffentlichen"):
            pass
    assert (
        stream.getvalue() == "[ 1/2] Eingang: Wahlen: 2 neu (2.5 s)\n[ 2/2] Veröffentlichen: fertig (2.0 s)\n"
    )


def test_a_terminal_sees_the_running_step() -> None:
    stream = _Terminal()
    with reporting(Progress(1, stream)), progress.step("Eingang: Wahlen") as step:
        step.tick("Datei 1 von 2")
    shown = stream.getvalue().split("\r\033[K")
    assert shown[1] == "[ 1/1] Eingang: Wahlen …"
    assert shown[2].startswith("[ 1/1] Eingang: Wahlen: Datei 1 von 2 … ")
    assert shown[-1].endswith(" s)\n")


def test_a_failed_step_says_so_and_the_error_goes_on() -> None:
    stream = io.StringIO()
    with reporting(Progress(1, stream)), pytest.raises(RuntimeError), progress.step("Veröffentlichen"):
        raise RuntimeError("full")
    assert "[ 1/1] Veröffentlichen: FEHLER" in stream.getvalue()
    assert "full" not in stream.getvalue()


def test_without_a_watcher_the_log_gets_the_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="lagebild.progress"), progress.step("Veröffentlichen"):
        pass
    assert any("Veröffentlichen: fertig" in message for message in caplog.messages)
