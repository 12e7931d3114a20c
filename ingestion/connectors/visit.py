"""One visit to the server of one source: what a connector needs and what it brings home."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ingestion.connectors.failure import ConnectorFailure, Unreachable
from ingestion.connectors.inbox import arrive, inbox_folder, part_file, sha256_of
from ingestion.connectors.state import Fetched, State, Version, read_state, write_state
from lagebild.instance import Instance, SourceConfig
from lagebild.secrets import SecretMissing, environment_name, given_secret

log = logging.getLogger("lagebild.connectors")


@dataclass
class Visit:
    """Collects the files that arrived and the German lines about those that did not."""

    instance: Instance
    source: SourceConfig
    progress: Callable[[str], None]
    state: State
    folder: Path
    failures: list[str] = field(default_factory=list)
    arrived: list[Path] = field(default_factory=list)
    _secrets: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, instance: Instance, source: SourceConfig, progress: Callable[[str], None]) -> Visit:
        return cls(
            instance=instance,
            source=source,
            progress=progress,
            state=read_state(instance, source),
            folder=inbox_folder(instance, source),
        )

    def say(self, line: str) -> None:
        """One German line of progress."""
        self.progress(f"{self.source.label}: {self.clean(line)}")

    def fail(self, message: str) -> None:
        line = self.clean(message)
        self.failures.append(line)
        log.warning("source %s: %s", self.source.id, line)
        self.progress(f"{self.source.label}: {line}")

    def secret(self, name: str) -> str:
        """The secret of that name, empty for no name; it will not appear in any line of this visit."""
        if not name:
            return ""
        try:
            value = given_secret(name)
        except SecretMissing as error:
            raise Unreachable(
                f"Der Zugang »{name}« ist nicht hinterlegt (Datei var/secrets/{name} oder {environment_name(name)})."
            ) from error
        except PermissionError as error:
            raise Unreachable(f"Die Datei var/secrets/{name} ist für andere lesbar (chmod 600).") from error
        self._secrets.append(value)
        return value

    def hide(self, value: str) -> None:
        """Keeps a further value (the password inside a URL) out of all lines."""
        self._secrets.append(value)

    def clean(self, text: str) -> str:
        """The text without secrets, on one line."""
        for value in sorted(filter(None, self._secrets), key=len, reverse=True):
            text = text.replace(value, "•••")
        return " ".join(text.split())

    @contextmanager
    def guarded(self, label: str) -> Iterator[None]:
        """One file's failure is a line; the next file goes on. `Unreachable` ends the visit."""
        try:
            yield
        except Unreachable:
            raise
        except ConnectorFailure as error:
            self.fail(f"{label}: {error}")

    def save(self) -> None:
        write_state(self.instance, self.source, self.state)

    def part(self, key: str) -> Path:
        return part_file(self.folder, key)

    def known(self, key: str) -> Fetched | None:
        """What was fetched as `key`, if it still is where it belongs; what somebody has cleared away is fetched again.

        Files of protected sources leave the inbox when they have landed: they count as long as the delivery is there.
        """
        fetched = self.state.files.get(key)
        if fetched is None or (self.folder / fetched.name).is_file():
            return fetched
        if self.source.protection.fate(self.source.personal) == "keep":
            return None
        return fetched if self._was_delivered(fetched) else None

    def _was_delivered(self, fetched: Fetched) -> bool:
        delivery_id = f"{self.source.id}-{fetched.sha256[:12]}"
        zones = (self.instance.paths.landing, self.instance.paths.quarantine)
        return any((zone / self.source.id / delivery_id).is_dir() for zone in zones)

    def remember_part(self, key: str, version: Version) -> None:
        self.state.parts[key] = version
        self.save()

    def forget_part(self, key: str) -> None:
        self.part(key).unlink(missing_ok=True)
        if self.state.parts.pop(key, None) is not None:
            self.save()

    def accept(self, key: str, name: str, version: Version, modified: datetime | None) -> bool:
        """Lets the complete part arrive as `name` and remembers its version; False where nothing is new."""
        target = self.folder / name
        owner = next((other for other, item in self.state.files.items() if item.name == name), key)
        if owner != key:
            raise ConnectorFailure(
                f"Zwei Dateien kämen unter demselben Namen »{name}« an. Bitte unterscheidbare Namen vereinbaren."
            )
        before = self.state.files.get(key)
        new = arrive(self.part(key), target, modified, before.arrived_as_of if before else 0.0)
        self.state.parts.pop(key, None)
        self.state.files[key] = Fetched(
            name=name, sha256=sha256_of(target), version=version, arrived_as_of=target.stat().st_mtime
        )
        self.save()
        self.arrived.append(target)
        self.say(f"{name} – {'geholt' if new else 'unverändert'}")
        return new
