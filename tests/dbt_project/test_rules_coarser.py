"""Coarser groups: summed from the fine ones, decided before them, and no help to an attacker.

Random measures on a small area tree go through the real dbt models; an attacker on other code (LP with whole numbers)
then knows every published figure, coarse and fine.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from disclosure.attacker import attack
from lagebild.instance import Coarsening
from tests.dbt_project.mini import STICHTAG, Mini

THRESHOLD = 3
AGES = ("age=0-5", "age=6-17", "age=18-64", "age=65+")
COARSE = {"grob=0-17": AGES[:2], "grob=18+": AGES[2:]}
SCALE = Coarsening(of="age", label="Altersgruppe", members={"0-17": ("0-5", "6-17"), "18+": ("18-64", "65+")})
SEXES = ("sex=f", "sex=m")
TREE = {"G0": 4, "G1": 3, "G2": 2, "G3": 5, "G4": 1}
LEAVES = [f"{gemeinde}S{number}" for gemeinde, count in TREE.items() for number in range(count)]
MEASURES = 8


def is_crossed(measure: int) -> bool:
    return measure % 3 == 0


@pytest.fixture(scope="module")
def tables() -> list[np.ndarray]:
    """Per measure counts of shape (leaf, age, sex)."""
    generator = np.random.default_rng(11)
    found = []
    for _ in range(MEASURES):
        scale = generator.choice([0.8, 2.0, 6.0, 20.0], size=(len(LEAVES), 1, 1))
        share = generator.dirichlet(np.full(len(AGES), 2.0))[None, :, None]
        found.append(generator.poisson(scale * share * 4, size=(len(LEAVES), len(AGES), len(SEXES))))
    return found


@pytest.fixture(scope="module")
def mini(tables: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Mini:
    mini = Mini(Path(tmp_path_factory.mktemp("coarser")))
    mini.age_bounds = (0, 6, 18, 65)
    mini.coarser = {"grob": SCALE}
    mini.area("kreis", "K", None)
    for gemeinde in TREE:
        mini.area("gemeinde", gemeinde, "K")
    for leaf in LEAVES:
        mini.area("sozialraum", leaf, leaf[:2])
    mini.rule("count_3", min_count=THRESHOLD)
    crossed = [f"{age};{sex}" for age, sex in product(AGES, SEXES)]
    for breakdown, members in {"age": AGES, "sex": SEXES, "grob": tuple(COARSE), "age;sex": crossed}.items():
        mini.groups += [
            {"group_id": item, "breakdown": breakdown, "group_label": item, "sort_key": 1} for item in members
        ]
    for number, counts in enumerate(tables):
        extra = ("age;sex",) if is_crossed(number) else ()
        mini.measure(f"m{number}", "count_3", ("age", "sex", "grob", *extra))
        for i, leaf in enumerate(LEAVES):
            mini.observation(f"m{number}", "sozialraum", leaf, float(counts[i].sum()))
            for a, age in enumerate(AGES):
                mini.observation(f"m{number}", "sozialraum", leaf, float(counts[i, a].sum()), age)
            for s, sex in enumerate(SEXES):
                mini.observation(f"m{number}", "sozialraum", leaf, float(counts[i, :, s].sum()), sex)
            for (a, age), (s, sex) in product(enumerate(AGES), enumerate(SEXES)):
                if is_crossed(number):
                    mini.observation(f"m{number}", "sozialraum", leaf, float(counts[i, a, s]), f"{age};{sex}")
    # Parts that are hidden, missing or estimated.
    mini.measure("gaps", "count_3", ("age", "grob"))
    gaps = {
        "G0S0": [4.0, None, 5.0, 6.0],
        "G0S1": [4.0, 4.0, 5.0, 6.0],
        "G0S2": [4.0, 4.0, None, 6.0],
        "G0S3": [4.0, 4.0, 5.0],
    }
    status = {
        ("G0S0", 1): {"conf_status": "C"},
        ("G0S1", 2): {"obs_status": "E"},
        ("G0S2", 2): {"obs_status": "L"},
    }
    for leaf, values in gaps.items():
        for a, value in enumerate(values):
            mini.observation("gaps", "sozialraum", leaf, value, AGES[a], **status.get((leaf, a), {}))
    # Cases: two of one household in different groups, one provider for both.
    for rule, contributor in (("households", "household"), ("persons", "person")):
        mini.rule(rule, min_count=1, min_contributors=2, contributor=contributor)
        mini.measure(rule, rule, ("age", "grob"), input="case", source_id="mini", lowest_level="gemeinde")
        mini.microdata_measures.append(
            {
                "measure": rule,
                "source": "mini",
                "input": "case",
                "where": "true",
                "value": "sum(amount_eur)",
                "category_dimension": "",
                "area_system": "sozialraum",
                "level_rank": 1,
                "breakdowns": [["age"]],
                "period_type": "stichtag",
            }
        )
    for number, (age, household, amount) in enumerate(
        ((3, "h1", 10.0), (9, "h1", 70.0), (11, "h2", 20.0), (40, "h3", 5.0))
    ):
        mini.cases.append(
            {
                "case_key": f"c{number}",
                "case_type": "x",
                "age": age,
                "household_key": household,
                "person_key": f"p{number}",
                "provider_key": "one",
                "gemeinde_code": "G0",
                "amount_eur": amount,
                "period_type": "stichtag",
                "period_start": STICHTAG,
                "period_end": STICHTAG,
            }
        )
    # A case nobody can place: its area has a row for this age group only.
    mini.cases.append({**mini.cases[0], "case_key": "c9", "person_key": "p9", "gemeinde_code": None})
    mini.build("run", "--select", "+published_fct_measure")
    return mini


@pytest.fixture(scope="module")
def release(mini: Mini) -> pd.DataFrame:
    return mini.query(
        """
        select
            fact.measure_id, area.area_code, area.area_level, fact.group_key, cell.breakdown, fact.value,
            cell.is_primary
        from published.fct_measure as fact
        inner join core.dim_area as area using (area_key)
        inner join disclosure.int_disclosure__cell as cell using (measure_id, area_key, period_key, group_key)
        where fact.measure_id like 'm%'
        """
    )


def atoms_of(area_code: str, group_key: str) -> np.ndarray:
    """Which (leaf, age, sex) a cell adds up, as a flat 0/1 vector."""
    mask = np.zeros((len(LEAVES), len(AGES), len(SEXES)))
    parts = set(group_key.split(";"))
    ages = {age for part in parts for age in COARSE.get(part, (part,))} & set(AGES) or set(AGES)
    sexes = parts & set(SEXES) or set(SEXES)
    for (i, leaf), (a, age), (s, sex) in product(enumerate(LEAVES), enumerate(AGES), enumerate(SEXES)):
        mask[i, a, s] = (area_code == "K" or leaf.startswith(area_code)) and age in ages and sex in sexes
    return mask.ravel()


def test_a_coarse_figure_is_the_sum_of_the_fine_ones(release: pd.DataFrame, tables: list[np.ndarray]) -> None:
    shown = release[(release["breakdown"] == "grob") & release["value"].notna()]
    assert len(shown) > 50
    for row in shown.itertuples():
        assert row.value == atoms_of(row.area_code, row.group_key) @ tables[int(row.measure_id[1:])].ravel()


def test_coarse_groups_stand_where_fine_ones_are_withheld(release: pd.DataFrame) -> None:
    """That is what they are for; and never the other way round, since the fine ones add up to them."""
    leaves = release[release["area_level"] == "sozialraum"]
    vectors = leaves.groupby(["measure_id", "area_code", "breakdown"])["value"].apply(
        lambda cells: cells.notna().all()
    )
    wide = vectors.unstack("breakdown")
    assert ((wide["grob"] == True) & (wide["age"] == False)).sum() > 4  # noqa: E712 - object columns
    assert ((wide["grob"] == False) & (wide["age"] == True)).sum() == 0  # noqa: E712


def test_attacker_cannot_narrow_down_any_primary_cell(release: pd.DataFrame) -> None:
    attacked = {"age": 0, "grob": 0, "sex": 0, "total": 0}
    for measure, facts in release.groupby("measure_id"):
        published = facts[facts["value"].notna()]
        cells = zip(published["area_code"], published["group_key"], strict=True)
        membership = csr_matrix(np.array([atoms_of(code, group) for code, group in cells]))
        values = published["value"].to_numpy(dtype="float64")
        hidden = facts[facts["is_primary"] & ~facts["breakdown"].str.contains(";")]
        for row in hidden.itertuples():
            found = attack(membership, values, atoms_of(row.area_code, row.group_key))
            assert found.protects(THRESHOLD), f"{measure} {row.area_code} {row.group_key}: {found}"
            attacked[row.breakdown] += 1
    assert attacked["age"] > 60 and attacked["grob"] > 10, attacked


def test_a_part_without_a_figure_leaves_none(mini: Mini) -> None:
    rows = mini.query(
        """
        select area.area_code, fact.group_key, fact.value, fact.obs_status, fact.conf_status
        from core.fct_measure as fact
        inner join core.dim_area as area using (area_key)
        where fact.measure_id = 'gaps' and fact.breakdown = 'grob' and area.area_level = 'sozialraum'
        """
    ).astype(object)
    found = {
        (row.area_code, row.group_key): (row.value, row.obs_status, row.conf_status)
        for row in rows.itertuples()
    }
    hidden, complete, missing = (
        found["G0S0", "grob=0-17"],
        found["G0S0", "grob=18+"],
        found["G0S2", "grob=18+"],
    )
    assert (pd.isna(hidden[0]), *hidden[1:]) == (True, "A", "C")
    assert complete == (11.0, "A", "F")
    assert found["G0S1", "grob=18+"] == (11.0, "E", "F")
    assert (pd.isna(missing[0]), *missing[1:]) == (True, "O", "F")
    part_not_delivered = found["G0S3", "grob=18+"]
    assert (pd.isna(part_not_delivered[0]), *part_not_delivered[1:]) == (True, "O", "F")


def test_contributors_are_put_together_with_care(mini: Mini) -> None:
    """Persons add up, the two largest amounts stay the two largest; of households only the largest part is certain."""
    rows = mini.query(
        """
        select fact.measure_id, fact.value, fact.contributors, fact.providers, fact.largest, fact.second_largest
        from core.fct_measure as fact
        inner join core.dim_area as area using (area_key)
        where fact.measure_id in ('persons', 'households') and fact.group_key = 'grob=0-17' and area.area_code = 'G0'
        """
    ).set_index("measure_id")
    assert tuple(rows.loc["persons"]) == (100.0, 3, 1, 70.0, 20.0)
    assert rows.loc["households", "contributors"] == 2
    assert rows.loc["households", "value"] == 100.0
    placeless = mini.query(
        """
        select fact.value
        from core.fct_measure as fact
        inner join core.dim_area as area using (area_key)
        where fact.measure_id = 'persons' and fact.group_key = 'grob=0-17' and area.is_unassigned
        """
    )
    assert placeless["value"].tolist() == [10.0]
    # No row of zeros stands beside the sums.
    doubled = mini.query(
        """
        select count(*) as n
        from core.fct_measure
        group by measure_id, period_key, area_key, group_key
        having count(*) > 1
        """
    )
    assert doubled.empty
