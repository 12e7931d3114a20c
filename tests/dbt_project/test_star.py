"""The star on a hand-made instance: counting, rolling up, reforms, missing deliveries, indicators, dbt unit tests."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from tests.dbt_project.mini import STICHTAG, Mini

BEFORE_REFORM = date(2019, 12, 31)


def _indicator(**more: object) -> dict[str, object]:
    return {
        "indicator_key": "sgb2_rate@1",
        "indicator_id": "sgb2_rate",
        "version": 1,
        "label": "SGB-II-Quote",
        "short_label": "SGB II",
        "theme_id": "demografie",
        "kind": "share",
        "factor": 100.0,
        "unit": "%",
        "decimals": 1,
        "polarity": "lower_better",
        "lowest_level": "sozialraum",
        "status": "active",
        "tier": "public",
    } | more


def _persons(reference_date: date, gemeinden: dict[str, str]) -> list[dict[str, object]]:
    """30 persons per Sozialraum block; the first of each block lost his block code. `gemeinden`: block -> Gemeinde."""
    chance = random.Random(3)
    return [
        {
            "reference_date": reference_date,
            "person_key": f"{block}{i}",
            "household_key": f"{block}{i // 2}",
            "gemeinde_code": gemeinde,
            "block_code": block if i else None,
            "sex": chance.choice(["m", "f"]),
            "age": chance.randrange(95),
        }
        for block, gemeinde in gemeinden.items()
        for i in range(30)
    ]


@pytest.fixture(scope="module")
def star(tmp_path_factory: pytest.TempPathFactory) -> Mini:
    mini = Mini(Path(tmp_path_factory.mktemp("star")))
    mini.area("kreis", "K", None)
    for gemeinde in ("A", "B"):
        mini.area("gemeinde", gemeinde, "K")
        for number in "12":
            mini.area("sozialraum", f"{gemeinde}{number}", gemeinde)
            mini.area("block", f"{gemeinde}{number}b", f"{gemeinde}{number}")
    # A reform: Gemeinde C was dissolved into B on 1 January 2020; its Sozialraum and block kept their codes.
    mini.area("gemeinde", "C", "K", valid_to=date(2019, 12, 31))
    mini.area("sozialraum", "C1", "C", valid_to=date(2019, 12, 31))
    mini.area("sozialraum", "C1", "B", valid_from=date(2020, 1, 1))
    mini.area("block", "C1b", "C1")
    mini.crosswalk.append(
        {
            "area_system": "sozialraum",
            "area_level": "gemeinde",
            "from_code": "C",
            "to_code": "B",
            "reform_date": date(2020, 1, 1),
            "weight": 1.0,
            "method": "exact",
        }
    )
    mini.rule("open")
    mini.rule("count_3", min_count=3)
    for sex in ("f", "m"):
        mini.groups.append(
            {"group_id": f"sex={sex}", "breakdown": "sex", "group_label": sex, "sex": sex, "sort_key": 1}
        )
    for band in ("0-17", "18-64", "65+"):
        mini.groups.append(
            {"group_id": f"age={band}", "breakdown": "age", "group_label": band, "sort_key": 2}
        )
    mini.measure("population", "open", ("age", "sex"), input="person", value_sql="count(*)")
    mini.measure("hze_cases", "open", input="case", period_type="jahr", value_sql="count(*)")
    mini.measure(
        "hze_eur", "open", input="case", period_type="jahr", value_kind="money", value_sql="sum(amount_eur)"
    )
    mini.measure("sgb2_persons", "count_3")
    mini.measure("dwellings", "open")
    common = {
        "source": "mini",
        "area_system": "sozialraum",
        "lowest_level": "sozialraum",
        "level_rank": 2,
        "category_dimension": "",
    }
    mini.microdata_measures = [
        common
        | {
            "measure": "population",
            "input": "person",
            "where": "true",
            "value": "count(*)",
            "breakdowns": [["age"], ["sex"]],
            "period_type": "stichtag",
        },
        common
        | {
            "measure": "hze_cases",
            "input": "case",
            "where": "case_type = 'hze'",
            "value": "count(*)",
            "breakdowns": [],
            "period_type": "jahr",
        },
        common
        | {
            "measure": "hze_eur",
            "input": "case",
            "where": "case_type = 'hze'",
            "value": "sum(amount_eur)",
            "breakdowns": [],
            "period_type": "jahr",
        },
    ]
    today = {"A1b": "A", "A2b": "A", "B1b": "B", "B2b": "B", "C1b": "B"}
    mini.persons = _persons(STICHTAG, today) + _persons(BEFORE_REFORM, today | {"C1b": "C"})
    # Two Jugendämter: town A has its own, the Kreis covers the rest; in 2023 the Kreis has not delivered.
    mini.coverage = [("mini", "A"), ("mini", "K")]
    for year, gemeinden in ((2023, ["A"]), (2024, ["A", "B"])):
        for gemeinde in gemeinden:
            for i in range(4):
                mini.cases.append(
                    {
                        "case_type": "hze",
                        "period_type": "jahr",
                        "period_start": date(year, 1, 1),
                        "period_end": date(year, 12, 31),
                        "gemeinde_code": gemeinde,
                        "block_code": f"{gemeinde}1b",
                        "amount_eur": 1000.0 * (i + 1),
                        "provider_key": "T1",
                    }
                )
    mini.deliveries = [
        {},
        {"delivery_id": "h23a", "period_type": "jahr", "period_end": date(2023, 12, 31), "kommune_code": "A"},
        {"delivery_id": "h24a", "period_type": "jahr", "period_end": date(2024, 12, 31), "kommune_code": "A"},
        {"delivery_id": "h24k", "period_type": "jahr", "period_end": date(2024, 12, 31), "kommune_code": "K"},
    ]
    for code, value in {"A1": 2.0, "A2": 20.0, "B1": 7.0, "B2": 9.0, "C1": 5.0}.items():
        mini.observation("sgb2_persons", "sozialraum", code, value)
    # B2 and C1 are missing: Gemeinde B and the Kreis must not be summed up.
    for code in ("A1", "A2", "B1"):
        mini.observation("dwellings", "sozialraum", code, 100.0)
    mini.indicators = [
        _indicator(),
        _indicator(indicator_key="none@1", indicator_id="none", label="Ohne Daten", status="not_available"),
    ]
    mini.parts = [
        {
            "indicator_key": "sgb2_rate@1",
            "part": "numerator",
            "measure_id": "sgb2_persons",
            "group_id": "total",
            "sign": 1.0,
        },
        {
            "indicator_key": "sgb2_rate@1",
            "part": "denominator",
            "measure_id": "population",
            "group_id": "total",
            "sign": 1.0,
        },
    ]
    mini.build()
    return mini


def _facts(star: Mini, measure: str) -> pd.DataFrame:
    return star.query(
        f"""
        select area.area_level, area.area_code, fact.period_key, fact.group_key, fact.value, fact.obs_status
        from core.fct_measure as fact inner join core.dim_area as area using (area_key)
        where fact.measure_id = '{measure}'
        """
    )


def test_population_equals_a_pandas_count_on_every_level(star: Mini) -> None:
    persons = pd.DataFrame(star.persons)
    persons["band"] = pd.cut(persons["age"], [0, 18, 65, 200], right=False, labels=["0-17", "18-64", "65+"])
    facts = _facts(star, "population").set_index(["area_code", "period_key", "group_key"])["value"]
    for day, frame in persons.groupby("reference_date"):
        key = f"S{day:%Y-%m-%d}"
        assert facts["K", key, "total"] == len(frame)
        for sex, part in frame.groupby("sex"):
            assert facts["K", key, f"sex={sex}"] == len(part)
        for gemeinde, part in frame.groupby("gemeinde_code"):
            assert facts[gemeinde, key, "total"] == len(part)
            assert facts[f"{gemeinde}-NZ", key, "total"] == part["block_code"].isna().sum()
            for band, banded in part.groupby("band", observed=True):
                assert facts[gemeinde, key, f"age={band}"] == len(banded)
        for block, part in frame.groupby("block_code"):
            assert facts[str(block)[:2], key, "total"] == len(part)


def test_a_reform_moves_the_sozialraum_not_the_figures(star: Mini) -> None:
    facts = _facts(star, "population").set_index(["area_level", "area_code", "period_key", "group_key"])[
        "value"
    ]
    assert facts["gemeinde", "C", "S2019-12-31", "total"] == 30
    assert facts["gemeinde", "B", "S2019-12-31", "total"] == 60
    assert facts["gemeinde", "B", "S2024-12-31", "total"] == 90
    assert ("gemeinde", "C", "S2024-12-31", "total") not in facts.index
    reform = star.query(
        "select from_area_key, to_area_key, weight, is_estimate from published.bridge_area_reform"
    )
    assert reform.to_dict("records") == [
        {
            "from_area_key": "sozialraum|gemeinde|C|2010-01-01",
            "to_area_key": "sozialraum|gemeinde|B|2010-01-01",
            "weight": 1.0,
            "is_estimate": False,
        }
    ]


def test_areas_without_a_case_are_a_true_zero(star: Mini) -> None:
    facts = _facts(star, "hze_cases").set_index(["area_code", "period_key"])
    assert facts.loc[("A1", "J2024"), "value"] == 4
    assert facts.loc[("A2", "J2024"), "value"] == 0
    assert facts.loc[("K", "J2024"), "value"] == 8


def test_a_missing_kommune_makes_sums_missing_not_smaller(star: Mini) -> None:
    facts = _facts(star, "hze_eur").set_index(["area_code", "period_key"])
    assert facts.loc[("A", "J2023"), "value"] == 10000
    for code in ("K", "B", "B1"):
        assert pd.isna(facts.loc[(code, "J2023"), "value"])
        assert facts.loc[(code, "J2023"), "obs_status"] == "O"


def test_incomplete_delivered_parts_are_not_summed(star: Mini) -> None:
    facts = _facts(star, "dwellings").set_index("area_code")
    assert facts.loc["A", "value"] == 200
    assert pd.isna(facts.loc["B", "value"])
    assert facts.loc["B", "obs_status"] == "O"
    assert pd.isna(facts.loc["K", "value"])


def test_indicators_come_from_released_parts(star: Mini) -> None:
    mart = star.query("select * from published.mart_indicator").set_index(["area_level", "area_code"])
    kreis = mart.loc[("kreis", "K")]
    assert kreis["value"] == round(100 * 43 / 150, 1)
    assert kreis["value_label"] == "28,7 %"
    assert mart.loc[("sozialraum", "B2"), "value"] == round(100 * 9 / 29, 1)
    assert mart.loc[("sozialraum", "B2"), "kreis_value"] == kreis["value"]
    # A1 holds 2 persons; A2 is hidden with it because Gemeinde A is published. Both rates say so.
    for code in ("A1", "A2"):
        assert pd.isna(mart.loc[("sozialraum", code), "value"])
        assert mart.loc[("sozialraum", code), "value_label"] == "gesperrt"
        assert pd.isna(mart.loc[("sozialraum", code), "numerator"])


def test_the_release_says_what_it_withholds(star: Mini) -> None:
    withheld = star.query(
        "select * from published.mart_withheld where measure_id = 'sgb2_persons'"
    ).set_index("area_level_label")
    assert withheld.loc["Sozialraum", "decision"] == "teilweise zurückgehalten"
    assert withheld.loc["Sozialraum", "cells_withheld"] == 2
    assert withheld.loc["Gemeinde", "decision"] == "ganz veröffentlicht"


def test_primary_rules_at_every_edge(star: Mini) -> None:
    """Runs dbt's unit tests of the suppression macros (0, 1, T-1, T, NULL, negative, dominance, providers …)."""
    star.build("test", "--select", "test_type:unit")
