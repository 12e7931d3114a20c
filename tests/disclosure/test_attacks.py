"""Attackers beyond the outsider: insiders, coalitions, unions of areas, two releases, rates, moved borders."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disclosure.audit import audit, independent_check
from disclosure.disproof import disproof
from disclosure.exact import optimum
from disclosure.insiders import contributor, differences, revealed_to, seen_together, sole_contributor
from disclosure.rates import Rate, rate_knowledge
from disclosure.solver import protect
from disclosure.table import Flags, LinkedTable, infeasible, unproven
from tests.disclosure.small_tables import crossed, table_of, with_cells
from tests.disclosure.town import town

ROW = [[0, 1, 2, 3], [0], [1], [2], [3]]
"""One published sum (cell 0) over four atoms (cells 1 to 4)."""


def hide(table: LinkedTable, *cells: int) -> Flags:
    return np.isin(np.arange(table.cells), cells)


def test_sole_contributor_reads_the_other_hidden_cell() -> None:
    """Two hidden cells of one row protect each other from everybody but the two persons concerned."""
    table = table_of([1, 2, 9, 8], ROW)
    hidden = hide(table, 1, 2)
    assert audit(table, hidden, integer=True).disclosed.size == 0
    assert revealed_to(table, hidden, np.array([1])).tolist() == [2]
    assert revealed_to(table, hide(table, 1, 2, 3), np.array([1])).size == 0


def test_coalition_of_two_sole_contributors() -> None:
    """Three hidden cells hold against each alone and fall to two who share what they know."""
    table = table_of([1, 1, 2, 8], ROW)
    hidden = hide(table, 1, 2, 3)
    assert revealed_to(table, hidden, np.array([1])).size == 0
    assert revealed_to(table, hidden, np.array([2])).size == 0
    assert revealed_to(table, hidden, np.array([1, 2])).tolist() == [3]


def test_contributor_who_does_not_know_that_he_is_alone_learns_less() -> None:
    table = table_of([1, 2, 9, 8], ROW, threshold=3)
    hidden = hide(table, 1, 2)
    outside = audit(table, hidden, integer=True)
    one = audit(contributor(table, np.array([1]), np.array([1])), hidden, integer=True)
    alone = audit(sole_contributor(table, np.array([1])), hidden, integer=True)
    assert outside.upper.tolist() == [3, 3]
    assert (one.lower.tolist(), one.upper.tolist()) == ([1, 0], [3, 2])
    assert (alone.lower.tolist(), alone.upper.tolist()) == ([1, 2], [1, 2])


@settings(max_examples=10, deadline=None)
@given(values=st.lists(st.lists(st.integers(0, 6), min_size=4, max_size=4), min_size=3, max_size=4))
def test_insiders_know_no_less_than_outsiders(values: list[list[int]]) -> None:
    table = crossed(values)
    hidden = protect(table).is_hidden
    alone = np.flatnonzero(table.is_primary & (table.value == 1))[:1]
    outside = audit(table, hidden, integer=True)
    inside = audit(sole_contributor(table, alone), hidden, integer=True)
    assert (inside.lower >= outside.lower).all()
    assert (inside.upper <= outside.upper).all()


def test_differencing_finds_what_primary_suppression_alone_leaves_open() -> None:
    table = town(blocks=12).table
    found = differences(table, table.is_primary)
    assert len(found) > 50
    for one in found[:20]:
        rest = table.membership[one.whole] - sum(table.membership[part] for part in one.parts)
        assert (rest != table.membership[one.hidden]).nnz == 0
    disclosed = audit(
        table, table.is_primary, np.array([one.hidden for one in found[:20]]), integer=True
    ).disclosed
    assert disclosed.tolist() == [one.hidden for one in found[:20]]


def test_differencing_finds_nothing_under_our_pattern() -> None:
    table = town(blocks=5).table
    assert differences(table, protect(table).is_hidden) == []


def unions_of(blocks: int, tries: int, seed: int) -> list[list[int]]:
    """Random areas of somebody's own choice, put together from leaf areas."""
    draw = np.random.default_rng(seed)
    return [
        sorted(draw.choice(blocks, size=draw.integers(2, blocks), replace=False).tolist())
        for _ in range(tries)
    ]


