"""What a connector remembers from run to run: `protected/connector_state/<source>.json`.

Addresses are keys by hash only; no secret and no row of a delivery is kept. Written as a whole and atomically.
"""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ingestion.connectors.failure import ConnectorFailure
from lagebild.instance import Instance, SourceConfig


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Version(_Stored):
    """Which version of a remote file: enough to ask whether it has changed."""

    etag: str = ""
    last_modified: str = ""
    """As the server writes it (HTTP date, GENESIS date)."""
    size: int | None = None
    mtime: float | None = None


class Fetched(_Stored):
    """A file that has arrived completely."""

    name: str
    sha256: str
    version: Version
    arrived_as_of: float = 0.0
    """Modification time it arrived with: its successor is newer."""


class Mark(_Stored):
    """A watermark with its type, which JSON alone would lose."""

    kind: str
    value: str

    @classmethod
    def of(cls, value: int | float | datetime | date | str) -> Mark:
        text = value.isoformat() if isinstance(value, date) else str(value)
        return cls(kind=type(value).__name__, value=text)

    def restored(self) -> int | float | datetime | date | str:
        readers = {
            "int": int,
            "float": float,
            "datetime": datetime.fromisoformat,
            "date": date.fromisoformat,
            "str": str,
        }
        return readers[self.kind](self.value)  # type: ignore[operator, no-any-return]


class Pending(_Stored):
    """An increment about to arrive: if it lies in the inbox, the watermark may advance."""

    name: str
    sha256: str
    mark: Mark


class State(BaseModel):
    """The whole memory of one source."""

    model_config = ConfigDict(extra="forbid")

    files: dict[str, Fetched] = Field(default_factory=dict)
    parts: dict[str, Version] = Field(default_factory=dict)
    """What the growing part files are parts of."""
    jobs: dict[str, str] = Field(default_factory=dict)
    """Background jobs under way (GENESIS), by table key."""
    watermark: Mark | None = None
    pending: Pending | None = None


def state_path(instance: Instance, source: SourceConfig) -> Path:
    return instance.paths.protected / "connector_state" / f"{source.id}.json"


def read_state(instance: Instance, source: SourceConfig) -> State:
    """The state, empty before the first run. A damaged one is a failure: without a watermark rows would come twice."""
    path = state_path(instance, source)
    if not path.exists():
        return State()
    try:
        return State.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError) as error:
        raise ConnectorFailure(
            f"Der gemerkte Stand des Abrufs ist beschädigt (connector_state/{path.name}). "
            "Bitte aus der Sicherung wiederherstellen oder löschen; dann wird alles neu geholt."
        ) from error


def write_state(instance: Instance, source: SourceConfig, state: State) -> None:
    path = state_path(instance, source)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(state.model_dump_json(indent=1))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
