"""A published table as the audit sees it: figures with their place, and which figures add up to which.

Belongs here: the data between reading and attacking. Does not belong here: how it is read (`layout`, `landed`).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from disclosure.rates import Rounding

Key = tuple[str, ...]
"""One member per dimension."""


WHOLE = "total"
"""Group of landed observations that is not broken down."""


class Unreadable(Exception):
    """The table cannot be audited; the message is German and names sheet, row and column."""


@dataclass(frozen=True)
class Group:
    """`whole` is the sum of `parts`; with `has_rest` there is more in it than the table lists."""

    whole: str
    parts: tuple[str, ...]
    has_rest: bool = False


@dataclass(frozen=True)
class Dimension:
    """One feature of a table, its members in printed order, and its sums. A whole may be divided in several ways."""

    name: str
    members: tuple[str, ...]
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True)
class Figure:
    """One printed cell. `value` in units (None: hidden); `below`: the table itself says the value is smaller."""

    key: Key
    value: int | None
    place: str
    sign: str = ""
    below: int | None = None

    @property
    def is_hidden(self) -> bool:
        return self.value is None


@dataclass(frozen=True)
class PrintedRate:
    """A printed rate; the parts are keys of the table or known numbers (in units)."""

    key: Key
    value: Decimal
    decimals: int
    numerator: Key
    denominator: Key | int
    place: str
    factor: int = 100
    rounding: Rounding = Rounding.COMMERCIAL


@dataclass(frozen=True)
class PublishedTable:
    """Everything a reader of the table has. Figures have distinct keys."""

    name: str
    dimensions: tuple[Dimension, ...]
    figures: tuple[Figure, ...]
    rates: tuple[PrintedRate, ...] = ()
    same: tuple[tuple[Key, Key], ...] = ()
    """Pairs of keys that stand for the same figure: the one is printed, the other hidden elsewhere."""
    nested: tuple[tuple[int, int], ...] = ()
    """Pairs of dimensions (outer, inner): a member of the inner one exists below one member of the outer one only."""
    scale: int = 1
    """Units per printed 1 (100 where two decimals are printed)."""
    notes: tuple[str, ...] = ()
    """What was recognised and assumed, in German: a reader has to be able to object."""

    def label(self, key: Key, beside: Key | None = None) -> str:
        """How a key is shown: its members without the ones that say nothing; `beside` another key only what differs."""
        if beside is not None and len(beside) == len(key):
            differing = [part for part, other in zip(key, beside, strict=True) if part != other]
            return " · ".join("insgesamt" if part == WHOLE else part for part in differing) or self.name
        told = [
            part
            for part, dimension in zip(key, self.dimensions, strict=True)
            if part and part != WHOLE and len(dimension.members) > 1
        ]
        return " · ".join(told) or self.name


@dataclass(frozen=True)
class Assumptions:
    """What the reader of the table is told beside it."""

    threshold: int = 3
    """Counts from 1 to threshold − 1 are to be protected."""
    only_small: bool = False
    """The publication says that nothing but values below the threshold is hidden."""
    zeros_shown: bool = False
    """Zeros are printed: a hidden figure is at least 1."""
