"""Every rule of the catalogue check fires on its contradiction and stays silent otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from lagebild.instance import DisclosureRule, SourceConfig
from semantic_layer.catalogue.validate import catalogue_findings, instance_findings
from tests.semantic_layer.build import MEASURES, catalogue, indicator, measure, supply


def _rules(*indicators: dict[str, Any], **changes: Any) -> set[str]:
    return {finding.rule for finding in catalogue_findings(catalogue(*indicators, **changes))}


def test_a_sound_catalogue_has_no_finding() -> None:
    assert _rules(indicator()) == set()


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"theme": "unbekannt"}, "Handlungsfeld unbekannt"),
        ({"owner": " "}, "Verantwortlicher fehlt"),
        ({"polarity": None}, "Polarität fehlt"),
        ({"short_label": "x" * 60}, "Kurzbezeichnung zu lang"),
        ({"numerator": [{"measure": "fehlt"}]}, "Messgröße unbekannt"),
        ({"numerator": []}, "Zähler fehlt"),
        ({"denominator": []}, "Nenner fehlt"),
        ({"factor": 0}, "Faktor null"),
        ({"unit": "je 1.000"}, "Einheit passt nicht"),
        ({"kind": "money", "unit": "EUR"}, "Art passt nicht"),
        ({"numerator": [{"measure": "population", "group": {"stadt": "a"}}]}, "Gliederung unbekannt"),
        ({"numerator": [{"measure": "population", "group": {"sex": "x"}}]}, "Ausprägung unbekannt"),
        ({"numerator": [{"measure": "population", "group": {"age": [65, 18]}}]}, "Altersgruppe leer"),
        ({"status": "not_available"}, "Begründung fehlt"),
        ({"status": "retired", "successor": "fehlt"}, "Nachfolger unbekannt"),
    ],
)
def test_each_contradiction_is_reported(changes: dict[str, Any], rule: str) -> None:
    assert rule in _rules(indicator(**changes))


@pytest.mark.parametrize(
    ("numerator", "denominator", "inside"),
    [
        ({"measure": "population", "group": {"age": [80, None]}}, {"measure": "population"}, True),
        (
            {"measure": "population", "group": {"age": [60, None]}},
            {"measure": "population", "group": {"age": [65, None]}},
            False,
        ),
        ({"measure": "unemployed"}, {"measure": "population", "group": {"age": [15, None]}}, True),
        ({"measure": "unemployed"}, {"measure": "population", "group": {"age": [15, 64]}}, False),
        ({"measure": "population"}, {"measure": "unemployed"}, False),
        ({"measure": "population", "group": {"age": [0, 5]}}, {"measure": "children"}, True),
        ({"measure": "population", "group": {"age": [0, 17]}}, {"measure": "children"}, False),
        (
            {"measure": "population", "group": {"sex": "f"}},
            {"measure": "population", "group": {"sex": "m"}},
            False,
        ),
        ({"measure": "cost"}, {"measure": "population"}, False),
        ({"measure": "unemployed", "sign": -1}, {"measure": "population"}, False),
    ],
)
def test_the_numerator_of_a_share_lies_in_its_denominator(
    numerator: dict[str, Any], denominator: dict[str, Any], inside: bool
) -> None:
    found = _rules(indicator(numerator=[numerator], denominator=[denominator]))
    assert ("Zähler nicht im Nenner" in found) is not inside


def test_double_identifiers_and_labels_are_reported() -> None:
    assert "Kennung doppelt" in _rules(indicator(), indicator(label="anders", short_label="anders"))
    assert "Bezeichnung doppelt" in _rules(indicator(), indicator(id="other"))
    assert _rules(indicator(instances=["a"]), indicator(id="other", instances=["b"])) == set()
    assert "Kennung doppelt" in _rules(indicator(), measures=[*MEASURES, {**MEASURES[0], "label": "anders"}])


def test_a_measure_cannot_be_part_of_itself() -> None:
    looped = [{**MEASURES[0], "part_of": ["unemployed"]}, *MEASURES[1:]]
    assert "Kreis in der Zugehörigkeit" in _rules(indicator(), measures=looped)


SOURCE = SourceConfig(
    id="register",
    label="Register",
    supplier="x",
    contact="x",
    legal_basis="x",
    format="x",
    files="x",
    tables=("person",),
    cycle="yearly",
    reference_day="31.12.",
)
RULE = DisclosureRule(id="count_3", basis="x")


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"measure": "fehlt"}, "Messgröße unbekannt"),
        ({"source": "fehlt"}, "Quelle unbekannt"),
        ({"input": "case"}, "Quelle passt nicht"),
        ({"rule": "fehlt"}, "Regel unbekannt"),
        ({"area_system": "fehlt"}, "Gebietsgliederung unbekannt"),
        ({"lowest_level": "fehlt"}, "Ebene unbekannt"),
        ({"public_level": "fehlt"}, "Ebene unbekannt"),
        ({"public_level": "sozialraum", "lowest_level": "gemeinde"}, "Ebene zu fein"),
        ({"internal_breakdowns": [["fehlt"]]}, "Gliederung unbekannt"),
        ({"breakdowns": [["fehlt"]]}, "Gliederung unbekannt"),
        ({"breakdowns": [["grund"]], "input": "case"}, "Gliederung nicht belegt"),
        ({"breakdowns": []}, "Übersicht ohne Wert"),
        ({"lowest_level": "kreis"}, "Ebene zu fein"),
    ],
)
def test_each_contradiction_of_an_instance_is_reported(changes: dict[str, Any], rule: str) -> None:
    given = supply(catalogue(indicator()), measure(**changes))
    assert rule in {finding.rule for finding in instance_findings(given, [SOURCE], [RULE])}


def test_a_sound_instance_has_no_finding() -> None:
    assert instance_findings(supply(catalogue(indicator())), [SOURCE], [RULE]) == []


def test_double_measures_and_unordered_bands_are_reported() -> None:
    book = catalogue(indicator())
    found = instance_findings(
        supply(book, measure(), measure(), dimensions={"age": [0, 65, 15]}), [SOURCE], [RULE]
    )
    assert {finding.rule for finding in found} >= {"Messgröße doppelt", "Altersgruppen ungeordnet"}


@pytest.mark.parametrize(
    ("area_system", "lowest_level", "source_input", "reported"),
    [
        ("bezirk", "gemeinde", "observation", True),
        ("bezirk", "kreis", "observation", False),
        ("raum", "sozialraum", "observation", False),
        # Persons are counted by the pair of areas, so that both systems can be protected together.
        ("bezirk", "gemeinde", "person", False),
    ],
)
def test_the_same_people_in_two_area_systems_have_to_be_counted_by_pairs(
    area_system: str, lowest_level: str, source_input: str, reported: bool
) -> None:
    children = measure(
        measure="children",
        area_system=area_system,
        lowest_level=lowest_level,
        input=source_input,
        breakdowns=[["sex"]],
    )
    given = supply(catalogue(indicator()), measure(input=source_input), children)
    source = SOURCE.model_copy(update={"tables": ("person", "observation")})
    found = instance_findings(given, [source], [RULE])
    assert ("Gebietsgliederungen überschneiden sich" in {finding.rule for finding in found}) is reported
