"""Published rates, means, differences, indices and sums as knowledge of the attacker: integer rows over atoms.

Belongs here: what a rounded figure says about the whole numbers behind it, in exact fractions. Does not belong here:
which rates a table prints (`orchestration.pruefung`) and what follows from the rows (`audit`, `solver`).

A rate r = f·n/N printed with d decimals says r−ε ≤ f·n/N < r+ε with ε half a unit of the last place. For a known N
these are bounds on n, for a known n bounds on N, and for two unknown ones the rows f·n ≥ (r−ε)·N and f·n < (r+ε)·N.
A numerator is fully revealed when 2εN < f: below 100 at whole percent, 1,000 at one decimal, 10,000 at two
(Hundepool et al. 2012, ch. 4; `docs/geheimhaltung-pruefen.md`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

import numpy as np
from scipy.sparse import csr_matrix, vstack

from disclosure.table import UNLIMITED, Knowledge

Number = int | Fraction | Decimal
Terms = Mapping[int, Number]
"""Atom → coefficient."""

LARGEST_COEFFICIENT = 2**53
"""Solvers compute in doubles: a larger integer would be another one there."""


class Rounding(StrEnum):
    """How the printed figure came about."""

    COMMERCIAL = "kaufmaennisch"
    """Half away from zero (DIN 1333): 2.5 is printed as 3."""
    NEAREST = "naechste"
    """To the nearest, ties in either direction: for publications that do not say (spreadsheets, half-even)."""
    TRUNCATED = "abgeschnitten"
    """Further digits are cut off, towards zero."""


@dataclass(frozen=True)
class Span:
    """An interval of exact fractions; None is an open-ended side, `open_*` excludes the end itself."""

    low: Fraction | None
    high: Fraction | None
    open_low: bool = False
    open_high: bool = False

    @classmethod
    def exactly(cls, value: Number) -> Span:
        return cls(Fraction(value), Fraction(value))

    def scaled(self, factor: Number) -> Span:
        """All values times a factor greater than zero."""
        by = Fraction(factor)
        if by <= 0:
            raise ValueError("a span is scaled by positive factors only")
        return Span(
            None if self.low is None else self.low * by,
            None if self.high is None else self.high * by,
            self.open_low,
            self.open_high,
        )

    def integers(self) -> tuple[int, int]:
        """Smallest and largest integer inside; ±UNLIMITED on open-ended sides; lower > upper when there is none."""
        lower, upper = -UNLIMITED, UNLIMITED
        if self.low is not None:
            lower = math.floor(self.low) + 1 if self.open_low else math.ceil(self.low)
        if self.high is not None:
            upper = math.ceil(self.high) - 1 if self.open_high else math.floor(self.high)
        return lower, upper


def rounded(value: Number, decimals: int, rounding: Rounding = Rounding.COMMERCIAL) -> Span:
    """All exact values that are printed as `value` with `decimals` places (negative: tens, hundreds …)."""
    printed = Fraction(value)
    unit = Fraction(10) ** -decimals
    if rounding is Rounding.TRUNCATED:
        if printed == 0:
            return Span(-unit, unit, open_low=True, open_high=True)
        if printed > 0:
            return Span(printed, printed + unit, open_high=True)
        return Span(printed - unit, printed, open_low=True)
    half = unit / 2
    if rounding is Rounding.NEAREST:
        return Span(printed - half, printed + half)
    # Half away from zero: the end nearer to zero belongs to this figure, the other one to the next.
    return Span(printed - half, printed + half, open_low=printed <= 0, open_high=printed >= 0)


def numerator_bounds(
    value: Number,
    decimals: int,
    denominator: int,
    factor: Number = 100,
    rounding: Rounding = Rounding.COMMERCIAL,
) -> tuple[int, int]:
    """Smallest and largest whole numerator (not negative) behind a rate over a known denominator.

    Raises ValueError when no numerator fits: rate and denominator do not belong together.
    """
    if denominator <= 0:
        raise ValueError("a rate has a denominator greater than zero")
    lower, upper = (
        rounded(value, decimals, rounding).scaled(Fraction(denominator) / Fraction(factor)).integers()
    )
    lower = max(lower, 0)
    if lower > upper:
        raise ValueError(f"no whole numerator over {denominator} is printed as {value}")
    return lower, upper


def denominator_bounds(
    value: Number,
    decimals: int,
    numerator: int,
    factor: Number = 100,
    rounding: Rounding = Rounding.COMMERCIAL,
) -> tuple[int, int]:
    """Smallest and largest whole denominator (at least 1) behind a rate with a known numerator; UNLIMITED if open.

    Raises ValueError when no denominator fits.
    """
    span = rounded(value, decimals, rounding)
    scaled = Fraction(factor) * numerator
    lower, upper = 1, UNLIMITED
    # low <= scaled / N <= high, turned round; a low end at or below zero says nothing about N when n is not negative.
    if span.high is not None:
        if scaled > 0 and span.high <= 0:
            raise ValueError(f"no denominator below {numerator} is printed as {value}")
        if span.high > 0:
            least = scaled / span.high
            lower = max(lower, math.floor(least) + 1 if span.open_high else math.ceil(least))
    if span.low is not None and span.low > 0:
        most = scaled / span.low
        upper = math.ceil(most) - 1 if span.open_low else math.floor(most)
    if lower > upper:
        raise ValueError(f"no denominator below {numerator} is printed as {value}")
    return lower, upper


def revealed_numerator(
    value: Number,
    decimals: int,
    denominator: int,
    factor: Number = 100,
    rounding: Rounding = Rounding.COMMERCIAL,
) -> int | None:
    """The numerator if rate and denominator leave only one; None if several fit."""
    lower, upper = numerator_bounds(value, decimals, denominator, factor, rounding)
    return lower if lower == upper else None


def always_reveals(denominator: int, decimals: int, factor: Number = 100) -> bool:
    """True when every rate over this denominator gives its numerator away: 2εN < f, whatever the way of rounding."""
    return Fraction(10) ** -decimals * denominator < Fraction(factor)


@dataclass(frozen=True)
class Statement:
    """One thing the attacker reads: the sum of coefficient × atom lies in `span`."""

    terms: Terms
    span: Span


@dataclass(frozen=True)
class Rate:
    """A printed rate or mean: value = factor × numerator / denominator. A part is a known number or a sum of atoms."""

    numerator: int | Terms
    denominator: int | Terms
    value: Number
    decimals: int
    factor: Number = 100
    rounding: Rounding = Rounding.COMMERCIAL

    def statements(self) -> list[Statement]:
        """What the rate says; nothing when both parts are known. A printed rate has a denominator of at least 1."""
        span = rounded(self.value, self.decimals, self.rounding)
        if isinstance(self.denominator, int):
            if isinstance(self.numerator, int):
                return []
            return [
                Statement(self.numerator, span.scaled(Fraction(self.denominator) / Fraction(self.factor)))
            ]
        existing = Statement(self.denominator, Span(Fraction(1), None))
        if isinstance(self.numerator, int):
            lower, upper = denominator_bounds(
                self.value, self.decimals, self.numerator, self.factor, self.rounding
            )
            high = None if upper == UNLIMITED else Fraction(upper)
            return [Statement(self.denominator, Span(Fraction(lower), high))]
        found = [existing]
        for end, is_low in ((span.low, True), (span.high, False)):
            if end is None:
                continue
            terms = {atom: Fraction(self.factor) * Fraction(by) for atom, by in self.numerator.items()}
            for atom, by in self.denominator.items():
                terms[atom] = Fraction(terms.get(atom, 0)) - end * Fraction(by)
            zero = Fraction(0)
            found.append(
                Statement(terms, Span(zero, None, open_low=span.open_low))
                if is_low
                else Statement(terms, Span(None, zero, open_high=span.open_high))
            )
        return found


def linear_knowledge(statements: Sequence[Statement], atoms: int) -> Knowledge:
    """Integer rows for anything linear: sums, cumulated values, differences between periods, weighted means.

    Coefficients are brought to their common denominator and divided by their common factor, so that the bounds are as
    tight as whole atoms allow. Raises ValueError when a statement contradicts every whole table or a coefficient is
    too large.
    """
    indptr, indices, data = [0], [], []
    lowers, uppers = [], []
    for statement in statements:
        exact = {atom: Fraction(by) for atom, by in statement.terms.items() if by != 0}
        if not exact:
            continue
        common = math.lcm(*(by.denominator for by in exact.values()))
        whole = {atom: int(by * common) for atom, by in exact.items()}
        shared = math.gcd(*whole.values())
        row = {atom: by // shared for atom, by in whole.items()}
        if max(abs(by) for by in row.values()) > LARGEST_COEFFICIENT:
            raise ValueError("a rate has too many digits for exact rows")
        lower, upper = statement.span.scaled(Fraction(common, shared)).integers()
        if lower > upper:
            raise ValueError("a published figure fits no whole table")
        indices += list(row)
        data += list(row.values())
        indptr.append(len(indices))
        lowers.append(lower)
        uppers.append(upper)
    rows = csr_matrix(
        (np.array(data, dtype=np.int64), np.array(indices, dtype=np.int64), np.array(indptr, dtype=np.int64)),
        shape=(len(lowers), atoms),
    )
    return Knowledge(rows, np.array(lowers, dtype=np.int64), np.array(uppers, dtype=np.int64))


def rate_knowledge(rates: Sequence[Rate], atoms: int) -> Knowledge:
    """Rows of all rates; see `Rate.statements` and `linear_knowledge`."""
    return linear_knowledge([statement for rate in rates for statement in rate.statements()], atoms)


def difference(
    now: Terms, before: Terms, value: Number, decimals: int = 0, rounding: Rounding = Rounding.COMMERCIAL
) -> Statement:
    """A printed change to the previous period: now − before, exact or rounded (`decimals` below 0: to tens …)."""
    terms = {atom: Fraction(by) for atom, by in now.items()}
    for atom, by in before.items():
        terms[atom] = terms.get(atom, Fraction(0)) - Fraction(by)
    return Statement(terms, rounded(value, decimals, rounding))


def together(*parts: Knowledge) -> Knowledge:
    """All rows of several pieces of knowledge about the same atoms."""
    if not parts:
        raise ValueError("no knowledge to put together")
    rows = vstack([part.rows for part in parts], format="csr", dtype=np.int64)
    return Knowledge(
        csr_matrix(rows),
        np.concatenate([part.lower for part in parts]),
        np.concatenate([part.upper for part in parts]),
    )
