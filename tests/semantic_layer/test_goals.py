"""What the catalogue check says about targets and about the links of the Haushalt."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from lagebild.budget_link import BudgetLink
from lagebild.instance import Instance
from lagebild.target import Target
from semantic_layer.catalogue.goals import goal_findings
from semantic_layer.catalogue.loader import load_catalogue
from semantic_layer.catalogue.resolve import Supply
from semantic_layer.export.companions import budget_indicator_rows, budget_rows


@pytest.fixture(scope="module")
def supply() -> Supply:
    instance = Instance("musterkreis")
    return Supply(load_catalogue(), instance.config, instance.measures)


def rules(
    supply: Supply, targets: list[Target] | None = None, links: list[BudgetLink] | None = None
) -> list[str]:
    return [finding.rule for finding in goal_findings(supply, targets or [], links or [])]


def test_goals_of_the_musterkreis_are_in_order(supply: Supply) -> None:
    instance = Instance("musterkreis")
    assert instance.targets and instance.budget_links
    assert rules(supply, list(instance.targets), list(instance.budget_links)) == []
    assert Instance("berlin").budget_links == ()


def test_targets_name_active_indicators_and_decisions_before_their_year(supply: Supply) -> None:
    good = Target(
        indicator="sgb2_rate",
        area_level="kreis",
        area_code="99901",
        year=2027,
        value=7.5,
        decision="Kreistag",
    )
    assert rules(supply, [good]) == []
    assert rules(supply, [good.model_copy(update={"indicator": "mss_status"})]) == ["Zielwert ohne Kennzahl"]
    late = good.model_copy(update={"decided_on": date(2028, 1, 1)})
    assert rules(supply, [late]) == ["Zielwert aus der Zukunft"]


@pytest.mark.parametrize(
    ("link", "rule"),
    [
        (BudgetLink(product="p", cases="mss_status"), "Messgröße unbekannt"),
        (BudgetLink(product="p", cases="hze_eur"), "Messgröße passt nicht"),
        (BudgetLink(product="p", spending="hze_cases"), "Messgröße passt nicht"),
        (BudgetLink(product="p", indicators=("mss_status",)), "Kennzahl nicht verfügbar"),
    ],
)
def test_links_name_what_the_instance_has(supply: Supply, link: BudgetLink, rule: str) -> None:
    assert rules(supply, links=[link]) == [rule]


def test_a_product_stands_once_and_links_something(supply: Supply) -> None:
    link = BudgetLink(product="3.6.3.01", cases="hze_cases", indicators=("hze_rate", "hze_cost_per_case"))
    assert rules(supply, links=[link, link]) == ["Produkt doppelt"]
    assert [row["position"] for row in budget_indicator_rows([link])] == [1, 2]
    (row,) = budget_rows([link])
    assert (row["case_measure_id"], row["case_group_key"], row["spending_measure_id"]) == (
        "hze_cases",
        "total",
        None,
    )
    with pytest.raises(ValidationError, match="neither cases"):
        BudgetLink(product="p")
