"""The inbox of personal sources is emptied: what has landed encrypted must not lie beside it in plain.

Each file taken is noted with name, size and hash in `landing/_registry/taken.jsonl`, so that a supplier system (or the
simulated one) that compares folders knows it was received.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from lagebild.instance import Instance


def _ledger(instance: Instance) -> Path:
    return instance.paths.landing / "_registry" / "taken.jsonl"


def take_from_inbox(instance: Instance, path: Path, sha256: str, delivery_id: str) -> bool:
    """Removes a file that is safely stored from the inbox; False where it does not lie in the inbox (read in place)."""
    inbox = instance.paths.inbox.resolve()
    place = path.resolve()
    if not place.is_relative_to(inbox):
        return False
    entry = {
        "file": place.relative_to(inbox).as_posix(),
        "size": place.stat().st_size,
        "sha256": sha256,
        "delivery_id": delivery_id,
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    ledger = _ledger(instance)
    ledger.parent.mkdir(parents=True, exist_ok=True)
    # Noted before it is removed: a crash in between leaves a file that the next run recognises as known.
    with ledger.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(entry, ensure_ascii=False) + "\n")
    place.unlink()
    return True


def taken_files(instance: Instance) -> dict[str, int]:
    """Files taken from the inbox: path below the inbox → size in bytes when it was taken last."""
    ledger = _ledger(instance)
    if not ledger.exists():
        return {}
    entries = [json.loads(line) for line in ledger.read_text(encoding="utf-8").splitlines() if line]
    return {entry["file"]: entry["size"] for entry in entries}
