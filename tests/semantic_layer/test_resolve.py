"""Group filters become the concrete groups of an instance's bands, or a reason why they cannot."""

from __future__ import annotations

import pytest

from semantic_layer.catalogue.model import Part
from semantic_layer.catalogue.resolve import NotAvailableError, resolve, resolve_part
from tests.semantic_layer.build import catalogue, indicator, measure, supply


def _ids(part: dict[str, object], *measures: object) -> list[str]:
    given = supply(catalogue(), *measures)  # type: ignore[arg-type]
    return [item.group_id for item in resolve_part(Part.model_validate(part), given)]


def test_no_filter_reads_the_total() -> None:
    assert _ids({"measure": "population"}) == ["total"]


@pytest.mark.parametrize(
    ("ages", "expected"),
    [
        ([65, None], ["age=65-79", "age=80+"]),
        ([0, 64], ["age=0-14", "age=15-64"]),
        ([None, 14], ["age=0-14"]),
        ([15, 79], ["age=15-64", "age=65-79"]),
        ([0, None], ["age=0-14", "age=15-64", "age=65-79", "age=80+"]),
    ],
)
def test_age_ranges_become_bands(ages: list[int | None], expected: list[str]) -> None:
    assert _ids({"measure": "population", "group": {"age": ages}}) == expected


@pytest.mark.parametrize("ages", [[18, None], [65, 74], [0, 65], [90, None], [64, 79]])
def test_an_age_range_across_bands_is_never_approximated(ages: list[int | None]) -> None:
    with pytest.raises(NotAvailableError, match="nicht zu bilden"):
        _ids({"measure": "population", "group": {"age": ages}})


def test_fewest_dimensions_win_whatever_the_order_of_declaration() -> None:
    assert _ids({"measure": "population", "group": {"sex": "f"}}) == ["sex=f"]
    both = {"measure": "population", "group": {"sex": "f", "age": [80, None]}}
    assert _ids(both) == ["age=80+;sex=f"]


def test_a_coarser_scale_that_can_answer_is_preferred_over_more_groups() -> None:
    given = measure(breakdowns=[["age"], ["age_coarse"]])
    assert _ids({"measure": "population", "group": {"age": [65, None]}}, given) == ["age_coarse=65+"]


def test_persons_are_not_summed_over_a_dimension_nobody_asked_for() -> None:
    with pytest.raises(NotAvailableError, match="benötigten Gliederung nach Alter"):
        _ids({"measure": "population", "group": {"age": [80, None]}}, measure(breakdowns=[["age", "sex"]]))


def test_delivered_cross_tables_are_summed_over_the_other_dimension() -> None:
    given = measure(input="observation", breakdowns=[["age", "sex"]])
    part = {"measure": "population", "group": {"age": [80, None]}}
    assert _ids(part, given) == ["age=80+;sex=m", "age=80+;sex=f"]


def test_delivered_age_scales_carry_the_dimension_name_age() -> None:
    given = measure(measure="unemployed", input="observation", breakdowns=[["age_ba"]])
    assert _ids({"measure": "unemployed", "group": {"age": [55, None]}}, given) == ["age=55+"]
    # Nobody below 15 can be unemployed, so the band from 15 answers "under 25".
    assert _ids({"measure": "unemployed", "group": {"age": [0, 24]}}, given) == ["age=15-24"]


def test_a_filter_the_definition_already_meets_needs_no_breakdown() -> None:
    given = measure(measure="children", breakdowns=[])
    assert _ids({"measure": "children", "group": {"age": [0, 14]}}, given) == ["total"]
    with pytest.raises(NotAvailableError, match="nicht nach Alter"):
        _ids({"measure": "children", "group": {"age": [0, 5]}}, given)


def test_subtraction_keeps_its_sign() -> None:
    item = indicator(
        kind="rate",
        numerator=[{"measure": "population"}, {"measure": "unemployed", "sign": -1}],
        denominator=[],
    )
    given = supply(catalogue(item), measure(), measure(measure="unemployed"))
    assert [part.sign for part in resolve(given)[0].numerator] == [1, -1]


def test_missing_measure_is_named_in_german() -> None:
    item = indicator(numerator=[{"measure": "unemployed"}])
    found = resolve(supply(catalogue(item)))[0]
    assert (found.status, found.numerator) == ("not_available", ())
    assert found.unavailable_reason == "Die Messgröße „Arbeitslose“ wird von keiner Quelle geliefert."


def test_measures_of_different_area_systems_do_not_meet() -> None:
    item = indicator(numerator=[{"measure": "children"}])
    other = measure(measure="children", area_system="bezirk", breakdowns=[])
    found = resolve(supply(catalogue(item), measure(), other))[0]
    assert "verschiedenen Gebietsgliederungen" in found.unavailable_reason


def test_the_coarsest_level_and_the_stricter_tier_win() -> None:
    item = indicator(numerator=[{"measure": "children"}])
    coarse = measure(
        measure="children", lowest_level="gemeinde", tier="internal", rule="money", breakdowns=[]
    )
    found = resolve(supply(catalogue(item), measure(), coarse))[0]
    assert (found.lowest_level, found.tier, found.rules) == ("gemeinde", "internal", ("count_3", "money"))
    limited = resolve(supply(catalogue(indicator(lowest_level="kreis")), measure()))[0]
    assert limited.lowest_level == "kreis"


def test_entries_of_another_instance_do_not_appear() -> None:
    assert resolve(supply(catalogue(indicator(instances=["anderswo"])))) == ()
