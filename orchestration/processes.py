"""Identity of a process beyond its number: numbers are reused, number and start time together are not.

Reads /proc (Linux). Does not belong here: what the processes are for.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

_START_TIME_FIELD = 19  # of the fields after the command name in /proc/<pid>/stat (22nd overall)
_STATE_FIELD = 0


@dataclass(frozen=True)
class Process:
    """A process as it was when it was seen first."""

    pid: int
    start_ticks: int
    boot_id: str
    """Start times count from the boot of the machine."""

    def alive(self) -> bool:
        """True while this very process runs (a zombie has ended)."""
        return self.boot_id == _boot_id() and _start_ticks(self.pid) == self.start_ticks

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Process:
        return cls(**json.loads(text))


def find_process(pid: int) -> Process | None:
    """Identity of a running process, None when there is none of that number."""
    ticks = _start_ticks(pid)
    return None if ticks is None else Process(pid=pid, start_ticks=ticks, boot_id=_boot_id())


def this_process() -> Process:
    """Identity of the calling process."""
    process = find_process(os.getpid())
    assert process is not None  # whoever asks is running
    return process


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _start_ticks(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command name stands in parentheses and may itself hold spaces and parentheses.
    fields = stat.rpartition(")")[2].split()
    return None if fields[_STATE_FIELD] in "ZX" else int(fields[_START_TIME_FIELD])
