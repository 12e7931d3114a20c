"""Disproofs: every multiplier checked again here, in fractions and by other code; the German wording."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.sparse import csr_matrix

from disclosure.audit import audit
from disclosure.disproof import Cases, Chain, Disproof, bound_proof, disproof
from disclosure.table import Flags, Knowledge, LinkedTable
from tests.disclosure.small_tables import crossed, linked_tables, table_of

NAMES = [
    "Kreis",
    *("0-5", "6-17", "18+"),
    *(f"{g}{a}" for g in ("A", "B", "C") for a in ("", "/0-5", "/6-17", "/18+")),
]


def holds(table: LinkedTable, proof: Disproof) -> bool:
    """The claim follows from the terms by sums alone: weights per atom, and the rounded value."""
    sign = 1 if proof.is_upper else -1
    target = [sign * int(entry) for entry in table.membership[proof.cell].toarray().ravel()]

    def follows(part: Chain | Cases, assumed: frozenset[tuple[int, int, int]]) -> bool:
        if isinstance(part, Cases):
            low = assumed | {(part.atom, 1, part.value)}
            high = assumed | {(part.atom, -1, part.value + 1)}
            return follows(part.low, low) and follows(part.high, high)
        weight, value = [Fraction(0)] * table.atoms, Fraction(0)
        for term in part.terms:
            value += term.factor * term.value
            if term.kind == "cell":
                row = table.membership[term.number].toarray().ravel()
                assert term.value == table.value[term.number]
            elif term.kind == "knowledge":
                row = table.knowledge.rows[term.number].toarray().ravel()
                side = table.knowledge.upper if term.factor > 0 else table.knowledge.lower
                assert term.value == side[term.number]
            else:
                row = np.eye(table.atoms, dtype=np.int64)[term.number]
                if term.kind == "ceiling":
                    assert term.factor > 0
                    assert term.value == table.ceiling[term.number]
                else:
                    assert (term.number, 1 if term.factor > 0 else -1, term.value) in assumed
            weight = [w + term.factor * int(r) for w, r in zip(weight, row, strict=True)]
        return all(w >= t for w, t in zip(weight, target, strict=True)) and floor(value) <= sign * proof.end

    return follows(proof.proof, frozenset())


@settings(max_examples=20, deadline=None)
@given(case=linked_tables())
def test_every_end_of_every_interval_has_a_proof(case: tuple[LinkedTable, Flags]) -> None:
    table, is_hidden = case
    found = audit(table, is_hidden, integer=True)
    for cell, low, high in zip(found.cells, found.lower, found.upper, strict=True):
        for is_upper, end in ((False, int(low)), (True, int(high))):
            proof = bound_proof(table, is_hidden, int(cell), is_upper=is_upper, end=end)
            assert holds(table, proof)
            assert not any(is_hidden[used] for used in proof.cells_used)


def test_subtraction_reads_like_a_sum() -> None:
    table = crossed([[2, 5, 6], [7, 8, 9], [4, 7, 30]])
    proof = disproof(table, np.arange(16) == 5, 5)
    assert proof.german(NAMES) == "A/0-5 = A − A/6-17 − A/18+ = 13 − 5 − 6 = 2."
    assert not proof.needs_rounding
    assert proof.cells_used == {4, 6, 7}


def test_an_upper_end_needs_no_value_below_zero() -> None:
    table = table_of([1, 1, 5], [[0, 1, 2], [0], [1], [2]])
    proof = disproof(table, np.array([False, True, True, False]), 1)
    assert (
        proof.german(["Kreis", "A", "B", "C"]) == "A ≤ Kreis − C = 7 − 5 = 2, weil kein Wert unter 0 liegt."
    )
    assert holds(table, proof)


def test_a_lower_end_is_shown_where_the_upper_one_is_fine() -> None:
    """B has at most 3 by knowledge, so that 1 of the 4 in A and B is left for A; up to 4 are possible."""
    narrow = Knowledge(csr_matrix([[0, 1, 0]]), np.array([0]), np.array([3]))
    table = table_of([2, 2, 9], [[0, 1], [1, 2], [2], [0], [1]], primary=[3], knowledge=narrow, threshold=2)
    proof = disproof(table, np.array([False, True, False, True, True]), 3)
    assert not proof.is_upper
    assert proof.german(["A+B", "B+C", "C", "A", "B"]) == "A ≥ A+B − Vorwissen 1 = 4 − 3 = 1."


def test_rounding_is_named() -> None:
    """Every pair of three areas has at most 3 by knowledge: half of the three sums is 4 1/2, whole persons make 4."""
    pairs = Knowledge(
        csr_matrix([[1, 1, 0], [0, 1, 1], [1, 0, 1]]), np.zeros(3, dtype=int), np.array([3, 3, 3])
    )
    table = table_of([1, 1, 1], [[0, 1, 2]], primary=[0], knowledge=pairs, goals=([0], [5]))
    proof = disproof(table, np.array([True]), 0)
    assert proof.needs_rounding
    assert holds(table, proof)
    assert proof.german(["Alle"], knowledge_labels={0: "AB", 1: "BC", 2: "AC"}) == (
        "Alle ≤ 1/2 · AB + 1/2 · BC + 1/2 · AC = 1/2 · 3 + 1/2 · 3 + 1/2 · 3 = 9/2; "
        "Anzahlen sind ganze Zahlen, also abgerundet: höchstens 4."
    )


def test_cases_are_told_apart_where_one_rounding_does_not_do() -> None:
    """4x + 6y + z = 7, z at most 1: no single sum says that z is 1 (4x + 6y is even)."""
    parity = Knowledge(csr_matrix([[4, 6, 1]]), np.array([5]), np.array([5]))
    table = table_of([1, 0, 1], [[2]], primary=[0], knowledge=parity, ceiling=1, goals=([0], [1]))
    proof = disproof(table, np.array([True]), 0)
    assert not proof.is_upper
    assert proof.end == 1
    assert holds(table, proof)
    assert isinstance(proof.proof, Cases)
    assert proof.german(["Merkmal"], {0: "Nord", 1: "Süd"}, {0: "Summe"}).splitlines() == [
        "Fall 1: Süd ist höchstens 0.",
        "  Merkmal ≥ Summe − 6 · Süd − 4 · Nord = 5 − 6 · 0 − 4 · 1 = 1.",
        "Fall 2: Süd ist mindestens 1.",
        "  Merkmal ≥ 6 · Süd − Summe = 6 · 1 − 5 = 1, weil kein Wert unter 0 liegt.",
    ]


def test_a_safe_cell_has_no_disproof() -> None:
    table = crossed([[1, 5, 6], [7, 8, 9], [4, 7, 30]])
    with pytest.raises(ValueError, match="safe"):
        disproof(table, np.isin(np.arange(16), [5, 6, 9, 10]), 5)
