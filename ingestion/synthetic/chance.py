"""Repeatable chance: uniform numbers from hashes of keys, so that traits do not depend on the order of draws.

Does not belong here: anything that knows what the numbers are used for.
"""

from __future__ import annotations

import zlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]
Words = NDArray[np.uint64]

_HEX: Final = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


def salt(*parts: object) -> int:
    """Stable 32-bit number of some words (Python's own hash changes from run to run)."""
    return zlib.crc32("|".join(str(part) for part in parts).encode())


def mix(keys: NDArray[Any], number: int) -> Words:
    """64-bit hash (splitmix64) of integer keys and a salt."""
    value = keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(
        (number * 0xD1342543DE82EF95 + 0x2545F4914F6CDD1D) % 2**64
    )
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def uniform(keys: NDArray[Any], *parts: object) -> Floats:
    """Uniform numbers in [0, 1) that depend on key and salt only."""
    return (mix(keys, salt(*parts)) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def pseudonym(keys: NDArray[Any], *parts: object) -> NDArray[np.bytes_]:
    """16 hex characters per key; different keys give different pseudonyms (the hash is a bijection)."""
    raw = mix(keys, salt(*parts)).astype(">u8").view(np.uint8).reshape(-1, 8)
    digits = np.empty((len(raw), 16), dtype=np.uint8)
    digits[:, 0::2] = _HEX[raw >> 4]
    digits[:, 1::2] = _HEX[raw & 15]
    return np.ascontiguousarray(digits).view("S16").ravel()


def probit(score: NDArray[Any]) -> Floats:
    """Probability of a standard normal score."""
    return np.asarray(ndtr(score), dtype=np.float64)
