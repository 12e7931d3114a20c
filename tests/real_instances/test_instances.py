"""The instance folders with real data fit the catalogue. Needs no real data."""

from __future__ import annotations

import pytest

from lagebild.instance import Instance
from semantic_layer.catalogue.check import findings_of
from semantic_layer.catalogue.loader import load_catalogue
from semantic_layer.catalogue.resolve import Supply, resolve


@pytest.mark.parametrize("name", ["berlin", "deutschland", "flensburg"])
def test_instance_and_catalogue_agree(name: str) -> None:
    assert [str(finding) for finding in findings_of(Instance(name), load_catalogue())] == []


@pytest.mark.parametrize("name", ["berlin", "deutschland", "flensburg"])
def test_entries_made_for_the_instance_are_active(name: str) -> None:
    instance = Instance(name)
    resolved = resolve(Supply(load_catalogue(), instance.config, instance.measures))
    own = {item.indicator.id: item.status for item in resolved if item.indicator.instances == (name,)}
    assert len(own) > 10
    assert set(own.values()) == {"active"}


@pytest.mark.parametrize(
    ("name", "shared"),
    [
        (
            "berlin",
            {"old_age_ratio", "youth_ratio", "foreign_share", "migration_background_share", "women_share"},
        ),
        (
            "flensburg",
            {"population_65plus_share", "population_80plus_share", "birth_rate", "hze_cases_total"},
        ),
    ],
)
def test_shared_entries_resolve_from_the_bands_of_the_instance(name: str, shared: set[str]) -> None:
    instance = Instance(name)
    resolved = resolve(Supply(load_catalogue(), instance.config, instance.measures))
    active = {item.indicator.id for item in resolved if item.status == "active"}
    assert shared <= active
