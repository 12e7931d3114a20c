"""The address register as an index: Gemeinde, street and house number → block.

Built from the landed tables `address`; rows are looked up column by column, so that a register extract of millions of
rows costs seconds. Does not belong here: spelling (`addresses`), what is done with unmatched rows (`review`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.anonymise.addresses import HouseNumber, house_number, split_address, street_key

Codes = npt.NDArray[np.int64]
_TEXTS: Final = pa.schema(
    [(name, pa.string()) for name in ("gemeinde_code", "street", "house_number", "block_code")]
)
_NONE: Final = -1
_AMBIGUOUS: Final = -2


class Outcome(IntEnum):
    """How the search for an address ended."""

    MATCHED = 0
    NO_ADDRESS = 1
    """No street or no house number: without fixed abode, foreign address, left empty."""
    STREET_UNKNOWN = 2
    HOUSE_UNKNOWN = 3
    AMBIGUOUS = 4
    """Several blocks fit (the number without its suffix, a range over two blocks)."""


@dataclass(frozen=True)
class Located:
    """Blocks of the rows of a table, and what was searched for."""

    blocks: pa.Array
    outcome: npt.NDArray[np.int8]
    gemeinde: pa.Array
    """Per row, as far as the register knows it: whatever else stands in that cell is not passed on."""
    street_keys: list[str]
    street: Codes
    """Per row, position in `street_keys`."""
    house: Codes
    """Per row, position in `house_cells`."""
    house_cells: list[str]

    def house_cell(self, row: int) -> str:
        """House number of a row as written; empty: none."""
        return self.house_cells[int(self.house[row])]


@dataclass
class AddressIndex:
    """Addresses of all Gemeinden. Use `AddressIndex.of`."""

    _blocks: list[str]
    _gemeinden: dict[str, int]
    _streets: dict[str, int]
    _houses: dict[str, int]
    _known_streets: Codes
    """Gemeinde × street, sorted."""
    _exact: tuple[Codes, Codes]
    """Sorted keys Gemeinde × street × house number, and positions of their blocks."""
    _by_number: tuple[Codes, Codes]
    """The same by the bare number; a number whose suffixes lie in two blocks is ambiguous."""
    _spelling: dict[str, str]
    """Spellings met so far → key."""
    _numbers: dict[str, HouseNumber | None]

    @classmethod
    def of(cls, tables: Iterable[pa.Table]) -> AddressIndex:
        """The index of landed `address` tables (columns gemeinde_code, street, house_number, block_code)."""
        joined = pa.concat_tables(
            [
                table.select(["gemeinde_code", "street", "house_number", "block_code"]).cast(_TEXTS)
                for table in tables
            ]
            or [_TEXTS.empty_table()]
        )
        (g, gemeinden), (street, names), (house, written), (b, blocks) = map(_encode, joined.columns)
        spelling = {name: street_key(name) for name in names}
        numbers = {text: house_number(text) for text in written}
        streets: dict[str, int] = {}
        houses: dict[str, int] = {}
        s = _per_row(street, [_position(streets, spelling[name]) for name in names])
        h = _per_row(house, [_position(houses, n.key if (n := numbers[text]) else "") for text in written])
        bare = _per_row(
            house, [_position(houses, str(n.low) if (n := numbers[text]) else "") for text in written]
        )
        usable = (g >= 0) & (s >= 0) & (h >= 0) & (b >= 0)
        exact, by_number = [np.stack([g, s, h, b])[:, usable]], [np.stack([g, s, bare, b])[:, usable]]
        # Ranges (12-16) are also known by each of their numbers; there are few.
        spans = {code: n for code, text in enumerate(written) if (n := numbers[text]) and n.high > n.low}
        for row in np.flatnonzero(usable & np.isin(house, list(spans))) if spans else ():
            inside = [houses.setdefault(str(item), len(houses)) for item in spans[house[row]].numbers()]
            entries = np.array([[g[row], s[row], item, b[row]] for item in inside], np.int64).T
            exact.append(entries)
            by_number.append(entries)
        width, depth = max(len(streets), 1), max(len(houses), 1)
        all_exact = np.concatenate(exact, axis=1)
        return cls(
            blocks,
            {code: position for position, code in enumerate(gemeinden)},
            streets,
            houses,
            np.unique(all_exact[0] * width + all_exact[1]),
            _sorted(all_exact, width, depth),
            _sorted(np.concatenate(by_number, axis=1), width, depth),
            spelling,
            numbers,
        )

    def __len__(self) -> int:
        return len(self._exact[0])

    def locate(
        self, gemeinde: pa.ChunkedArray, street: pa.ChunkedArray, house: pa.ChunkedArray | None
    ) -> Located:
        """Blocks of addresses given as three parallel text columns; without `house` the street holds both."""
        if house is None:
            street, house = _split(street)
        g_codes, g_cells = _encode(gemeinde)
        s_codes, s_cells = _encode(street)
        h_codes, h_cells = _encode(house)
        keys = [self._key(cell) for cell in s_cells]
        numbers = [self._number(cell) for cell in h_cells]
        g = _per_row(g_codes, [self._gemeinden.get(cell, _NONE) for cell in g_cells])
        s = _per_row(s_codes, [self._streets.get(key, _NONE) for key in keys])
        h = _per_row(h_codes, [_NONE if n is None else self._houses.get(n.key, _NONE) for n in numbers])
        bare = _per_row(
            h_codes, [_NONE if n is None else self._houses.get(str(n.low), _NONE) for n in numbers]
        )
        width, depth = max(len(self._streets), 1), max(len(self._houses), 1)
        place = np.where((g >= 0) & (s >= 0), g * width + s, _NONE)
        found = _search(self._exact, place, h, depth)
        open_rows = found == _NONE
        found[open_rows] = _search(self._by_number, place[open_rows], bare[open_rows], depth)
        self._ranges(found, place, h_codes, numbers, depth)

        lacks = _per_row(s_codes, [0 if key else _NONE for key in keys]) < 0
        lacks |= _per_row(h_codes, [_NONE if n is None else 0 for n in numbers]) < 0
        known = np.isin(place, self._known_streets)
        outcome = np.select(
            [found >= 0, lacks, ~known, found == _AMBIGUOUS],
            [Outcome.MATCHED, Outcome.NO_ADDRESS, Outcome.STREET_UNKNOWN, Outcome.AMBIGUOUS],
            Outcome.HOUSE_UNKNOWN,
        ).astype(np.int8)
        positions = pa.array(np.maximum(found, 0), mask=found < 0)
        blocks = pa.array(self._blocks or [""], pa.string()).take(positions)
        named = pc.if_else(pa.array(g >= 0), _flat(gemeinde), pa.scalar(None, pa.string()))
        return Located(blocks, outcome, named, [*keys, ""], s_codes, h_codes, [*h_cells, ""])

    def _key(self, street: str) -> str:
        if street not in self._spelling:
            self._spelling[street] = street_key(street)
        return self._spelling[street]

    def _number(self, written: str) -> HouseNumber | None:
        if written not in self._numbers:
            self._numbers[written] = house_number(written)
        return self._numbers[written]

    def _ranges(
        self, found: Codes, place: Codes, h_codes: Codes, numbers: list[HouseNumber | None], depth: int
    ) -> None:
        """Delivered ranges the register does not know as such: one block, if all known numbers agree."""
        spans = [code for code, n in enumerate(numbers) if n is not None and n.high > n.low]
        rows = np.flatnonzero(np.isin(h_codes, spans) & (place >= 0)) if spans else np.array([], np.int64)
        for row in rows:
            number = numbers[h_codes[row]]
            assert number is not None
            if (
                self._houses.get(number.key, _NONE) >= 0
                and found[row] >= 0
                and self._is_exact(int(place[row]), number.key, depth)
            ):
                continue
            houses = np.array([self._houses.get(str(item), _NONE) for item in number.numbers()], np.int64)
            blocks = set(_search(self._by_number, np.full(len(houses), place[row]), houses, depth).tolist())
            blocks.discard(_NONE)
            found[row] = blocks.pop() if len(blocks) == 1 else _AMBIGUOUS if blocks else _NONE

    def _is_exact(self, place: int, key: str, depth: int) -> bool:
        house = np.array([self._houses[key]], np.int64)
        return bool(_search(self._exact, np.array([place]), house, depth)[0] >= 0)


def _position(known: dict[str, int], key: str) -> int:
    """Number of a key, a new one if need be; -1 for none."""
    return known.setdefault(key, len(known)) if key else _NONE


def _sorted(entries: Codes, width: int, depth: int) -> tuple[Codes, Codes]:
    """Keys and blocks (rows of `entries`: Gemeinde, street, house number, block) sorted by key, each key once; a key
    with two blocks is ambiguous."""
    if not entries.shape[1]:
        return np.array([], np.int64), np.array([], np.int64)
    g, s, h, block = entries
    key = (g * width + s) * depth + h
    order = np.lexsort((block, key))
    key, block = key[order], block[order]
    starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    lowest, highest = np.minimum.reduceat(block, starts), np.maximum.reduceat(block, starts)
    return key[starts], np.where(lowest == highest, lowest, _AMBIGUOUS)


def _search(index: tuple[Codes, Codes], place: Codes, house: Codes, depth: int) -> Codes:
    keys, blocks = index
    if not len(keys):
        return np.full(len(place), _NONE, np.int64)
    wanted = np.where((place >= 0) & (house >= 0), place * depth + house, _NONE)
    position = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[position] == wanted, blocks[position], _NONE)


def _flat(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _encode(column: pa.ChunkedArray | pa.Array) -> tuple[Codes, list[str]]:
    coded = _flat(column).cast(pa.string()).dictionary_encode()
    codes = pc.fill_null(coded.indices, _NONE).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, coded.dictionary.to_pylist()


def _per_row(codes: Codes, values: list[int]) -> Codes:
    """Value of each row's cell; an empty cell (code -1) takes the last entry."""
    return np.array([*values, _NONE], np.int64)[codes]


def _split(column: pa.ChunkedArray | pa.Array) -> tuple[pa.Array, pa.Array]:
    codes, cells = _encode(column)
    parts: list[tuple[Any, Any]] = [*(split_address(cell) for cell in cells), (None, None)]
    rows = pa.array(np.where(codes < 0, len(cells), codes))
    street = pa.array([part[0] or None for part in parts], pa.string()).take(rows)
    house = pa.array([part[1] or None for part in parts], pa.string()).take(rows)
    return street, house