def test_unions_of_areas_published_on_demand_are_part_of_the_system() -> None:
    """Every union is large enough by itself; published beside each other they give small areas away.

    With the unions in the table, the same figures are protected: some of the unions cannot be published.
    """
    table = table_of([1, 7, 2, 9, 5, 2, 12, 4], [list(range(8)), *([area] for area in range(8))])
    pattern = protect(table).is_hidden
    assert audit(table, pattern, integer=True).unsafe.size == 0
    asked = with_cells(table, unions_of(8, 40, seed=1))
    on_demand = np.append(pattern, asked.value[table.cells :] < 3)
    assert audit(asked, on_demand, integer=True).unsafe.size > 0
    assert differences(asked, on_demand)
    decided = protect(asked)
    assert audit(asked, decided.is_hidden, integer=True).unsafe.size == 0
    assert differences(asked, decided.is_hidden) == []
    assert decided.is_hidden[table.cells :].any()


def test_two_patterns_of_one_table_are_weaker_than_each() -> None:
    """Between releases: every pattern is safe, whoever has read both knows the secondary cells of both."""
    table = crossed([[1, 5, 6], [7, 8, 9], [4, 7, 30]])
    first, second = hide(table, 5, 6, 9, 10), hide(table, 5, 7, 13, 15)
    for pattern in (first, second):
        assert audit(table, pattern, integer=True).unsafe.size == 0
    both = seen_together(first, second)
    assert audit(table, both, integer=True).unsafe.tolist() == [5]
    assert (
        disproof(table, both, 5).german([f"Z{n}" for n in range(16)]) == "Z5 = Z4 − Z6 − Z7 = 12 − 5 − 6 = 1."
    )


def test_what_was_published_before_is_taken_into_account() -> None:
    """The second pattern, chosen with the first one as knowledge, is safe for a reader of both."""
    table = crossed([[1, 5, 6], [7, 8, 9], [4, 7, 30]])
    first = hide(table, 5, 6, 9, 10)
    cheap_elsewhere = np.where(np.isin(np.arange(16), [6, 9, 10]), 100.0, 1.0)
    second = optimum(replace(table, weight=cheap_elsewhere, may_hide=first))
    assert second.proven
    assert audit(table, seen_together(first, second.is_hidden), integer=True).unsafe.size == 0


@pytest.mark.parametrize(("decimals", "first_safe"), [(0, 100), (1, 1_000), (2, 10_000)])
def test_a_rate_gives_its_numerator_away_below_a_size(decimals: int, first_safe: int) -> None:
    """n of a known N: fully revealed when 2 * eps * N < 100."""
    for size, is_revealed in ((first_safe - 1, True), (3 * first_safe, False)):
        table = table_of([2, size - 2], [[0, 1], [0], [1]])
        hidden = hide(table, 1, 2)
        assert audit(table, hidden, integer=True).unsafe.size == 0
        rate = Fraction(round(Fraction(200, size) * 10**decimals), 10**decimals)
        told = rate_knowledge([Rate({0: 1}, size, rate, decimals)], table.atoms)
        attacked = audit(replace(table, knowledge=told), hidden, integer=True)
        assert (1 in attacked.disclosed) is is_revealed
        if is_revealed:
            assert (attacked.lower[0], attacked.upper[0]) == (2, 2)
            assert disproof(replace(table, knowledge=told), hidden, 1).end == 2


def test_a_denominator_follows_from_numerator_and_rate() -> None:
    """2 of N = 7.4 % at one decimal: N is 27, although no figure of it is published."""
    table = table_of([2, 25], [[0], [0, 1], [1]], primary=[2], goals=([0] * 3, [26] * 3))
    hidden = hide(table, 1, 2)
    assert audit(table, hidden, integer=True).upper.tolist() == [np.inf, np.inf]
    told = rate_knowledge([Rate({0: 1}, {0: 1, 1: 1}, Fraction(74, 10), 1)], table.atoms)
    found = audit(replace(table, knowledge=told), hidden, integer=True)
    assert (found.lower.tolist(), found.upper.tolist()) == ([27, 25], [27, 25])
    assert found.unsafe.tolist() == [2]


