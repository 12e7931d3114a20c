"""Rates as knowledge: the truth lies inside, the bounds are those of brute force, the three known limits hold."""

from __future__ import annotations

import itertools
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disclosure.rates import (
    Rate,
    Rounding,
    Span,
    Statement,
    always_reveals,
    denominator_bounds,
    difference,
    linear_knowledge,
    numerator_bounds,
    rate_knowledge,
    revealed_numerator,
    rounded,
    together,
)
from disclosure.table import UNLIMITED, Knowledge

WAYS = {
    Rounding.COMMERCIAL: ROUND_HALF_UP,
    Rounding.NEAREST: ROUND_HALF_EVEN,
    Rounding.TRUNCATED: ROUND_DOWN,
}


def printed(value: Fraction, decimals: int, way: str = ROUND_HALF_UP) -> Decimal:
    """Rounds as a publication does, with the decimal module: other code than the one under test."""
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return exact.quantize(Decimal(1).scaleb(-decimals), rounding=way)


def fits(knowledge: Knowledge, world: tuple[int, ...]) -> bool:
    reached = knowledge.rows @ np.array(world)
    return bool((reached >= knowledge.lower).all() and (reached <= knowledge.upper).all())


@pytest.mark.parametrize(("decimals", "limit"), [(0, 100), (1, 1_000), (2, 10_000)])
def test_a_numerator_is_revealed_below_the_limit(decimals: int, limit: int) -> None:
    for denominator in (1, 7, limit // 2, limit - 1):
        assert always_reveals(denominator, decimals)
        for numerator in {0, 1, 2, 3, denominator // 3, denominator - 1, denominator}:
            value = printed(Fraction(100 * numerator, denominator), decimals)
            assert revealed_numerator(value, decimals, denominator) == numerator
    assert not always_reveals(limit, decimals)
    beyond = limit + limit // 10
    several = [
        numerator
        for numerator in range(beyond)
        if revealed_numerator(printed(Fraction(100 * numerator, beyond), decimals), decimals, beyond) is None
    ]
    assert several


@pytest.mark.parametrize("rounding", list(Rounding))
@settings(max_examples=60, deadline=None)
@given(numerator=st.integers(0, 300), denominator=st.integers(1, 300), decimals=st.integers(0, 2))
def test_bounds_of_one_part_are_those_of_brute_force(
    rounding: Rounding, numerator: int, denominator: int, decimals: int
) -> None:
    way = WAYS[rounding]
    value = printed(Fraction(100 * numerator, denominator), decimals, way)
    low, high = numerator_bounds(value, decimals, denominator, rounding=rounding)
    assert low <= numerator <= high
    same = [n for n in range(400) if printed(Fraction(100 * n, denominator), decimals, way) == value]
    if rounding is Rounding.NEAREST:
        # Ties may have gone either way: the bounds may take in one more at each end, never one fewer.
        assert low <= min(same) and max(same) <= high and high - low <= max(same) - min(same) + 2
    else:
        assert (low, high) == (min(same), max(same))
    low, high = denominator_bounds(value, decimals, numerator, rounding=rounding)
    assert low <= denominator <= high
    same = [n for n in range(1, 1_500) if printed(Fraction(100 * numerator, n), decimals, way) == value]
    if rounding is not Rounding.NEAREST:
        assert low == min(same) and min(high, 1_499) == max(same)


@settings(max_examples=80, deadline=None)
@given(
    parts=st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(0, 8)).filter(any),
    decimals=st.integers(0, 1),
    factor=st.sampled_from([1, 100, 1000]),
)
def test_two_unknown_parts_leave_exactly_the_worlds_that_print_the_same(
    parts: tuple[int, int, int], decimals: int, factor: int
) -> None:
    """Numerator: the first atom; denominator: all three. Every world with the printed rate, and no other, fits."""
    value = printed(Fraction(factor * parts[0], sum(parts)), decimals)
    knowledge = rate_knowledge([Rate({0: 1}, {0: 1, 1: 1, 2: 1}, value, decimals, factor)], 3)
    assert fits(knowledge, parts)
    for world in itertools.product(range(9), repeat=3):
        same = any(world) and printed(Fraction(factor * world[0], sum(world)), decimals) == value
        assert fits(knowledge, world) == same


@settings(max_examples=100, deadline=None)
@given(
    world=st.tuples(st.integers(0, 20), st.integers(0, 20)),
    decimals=st.integers(-1, 0),
)
def test_differences_between_periods(world: tuple[int, int], decimals: int) -> None:
    unit = 10**-decimals
    change = world[1] - world[0]
    value = (
        int(Decimal(change).quantize(Decimal(unit), rounding=ROUND_HALF_UP))
        if unit == 1
        else ((abs(change) + 5) // 10 * 10 * (1 if change >= 0 else -1))
    )
    knowledge = linear_knowledge([difference({1: 1}, {0: 1}, value, decimals)], 2)
    assert fits(knowledge, world)
    if decimals == 0:
        assert not fits(knowledge, (world[0], world[1] + 1))


def test_means_indices_and_cumulated_values_are_rows() -> None:
    # Mean 2.5 children over 4 households: 10 children (printed with one decimal).
    mean = rate_knowledge([Rate({0: 1}, 4, Decimal("2.5"), 1, factor=1)], 1)
    assert (mean.lower.tolist(), mean.upper.tolist()) == ([10], [10])
    # Index 103 over a base of 100 at whole points: 103 (102.5 is printed as 103, but is no whole number).
    index = rate_knowledge([Rate({1: 1}, {0: 1}, 103, 0)], 2)
    assert fits(index, (100, 103)) and not fits(index, (100, 102)) and not fits(index, (100, 104))
    # January to March: 12.
    cumulated = linear_knowledge([Statement({0: 1, 1: 1, 2: 1}, Span.exactly(12))], 3)
    assert fits(cumulated, (4, 4, 4)) and not fits(cumulated, (4, 4, 5))
    both = together(cumulated, linear_knowledge([Statement({0: 2}, Span(Fraction(7), None))], 3))
    # 2x >= 7 is x >= 4 for whole x.
    assert both.rows[1].toarray().tolist() == [[1, 0, 0]] and both.lower.tolist() == [12, 4]
    assert both.upper[1] == UNLIMITED


def test_rates_of_two_known_parts_say_nothing_and_contradictions_are_errors() -> None:
    assert Rate(3, 10, 30, 0).statements() == []
    with pytest.raises(ValueError, match="no whole numerator"):
        numerator_bounds(50, 0, 3)  # 1 of 3 is 33, 2 of 3 is 67
    with pytest.raises(ValueError, match="fits no whole table"):
        rate_knowledge([Rate({0: 1}, 3, 50, 0)], 1)
    with pytest.raises(ValueError, match="no denominator"):
        denominator_bounds(900, 0, 5)  # 5 of 1 is 500 %
    with pytest.raises(ValueError, match="too many digits"):
        rate_knowledge([Rate({0: 1}, {1: 1}, Decimal("0.1234567890123456789"), 19)], 2)


def test_ends_of_the_span_of_a_rounded_figure() -> None:
    assert rounded(Decimal("2.5"), 1) == Span(Fraction(49, 20), Fraction(51, 20), open_high=True)
    assert rounded(-2, 0) == Span(Fraction(-5, 2), Fraction(-3, 2), open_low=True)
    assert rounded(0, 0) == Span(Fraction(-1, 2), Fraction(1, 2), open_low=True, open_high=True)
    assert rounded(3, 0, Rounding.TRUNCATED) == Span(Fraction(3), Fraction(4), open_high=True)
