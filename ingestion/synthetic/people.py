"""The simulated persons as parallel arrays, and what follows from them without chance: ages and households.

Grain: one person. Does not belong here: events (`population`), benefits (`benefits`), codes of areas.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

HEAD, PARTNER, CHILD, OTHER = 0, 1, 2, 3
SEX: Final = ("m", "f", "d")
REGIONS: Final = (
    "Deutschland", "EU", "Türkei", "Westbalkan", "Naher und Mittlerer Osten", "Ukraine", "Afrika", "Asien", "sonstige",
)  # fmt: skip
GERMAN, EU, MIDDLE_EAST, UKRAINE, AFRICA = 0, 1, 4, 5, 6
HOUSEHOLD_TYPES: Final = ("single", "couple", "couple_children", "single_parent", "other")
NATIVE: Final = -99

Array = NDArray[Any]


@dataclass
class People:
    """Persons alive and resident at one moment."""

    pid: Array  # int64, never used again
    hid: Array  # int64, household
    birth: Array  # int32 yyyymmdd: age = (date - birth) // 10000 is exact
    sex: Array  # int8, index of SEX
    nat: Array  # int8, index of REGIONS
    mig: Array  # bool, migration background
    refugee: Array  # bool, came as refugee
    arrived: Array  # int16, half-year of arrival; NATIVE: resident before the simulation
    block: Array  # int16, row of Areas.blocks
    role: Array  # int8
    ses: Array  # float32, social status (z)
    work: Array  # float32, slowly moving latent of employment
    need: Array  # float32, slowly moving latent of neediness; that of the head counts
    jobless: Array  # int16, reference dates in a row as unemployed

    def __len__(self) -> int:
        return len(self.pid)

    def take(self, index: Array) -> People:
        """The persons of a mask or index."""
        return People(*(getattr(self, item.name)[index] for item in fields(self)))

    def join(self, other: People) -> People:
        """Both, in this order."""
        return People(
            *(np.concatenate([getattr(self, item.name), getattr(other, item.name)]) for item in fields(self))
        )

    def age(self, day: int) -> NDArray[np.int64]:
        """Completed years on a day given as yyyymmdd."""
        return (day - self.birth.astype(np.int64)) // 10000


@dataclass(frozen=True)
class Households:
    """Households of `People`; `of` maps person to row of the household arrays."""

    hid: Array
    of: Array
    head: Array  # row of the head in People
    size: Array
    minors: Array
    adults: Array
    partnered: Array  # bool
    kind: Array  # index of HOUSEHOLD_TYPES


def households(people: People, day: int) -> Households:
    """Composition on a day; assumes that every household has exactly one head (see `settle_heads`)."""
    hid, of = np.unique(people.hid, return_inverse=True)
    count = len(hid)
    head = np.zeros(count, dtype=np.int64)
    rows = np.flatnonzero(people.role == HEAD)
    head[of[rows]] = rows
    size = np.bincount(of, minlength=count)
    minor = people.age(day) < 18
    minors = np.bincount(of, weights=minor, minlength=count).astype(np.int64)
    partnered = np.bincount(of, weights=people.role == PARTNER, minlength=count) > 0
    others = np.bincount(of, weights=people.role == OTHER, minlength=count) > 0
    kind = np.full(count, 4, dtype=np.int8)
    kind[~partnered & ~others & (minors > 0)] = 3
    kind[partnered & (minors > 0)] = 2
    kind[partnered & (size == 2) & (minors == 0)] = 1
    kind[size == 1] = 0
    return Households(hid, of, head, size, minors, size - minors, partnered, kind)


def settle_heads(people: People, day: int) -> NDArray[np.int64]:
    """Gives every household a head (partner, else the oldest); returns rows of households led by a minor."""
    order = np.lexsort((people.birth, people.role, people.hid))
    hid = people.hid[order]
    first = order[np.concatenate([[True], hid[1:] != hid[:-1]])]
    people.role[first] = HEAD
    return np.asarray(first[people.age(day)[first] < 18], dtype=np.int64)