def test_a_moved_border_gives_a_block_away() -> None:
    """The same persons by districts before and after one block has changed sides: the difference is the block."""
    blocks = [4, 5, 2, 6, 7]
    before, after = [[0, 1, 2], [3, 4]], [[0, 1], [2, 3, 4]]
    table = table_of(blocks, [list(range(5)), *before, *after, [2]])
    naive = hide(table, 5)
    assert audit(table, naive, integer=True).unsafe.tolist() == [5]
    assert differences(table, naive)[0].hidden == 5
    # What was published in the old borders stays known: only the new borders can still give way.
    known = replace(table, may_hide=~hide(table, 0, 1, 2))
    decided = protect(known)
    assert np.flatnonzero(decided.is_hidden).tolist() == [3, 4, 5]
    assert audit(known, decided.is_hidden, integer=True).unsafe.size == 0


def test_two_partitions_that_cross_are_one_system() -> None:
    """A Schulbezirk that is a Sozialraum but for one block: both figures are large, their difference is the block.

    No block is tabulated; each system by itself keeps the secret.
    """
    blocks, small = [3, 8, 1, 9, 6, 4], [2]
    sozialraeume, bezirke = [[0, 1, 2], [3, 4, 5]], [[0, 1], [2, 3, 4, 5]]
    for system in (sozialraeume, bezirke):
        alone = table_of(blocks, [list(range(6)), *system, small])
        assert audit(alone, hide(alone, 3), integer=True).unsafe.size == 0
    both = table_of(blocks, [list(range(6)), *sozialraeume, *bezirke, small])
    both = replace(both, may_publish=~hide(both, 5))
    assert audit(both, hide(both, 5), integer=True).unsafe.tolist() == [5]
    names = ["Stadt", "Sozialraum 1", "Sozialraum 2", "Bezirk 1", "Bezirk 2", "Block 3"]
    assert disproof(both, hide(both, 5), 5).german(names) in (
        "Block 3 = Sozialraum 1 − Bezirk 1 = 12 − 11 = 1.",
        "Block 3 = Bezirk 2 − Sozialraum 2 = 20 − 19 = 1.",
    )
    decided = protect(both)
    assert audit(both, decided.is_hidden, integer=True).unsafe.size == 0
    assert decided.is_hidden[1:5].any()


@pytest.mark.parametrize("seed", range(4))
def test_published_secondaries_are_noticed(seed: int) -> None:
    """Mutation: one random secondary cell is published after all. Where the attack then discloses, the certificate must
    fail: a primary has lost its last feasible witness."""
    draw = np.random.default_rng(seed)
    table = crossed(draw.poisson(3, (6, 5)).tolist())
    pattern = protect(table)
    assert infeasible(table, pattern).size == 0
    assert independent_check(table, pattern, sample=100) == []
    noticed = 0
    for cell in np.flatnonzero(pattern.is_hidden & ~table.is_primary):
        is_hidden = pattern.is_hidden.copy()
        is_hidden[cell] = False
        mutant = replace(pattern, is_hidden=is_hidden)
        disclosed = independent_check(table, mutant, sample=100)
        contradicted = infeasible(table, mutant)
        left = ~np.isin(pattern.witnesses.witness, contradicted)
        remaining = replace(
            mutant,
            witnesses=replace(
                pattern.witnesses,
                witness=pattern.witnesses.witness[left],
                atom=pattern.witnesses.atom[left],
                delta=pattern.witnesses.delta[left],
            ),
        )
        below, above = unproven(table, remaining)
        exposed = {one.cell for one in disclosed}
        assert exposed <= set(np.flatnonzero(below | above).tolist())
        noticed += bool(exposed)
    assert noticed


def test_same_pattern_same_audit() -> None:
    table = town(blocks=3).table
    pattern, again = protect(table), protect(table)
    np.testing.assert_array_equal(pattern.is_hidden, again.is_hidden)
    some = np.flatnonzero(table.is_primary)[::4]
    first, second = (audit(table, pattern.is_hidden, some, integer=True) for _ in range(2))
    np.testing.assert_array_equal(first.lower, second.lower)
    np.testing.assert_array_equal(first.upper, second.upper)
    assert first.is_safe.all()
