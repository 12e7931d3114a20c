"""OLE compound files, the container of old Excel files (xls) and of password-protected new ones: names and streams.

Belongs here: as much of the container as the guard needs to see what a file is before a parser opens it. Not here: what
the streams mean to a planner. Every fault of the container is a ValueError.

Source: Microsoft, [MS-CFB] Compound File Binary File Format, sections 2.2 (header), 2.3 (FAT), 2.6 (directory).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_FREE: Final = 0xFFFFFFFA
"""Sector numbers from here on are marks (end of chain, free, FAT)."""
_ENTRY: Final = 128


@dataclass(frozen=True)
class _Entry:
    name: str
    kind: int  # 1 storage, 2 stream, 5 root
    start: int
    size: int


class CompoundFile:
    """A compound file in memory; raises ValueError where it is damaged."""

    def __init__(self, content: bytes) -> None:
        if not content.startswith(MAGIC) or len(content) < 512:
            raise ValueError("no compound file")
        self._content = content
        shift, mini_shift = struct.unpack_from("<HH", content, 30)
        if shift not in (9, 12) or mini_shift != 6:
            raise ValueError("impossible sector size")
        self._size = 1 << shift
        _, directory, _, self._cutoff, mini_fat, _, difat, _ = struct.unpack_from("<8I", content, 44)
        self._fat = self._read_fat(difat)
        raw = self._chain(directory)
        self._entries = [_entry(raw[at : at + _ENTRY]) for at in range(0, len(raw) - _ENTRY + 1, _ENTRY)]
        root = next((entry for entry in self._entries if entry.kind == 5), None)
        if root is None:
            raise ValueError("no root entry")
        self._mini_fat = _numbers(self._chain(mini_fat)) if mini_fat < _FREE else ()
        self._mini = self._chain(root.start)[: root.size] if self._mini_fat and root.start < _FREE else b""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all streams and storages."""
        return tuple(entry.name for entry in self._entries if entry.kind in (1, 2))

    def stream(self, name: str) -> bytes:
        """The content of a stream. Raises ValueError where there is none or its chain is broken."""
        entry = next((item for item in self._entries if item.kind == 2 and item.name == name), None)
        if entry is None:
            raise ValueError("no such stream")
        found = self._mini_chain(entry.start) if entry.size < self._cutoff else self._chain(entry.start)
        if len(found) < entry.size:
            raise ValueError("stream is cut off")
        return found[: entry.size]

    def _sector(self, number: int) -> bytes:
        start = (number + 1) * self._size
        found = self._content[start : start + self._size]
        if not found:
            raise ValueError("sector beyond the end of the file")
        return found

    def _read_fat(self, difat: int) -> tuple[int, ...]:
        sectors = [*struct.unpack_from("<109I", self._content, 76)]
        seen: set[int] = set()
        while difat < _FREE:
            if difat in seen:
                raise ValueError("circular chain")
            seen.add(difat)
            more = _numbers(self._sector(difat))
            sectors += more[:-1]
            difat = more[-1] if more else _FREE
        used = [number for number in sectors if number < _FREE]
        return _numbers(b"".join(self._sector(number) for number in used))

    def _chain(self, number: int) -> bytes:
        found: list[bytes] = []
        while number < _FREE:
            if number >= len(self._fat) or len(found) > len(self._fat):
                raise ValueError("broken chain")
            found.append(self._sector(number))
            number = self._fat[number]
        return b"".join(found)

    def _mini_chain(self, number: int) -> bytes:
        found: list[bytes] = []
        while number < _FREE:
            if number >= len(self._mini_fat) or len(found) > len(self._mini_fat):
                raise ValueError("broken chain")
            found.append(self._mini[number * 64 : number * 64 + 64])
            number = self._mini_fat[number]
        return b"".join(found)


def _numbers(raw: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(raw) // 4}I", raw[: len(raw) // 4 * 4])


def _entry(raw: bytes) -> _Entry:
    length = max(0, min(struct.unpack_from("<H", raw, 64)[0] - 2, 64))
    start, size = struct.unpack_from("<II", raw, 116)
    return _Entry(raw[:length].decode("utf-16-le", "replace"), raw[66], start, size)
