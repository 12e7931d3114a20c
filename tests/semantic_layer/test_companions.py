"""Breaks, change log, targets and features of peers in the catalogue export."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from lagebild.instance import Instance
from lagebild.target import PeerSettings, StructuralFeature, Target
from semantic_layer.catalogue.loader import load_catalogue
from semantic_layer.catalogue.resolve import Supply, resolve
from semantic_layer.export.companions import break_rows, dated_break, feature_rows, target_rows


@pytest.fixture(scope="module")
def supply() -> Supply:
    instance = Instance("musterkreis")
    return Supply(load_catalogue(), instance.config, instance.measures)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ab 2023: Wohngeldreform", (date(2023, 1, 1), "Wohngeldreform")),
        ("Ab 2023-07-01: neue Zählung", (date(2023, 7, 1), "neue Zählung")),
        ("Planungsräume nach dem Stand vor 2021", None),
        ("ab der Welle 2017 nicht mehr erhoben", None),
    ],
)
def test_only_breaks_that_begin_with_a_date_mark_a_period(
    text: str, expected: tuple[date, str] | None
) -> None:
    assert dated_break(text) == expected


def test_breaks_of_an_indicator_and_of_its_measures(supply: Supply) -> None:
    resolved = resolve(supply)
    rows = {(row["indicator_key"], row["break_on"]) for row in break_rows(resolved, supply.catalogue)}
    assert ("housing_benefit_rate@1", date(2023, 1, 1)) in rows
    measures = tuple(
        item.model_copy(update={"breaks": ("Ab 2019: andere Abgrenzung",)}) if item.id == "births" else item
        for item in supply.catalogue.measures
    )
    changed = supply.catalogue.model_copy(update={"measures": measures})
    changed.__dict__.pop("measure_by_id", None)
    more = {(row["indicator_key"], row["break_on"]) for row in break_rows(resolved, changed)} - rows
    assert {day for _, day in more} == {date(2019, 1, 1)}
    assert "birth_rate@1" in {key for key, _ in more}


def test_features_that_do_not_exist_here_are_left_out(supply: Supply) -> None:
    peers = PeerSettings(
        features=(
            StructuralFeature(indicator="old_age_ratio"),
            StructuralFeature(indicator="not_in_the_catalogue", logarithmic=True),
        )
    )
    assert [row["indicator_id"] for row in feature_rows(resolve(supply), peers)] == ["old_age_ratio"]


def test_targets_of_the_musterkreis_name_active_indicators(supply: Supply) -> None:
    active = {item.indicator.id for item in resolve(supply) if item.status == "active"}
    rows = list(target_rows(Instance("musterkreis").targets))
    assert rows
    assert {row["indicator_id"] for row in rows} <= active
    assert all("synthetisch" in row["decision"] for row in rows)


def test_a_target_needs_a_decision() -> None:
    with pytest.raises(ValidationError):
        Target(indicator="a", area_level="kreis", area_code="1", year=2027, value=1, decision="")
