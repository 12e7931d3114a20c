"""Table groups, cliques and links of an instance; joins are checked against every table of a small world."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lagebild.disclosure_rules import DisclosureRule
from semantic_layer.catalogue.hypergraph import is_cyclic, maximal
from semantic_layer.catalogue.linked import Linked, linked, linked_findings
from semantic_layer.catalogue.resolve import Supply
from tests.semantic_layer.build import MEASURES, catalogue, indicator, measure, supply

EVALUATED = {measure().rule: DisclosureRule(id=measure().rule, basis="x", min_count=3)}


def _supply(*measures: Any, more: list[dict[str, Any]] | None = None) -> Supply:
    return supply(catalogue(indicator(), measures=[*MEASURES, *(more or [])]), *measures)


def _terms(found: Linked, link: str) -> set[tuple[str, str, str, int]]:
    return {
        (term.measure, term.clique, term.only, term.coefficient) for term in found.terms if term.link == link
    }


def test_margins_of_a_cross_table_have_no_clique_of_their_own() -> None:
    given_supply = _supply(measure(breakdowns=[["age"], ["sex"], ["age", "sex"], ["grund"]]))
    found = linked(given_supply, EVALUATED)
    assert {(home.breakdown, home.clique) for home in found.homes} == {
        ("total", "age;sex"),
        ("age", "age;sex"),
        ("sex", "age;sex"),
        ("age;sex", "age;sex"),
        ("grund", "grund"),
    }
    assert _terms(found, "population: age;sex = grund") == {
        ("population", "age;sex", "", 1),
        ("population", "grund", "", -1),
    }


def test_a_part_leaves_a_rest_of_the_ages_it_can_have() -> None:
    found = linked(
        _supply(measure(breakdowns=[["age"]]), measure(measure="unemployed", breakdowns=[["sex"]])), EVALUATED
    )
    assert {member.table_group for member in found.members} == {"population"}
    assert [(item.measure, item.part, item.whole) for item in found.members if item.part] == [
        ("unemployed~rest", "unemployed", "population")
    ]
    assert _terms(found, "unemployed in population: total") == {
        ("unemployed", "sex", "", 1),
        ("unemployed~rest", "total", "", 1),
        ("population", "age", "age=15-64|age=65-79|age=80+|age=unknown", -1),
    }


def test_a_shared_breakdown_links_part_and_whole_member_by_member() -> None:
    found = linked(
        _supply(measure(breakdowns=[["sex"]]), measure(measure="unemployed", breakdowns=[["sex"]])), EVALUATED
    )
    margins = {term.margin for term in found.terms if term.link == "unemployed in population: sex"}
    assert margins == {"sex"}
    rest = {(home.breakdown, home.clique) for home in found.homes if home.measure == "unemployed~rest"}
    assert rest == {("total", "sex"), ("sex", "sex")}


def test_a_restriction_to_whole_bands_leaves_nothing() -> None:
    found = linked(
        _supply(measure(breakdowns=[["age"]]), measure(measure="children", breakdowns=[["sex"]])), EVALUATED
    )
    assert not [item for item in found.members if item.part]
    assert _terms(found, "children in population: total") == {
        ("children", "sex", "", 1),
        ("population", "age", "age=0-14", -1),
    }


def test_another_source_or_period_is_another_table() -> None:
    for changes in ({"source": "other"}, {"period_type": "jahr"}):
        found = linked(_supply(measure(), measure(measure="unemployed", **changes)), EVALUATED)
        assert {member.table_group for member in found.members} == {"population", "unemployed"}
        assert not found.terms


def test_released_measures_are_in_no_table() -> None:
    released = {
        name: rule.model_copy(update={"policy": "source_released"}) for name, rule in EVALUATED.items()
    }
    assert linked(_supply(measure()), released) == Linked((), (), (), {})


def test_breakdowns_in_a_circle_are_a_finding() -> None:
    circle = measure(breakdowns=[["age", "sex"], ["sex", "grund"], ["grund", "age"]])
    assert [finding[1] for finding in linked_findings(_supply(circle), EVALUATED)] == [
        "Gliederungen im Kreis"
    ]
    whole_table = measure(breakdowns=[["age", "sex", "grund"], ["age", "sex"], ["sex", "grund"]])
    assert linked_findings(_supply(whole_table), EVALUATED) == []


def test_a_circle_through_part_and_whole_is_a_finding() -> None:
    """The whole knows age × sex apart from grund; the part crosses grund with both."""
    whole = measure(breakdowns=[["age", "sex"], ["sex", "grund"]])
    part = measure(measure="unemployed", breakdowns=[["age", "grund"]])
    assert "Gliederungen im Kreis" in {
        finding[1] for finding in linked_findings(_supply(whole, part), EVALUATED)
    }


def test_two_age_scales_of_one_measure_are_a_finding() -> None:
    both = measure(breakdowns=[["age"], ["age_coarse"]])
    assert [finding[1] for finding in linked_findings(_supply(both), EVALUATED)] == [
        "Mehrere Altersgliederungen"
    ]


@pytest.mark.parametrize(
    ("edges", "cyclic"),
    [
        (["ab", "bc", "cd"], False),
        (["ab", "bc", "ca"], True),
        (["ab", "bc", "ca", "abc"], False),
        (["ab", "bc", "cd", "da"], True),
        (["a", "b", "c"], False),
        ([""], False),
    ],
)
def test_gyo_finds_cycles(edges: list[str], cyclic: bool) -> None:
    assert is_cyclic(map(frozenset, edges)) is cyclic


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sets(st.sampled_from("abcd"), min_size=1, max_size=3), min_size=1, max_size=4))
def test_acyclic_is_what_has_a_join_tree(found: list[set[str]]) -> None:
    """Another definition: some tree over the edges in which every vertex occupies a connected part."""
    edges = maximal(map(frozenset, found))
    trees = (
        chosen
        for chosen in combinations(list(combinations(range(len(edges)), 2)), len(edges) - 1)
        if _connected(set(range(len(edges))), chosen)
    )
    has_tree = any(
        all(
            _connected({i for i, edge in enumerate(edges) if name in edge}, tree)
            for name in set().union(*edges)
        )
        for tree in trees
    )
    assert is_cyclic(edges) is not has_tree


def _connected(vertices: set[int], tree: tuple[tuple[int, int], ...]) -> bool:
    inside = [pair for pair in tree if set(pair) <= vertices]
    reached = set(list(vertices)[:1])
    for _ in vertices:
        reached |= {end for pair in inside if set(pair) & reached for end in pair}
    return reached == vertices


def test_links_of_an_acyclic_set_are_exact() -> None:
    """Every pair of margins that agree on the link comes from a table: counted over all small 2×2×2 tables."""
    cells = list(product(range(2), repeat=3))
    margins_seen = set()
    for table in product(range(2), repeat=8):
        count = dict(zip(cells, table, strict=True))
        ab = tuple(count[a, b, 0] + count[a, b, 1] for a, b in product(range(2), repeat=2))
        bc = tuple(count[0, b, c] + count[1, b, c] for b, c in product(range(2), repeat=2))
        margins_seen.add((ab, bc))
    small = list(product(range(2), repeat=4))
    for ab, bc in product(small, small):
        agree = all(ab[b] + ab[2 + b] == bc[2 * b] + bc[2 * b + 1] for b in range(2))
        assert ((ab, bc) in margins_seen) is agree
