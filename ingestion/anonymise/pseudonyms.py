"""Keyed pseudonyms: HMAC-SHA256 (RFC 2104, RFC 6234), cut to 96 bits.

The same person has the same pseudonym in every delivery of a scope, and nobody without the key can try out person
numbers. Two scopes, and two columns of a scope, have nothing in common.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import numpy as np
import pyarrow as pa

LENGTH: Final = 24
"""Hex characters kept. 96 bits: among 5 million persons two share a pseudonym with probability 2e-16."""
_BYTES: Final = LENGTH // 2
_CACHE_LIMIT: Final = 1_000_000
_BLOCK: Final = 64
_HEX: Final = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


class Pseudonyms:
    """Pseudonyms for one column of one scope.

    What was computed is remembered, because a register repeats nearly all its persons every half-year. The memory lives
    as long as one source is landed and is never stored.
    """

    def __init__(self, key: bytes, scope: str, column: str) -> None:
        derived = hmac.digest(key, f"lagebild pseudonym v1\x1f{scope}\x1f{column}".encode(), "sha256")
        padded = derived.ljust(_BLOCK, b"\0")
        # Both halves of the HMAC start with a constant block: hashed once, copied per value (half the time).
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))
        self._known: dict[bytes, bytes] = {}

    def of(self, column: pa.ChunkedArray | pa.Array) -> pa.Array:
        """The pseudonyms of a text column; no value stays no value."""
        array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        coded = array.cast(pa.string()).dictionary_encode()
        values: list[bytes] = coded.dictionary.cast(pa.binary()).to_pylist()
        if not values:
            return pa.nulls(len(array), pa.string())
        found = [self._known.get(value) for value in values]
        fresh = [position for position, digest in enumerate(found) if digest is None]
        inner_half, outer_half = self._inner.copy, self._outer.copy
        for position in fresh:  # written out: millions of times, a call costs as much as a hash
            inner, outer = inner_half(), outer_half()
            inner.update(values[position])
            outer.update(inner.digest())
            found[position] = outer.digest()[:_BYTES]
        if len(self._known) + len(fresh) <= _CACHE_LIMIT:
            self._known.update((values[position], found[position] or b"") for position in fresh)
        return _hex(b"".join(digest for digest in found if digest)).take(coded.indices)


def _hex(digests: bytes) -> pa.Array:
    """Digests written one after the other, as text: built in one go, a register has millions."""
    raw = np.frombuffer(digests, np.uint8)
    text = np.empty(2 * len(raw), np.uint8)
    text[0::2], text[1::2] = _HEX[raw >> 4], _HEX[raw & 15]
    count = len(raw) // _BYTES
    offsets = np.arange(count + 1, dtype=np.int32) * LENGTH
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(text))
