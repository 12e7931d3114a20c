"""The attacker against known answers and against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from disclosure.attacker import Interval, attack
from tests.disclosure.small_tables import compositions


def test_handbook_example_gives_three_to_six() -> None:
    """SDC Handbook ch. 4: a hidden 2x2 block with row sums 7, 3 (3..6 for the first cell) and column sums 6, 4."""
    membership = csr_matrix([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0], [0, 1, 0, 1]])
    found = attack(membership, np.array([7.0, 3.0, 6.0, 4.0]), np.array([1.0, 0.0, 0.0, 0.0]))
    assert found == Interval(3, 6)
    assert not found.protects(3)


def test_zero_trap() -> None:
    """0 = x + y gives both away; a hidden cell without any published sum is not limited."""
    assert attack(csr_matrix([[1, 1]]), np.array([0.0]), np.array([1.0, 0.0])) == Interval(0, 0)
    assert attack(csr_matrix([[0, 1]]), np.array([5.0]), np.array([1.0, 0.0])) == Interval(0, float("inf"))


def test_contradicting_figures_are_an_error() -> None:
    with pytest.raises(RuntimeError):
        attack(csr_matrix([[1, 1], [1, 1]]), np.array([3.0, 4.0]), np.array([1.0, 0.0]))


@settings(max_examples=60, deadline=None)
@given(
    table=st.lists(st.integers(0, 3), min_size=4, max_size=5),
    rows=st.lists(st.lists(st.integers(0, 1), min_size=5, max_size=5), min_size=1, max_size=4),
    cell=st.lists(st.integers(0, 1), min_size=5, max_size=5),
)
def test_agrees_with_brute_force(table: list[int], rows: list[list[int]], cell: list[int]) -> None:
    """All whole tables that agree with the published sums, counted one by one (the grand total bounds them)."""
    size = len(table)
    membership = np.array([row[:size] for row in rows] + [[1] * size])
    published = membership @ np.array(table)
    target = np.array(cell[:size], dtype="float64")
    every = compositions(sum(table), size)
    worlds = every[(every @ membership.T == published).all(axis=1)]
    values = [float(target @ world) for world in worlds]
    assert attack(csr_matrix(membership), published.astype("float64"), target) == Interval(
        min(values), max(values)
    )
