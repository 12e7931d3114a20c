"""Which free cross tables were made: one line each in `protected/cell_key/kreuztabellen.jsonl`, only ever appended.

Belongs here: the line. No figures, no record keys: what was asked, by whom, how many fields, with which noise.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from orchestration.cross_table.tabulate import CrossTable

JOURNAL: Final = "kreuztabellen.jsonl"


def note(folder: Path, table: CrossTable, output: str) -> None:
    """Appends the line of a table and sees it onto the disk; the file is readable by its owner only."""
    entry = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "uid": os.getuid(),
        "measure_id": table.request.measure.measure,
        "dimensions": list(table.request.dimensions),
        "area_level": table.request.level,
        "period_key": table.period_key,
        "cells": table.cells,
        "cells_not_zero": len(table.shown),
        "p_table": table.p_table_name,
        "decision": table.request.settings.decision,
        "file": output,
    }
    descriptor = os.open(folder / JOURNAL, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8") as stream:
        stream.write(json.dumps(entry, ensure_ascii=False) + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def entries(folder: Path) -> list[dict[str, Any]]:
    """All lines, oldest first."""
    path = folder / JOURNAL
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def other_noise(folder: Path, table: CrossTable) -> list[str]:
    """p-tables other than this one's with which tables of the same measure were made before."""
    before = {
        line["p_table"] for line in entries(folder) if line["measure_id"] == table.request.measure.measure
    }
    return sorted(before - {table.p_table_name})


__all__ = ["JOURNAL", "entries", "note", "other_noise"]
