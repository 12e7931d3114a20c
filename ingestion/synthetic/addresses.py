"""Addresses of the Musterkreis: which block has which, where a household lives, and how offices write it.

Belongs here: the address book and its spellings. Does not belong here: reading them (nothing of
`ingestion.anonymise` is used, so that the two check each other).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingestion.synthetic import names
from ingestion.synthetic.areas import Areas, BlockCodes
from ingestion.synthetic.chance import uniform

Array = NDArray[Any]
SPELLING_SHARE: Final = 0.08
"""Share of households whose address is written otherwise than in the register (and still the same address)."""

_STREETS: Final[tuple[Callable[[str], str], ...]] = (
    lambda street: street.replace("straße", "str.").replace("platz", "pl.").replace("weg", "w."),
    lambda street: street.replace("ß", "ss"),
    lambda street: street.upper(),
    lambda street: street.replace("straße", " Straße").replace("weg", " Weg").replace("platz", "-Platz"),
    lambda street: (
        street.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("straße", "str").lower()
    ),
)
_HOUSES: Final[tuple[Callable[[str], str], ...]] = (
    lambda house: house.replace(" ", ""),
    lambda house: house.upper(),
    lambda house: f"0{house}",
    lambda house: f"Nr. {house}",
    lambda house: f"{house} Hinterhaus",
)
_UNKNOWN: Final = "Neubauring"
"""A street built after the address register was made."""


@dataclass(frozen=True)
class AddressBook:
    """All addresses in the order of the blocks. `street` and `house` are positions in the lists of names."""

    streets: list[str]
    houses: list[str]
    street: Array
    house: Array
    first: Array
    """Per block: its first address."""
    count: Array
    """Per block: number of addresses, at least three."""

    @classmethod
    def build(cls, areas: Areas, codes: BlockCodes, rng: np.random.Generator) -> AddressBook:
        """One book for all years: streets are named per Gemeinde of today."""
        count = np.clip(np.round(areas.blocks["weight"].to_numpy() * 310_000 / 6.5), 3, 160).astype(int)
        first = np.concatenate([[0], np.cumsum(count)[:-1]])
        streets: dict[str, int] = {}
        houses: dict[str, int] = {}
        street = np.zeros(count.sum(), dtype=np.int32)
        house = np.zeros(count.sum(), dtype=np.int32)
        for gemeinde in sorted(set(codes.gemeinde)):
            mine = np.flatnonzero(codes.gemeinde == gemeinde)
            known = names.street_names(rng, min(max(3, round(len(mine) * 1.6)), 340))
            used = dict.fromkeys(known, 0)
            for block in mine:
                own = [known[i] for i in rng.permutation(len(known))[:3]]
                for number in range(count[block]):
                    name = own[number % len(own)]
                    used[name] += 1
                    written = f"{used[name]}" + (" a" if rng.random() < 0.04 else "")
                    street[first[block] + number] = streets.setdefault(name, len(streets))
                    house[first[block] + number] = houses.setdefault(written, len(houses))
        return cls(list(streets), list(houses), street, house, first, count)

    def rows(self, areas: Areas, codes: BlockCodes, former: BlockCodes) -> list[list[str]]:
        """AGS, Gemeinde, street, house number, block; of dissolved Gemeinden also under their former codes."""
        columns: list[list[str]] = [[], [], [], [], []]
        block = np.repeat(np.arange(len(self.count)), self.count)
        for number, valid in enumerate((codes, former)):
            for address, of in enumerate(block):
                if number and valid.block[of] == codes.block[of]:
                    continue
                gemeinde = valid.gemeinde[of]
                entry = (
                    gemeinde,
                    areas.names[gemeinde],
                    self.streets[self.street[address]],
                    self.houses[self.house[address]],
                    valid.block[of],
                )
                for column, value in zip(columns, entry, strict=True):
                    column.append(value)
        return columns

    def written(
        self, household: Array, block: Array, deliverable: Array, seed: int
    ) -> tuple[pa.Array, pa.Array]:
        """Street and house number of persons as the register writes them.

        Where not `deliverable` the address cannot be found: left empty, a new street, a new number, or a misspelling.
        """
        key = household * 2048 + block
        address = self.first[block] + (uniform(key, seed, "address") * self.count[block]).astype(np.int64)
        street, house = self.street[address], self.house[address]
        # The form is the household's as long as it lives there: nobody enters an address anew every half-year.
        chance = uniform(key, seed, "spelling")
        odd = chance < SPELLING_SHARE
        form = (chance / SPELLING_SHARE * len(_STREETS)).astype(np.int64)
        spelling = np.where(odd, form + 1, 0)
        fault = (uniform(key, seed, "unknown address") * 4).astype(np.int64)
        spelling = np.where(deliverable, spelling, len(_STREETS) + 1 + fault)

        s, h = len(self.streets), len(self.houses)
        street_forms = [*self.streets]
        for write in _STREETS:
            street_forms += [write(name) for name in self.streets]
        # Faults: empty, new street, known street with a new number, misspelt.
        street_forms += (
            [""] * s + [_UNKNOWN] * s + self.streets + [name[0] + name[2:] for name in self.streets]
        )
        house_forms = [*self.houses]
        for write in _HOUSES:
            house_forms += [write(number) for number in self.houses]
        beyond = [str(5000 + number) for number in range(h)]
        house_forms += [""] * h + self.houses + beyond + self.houses
        return (
            pa.array(street_forms, pa.string()).take(pa.array(spelling * s + street)),
            pa.array(house_forms, pa.string()).take(pa.array(spelling * h + house)),
        )
