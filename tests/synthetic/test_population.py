"""The simulated persons: closed books, plausible shares, correlations and segregation."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd
import pytest

from tests.synthetic.conftest import Kreis

HALF_YEARS = ["2016-06-30", "2016-12-31", "2017-06-30", "2017-12-31", "2018-06-30", "2018-12-31"]


def _events(kreis: Kreis, after: str, until: str) -> pd.DataFrame:
    events = kreis.cases("bewegungen")
    days = pd.to_datetime(events["event_date"])
    return events[(days > after) & (days <= until)]


@pytest.mark.parametrize(("start", "end"), list(pairwise(HALF_YEARS)))
def test_stock_and_flow_close_for_every_block(kreis: Kreis, start: str, end: str) -> None:
    before, after = kreis.persons(start), kreis.persons(end)
    codes = kreis.areas.codes_at(pd.Timestamp(end).date())
    old = kreis.areas.codes_at(pd.Timestamp(start).date())
    renamed = dict(zip(old.block, codes.block, strict=True))
    flow = _events(kreis, start, end)
    count = before["block_code"].astype(str).map(renamed).value_counts()
    for kind, sign in {"birth": 1, "move_in": 1, "move_within": 1, "death": -1, "move_out": -1}.items():
        count = count.add(
            sign * flow.loc[flow["case_type"] == kind, "block_code"].value_counts(), fill_value=0
        )
    left = flow.loc[flow["case_type"] == "move_within", "from_block"].value_counts()
    count = count.sub(left, fill_value=0)
    now = after["block_code"].astype(str).value_counts()
    pd.testing.assert_series_equal(
        count[count > 0].astype("int64").sort_index(), now.sort_index(), check_names=False, check_dtype=False
    )
    assert (count >= 0).all()


def test_the_same_persons_follow_from_the_events(kreis: Kreis) -> None:
    for start, end in pairwise(HALF_YEARS):
        flow = _events(kreis, start, end)
        came = set(flow.loc[flow["case_type"].isin(["birth", "move_in"]), "pid"])
        went = set(flow.loc[flow["case_type"].isin(["death", "move_out"]), "pid"])
        assert set(kreis.persons(start)["pid"]) - went | came == set(kreis.persons(end)["pid"])


def test_persons_get_older_and_keep_their_identity(kreis: Kreis) -> None:
    before, after = (kreis.persons(day).set_index("pid") for day in HALF_YEARS[:2])
    both = before.join(after, rsuffix="_later", how="inner")
    assert (both["person_key"] == both["person_key_later"]).all()
    assert (both["birth"] == both["birth_later"]).all()
    assert ((both["age_later"] - both["age"]).isin([0, 1])).all()
    assert kreis.persons(HALF_YEARS[0])["person_key"].is_unique


def test_households_are_consistent(kreis: Kreis) -> None:
    persons = kreis.persons("2018-12-31")
    groups = persons.groupby("household_key", observed=True)
    assert (groups["household_size"].first() == groups.size()).all()
    assert (groups["block_code"].nunique() == 1).all()
    assert (groups["age"].max() >= 18).all()
    lone = persons[persons["household_type"] == "single_parent"]
    minors = lone.assign(minor=lone["age"] < 18).groupby("household_key", observed=True)["minor"].sum()
    assert (minors >= 1).all()


def test_shares_are_plausible(kreis: Kreis) -> None:
    persons = kreis.persons("2018-12-31")
    working = persons[persons["age"].between(15, 64)]
    shares = {
        "sgb2": (persons.loc[persons["age"] < 67, "sgb2"].mean(), 0.05, 0.12),
        "minors": ((persons["age"] < 18).mean(), 0.14, 0.21),
        "seniors": ((persons["age"] >= 65).mean(), 0.17, 0.26),
        "foreign": ((persons["nationality"] == "foreign").mean(), 0.09, 0.2),
        "unemployed": ((working["employment"] == "arbeitslos").mean(), 0.025, 0.07),
        "employed": ((working["employment"] == "svb").mean(), 0.55, 0.7),
        "disabled": ((persons["gdb"] > 0).mean(), 0.06, 0.11),
        "care": ((persons["care_grade"] > 0).mean(), 0.02, 0.07),
        "block lost": (1 - persons["block_delivered"].mean(), 0.001, 0.012),
    }
    outside = {name: value for name, (value, low, high) in shares.items() if not low <= value <= high}
    assert not outside
    assert len(persons) == pytest.approx(kreis.settings.inhabitants * 0.95 * 1.017, rel=0.03)


def test_poverty_follows_family_origin_and_quarter(kreis: Kreis) -> None:
    persons = kreis.persons("2018-12-31")
    young = persons[persons["age"] < 67]
    by_family = young.groupby("household_type", observed=True)["sgb2"].mean()
    assert by_family["single_parent"] > 2 * by_family["couple_children"]
    by_origin = young.groupby("nationality", observed=True)["sgb2"].mean()
    assert by_origin["foreign"] > 1.5 * by_origin["de"]
    codes = kreis.areas.codes_at(pd.Timestamp("2018-12-31").date())
    deprivation = pd.Series(kreis.areas.blocks["deprivation"].to_numpy(), index=codes.block)
    place = young["block_code"].astype(str).map(deprivation)
    assert young.loc[place > 1.3, "sgb2"].mean() > 2 * young.loc[place < -0.3, "sgb2"].mean()
    seu = kreis.cases("seu")
    assert (seu.loc[seu["migration"] == "yes", "sprache"] == "ja").mean() > (
        seu.loc[seu["migration"] == "no", "sprache"] == "ja"
    ).mean()
