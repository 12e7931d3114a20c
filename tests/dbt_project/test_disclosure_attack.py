"""The release against an attacker: can any hidden primary figure be narrowed down from what is published?

The attacker is written on other code than the suppression (integer programming over the finest tables instead of
set-based SQL): he knows every published cell, knows that counts are whole and not negative, and asks for the smallest
and the largest value a hidden cell can have. Random measures of one area tree are built in a single dbt run.
"""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from disclosure.attacker import Interval, attack
from tests.dbt_project.mini import Mini

THRESHOLD = 3
CATEGORIES = ("age=0-17", "age=18-64", "age=65+")
SEXES = ("sex=f", "sex=m")
MEASURES = 60


def area_tree(seed: int) -> dict[str, list[str]]:
    """Gemeinde -> its Sozialräume; some Gemeinden have one only (area that is its own parent)."""
    chance = random.Random(seed)
    return {f"G{g}": [f"G{g}S{s}" for s in range(chance.choice((1, 1, 2, 3, 5)))] for g in range(6)}


TREE = area_tree(7)
LEAVES = [leaf for leaves in TREE.values() for leaf in leaves]


def random_tables() -> dict[str, np.ndarray]:
    """measure -> counts of shape (leaf, category, sex); many small cells, empty areas and one-sided breakdowns."""
    generator = np.random.default_rng(20260101)
    tables = {}
    for number in range(MEASURES):
        scale = generator.choice([0.6, 1.5, 4.0, 12.0], size=(len(LEAVES), 1, 1))
        skew = generator.dirichlet(np.full(len(CATEGORIES), generator.choice([0.3, 1.0, 5.0])))
        tables[f"m{number:02d}"] = generator.poisson(
            scale * skew[None, :, None] * 3, size=(len(LEAVES), 3, 2)
        )
    return tables


def is_crossed(measure: str) -> bool:
    """Every second measure also has the cross table age;sex."""
    return int(measure[1:]) % 2 == 0


@pytest.fixture(scope="module")
def tables() -> dict[str, np.ndarray]:
    return random_tables()


@pytest.fixture(scope="module")
def release(tables: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Published facts of all random measures: measure_id, area_code, area_level, group_key, value, is_primary."""
    mini = Mini(Path(tmp_path_factory.mktemp("attack")))
    mini.area("kreis", "K", None)
    for gemeinde, leaves in TREE.items():
        mini.area("gemeinde", gemeinde, "K")
        for leaf in leaves:
            mini.area("sozialraum", leaf, gemeinde)
    mini.rule("count_3", min_count=THRESHOLD)
    mini.groups += [{"group_id": c, "breakdown": "age", "group_label": c, "sort_key": 1} for c in CATEGORIES]
    mini.groups += [{"group_id": s, "breakdown": "sex", "group_label": s, "sort_key": 1} for s in SEXES]
    mini.groups += [
        {"group_id": f"{c};{s}", "breakdown": "age;sex", "group_label": f"{c};{s}", "sort_key": 1}
        for c, s in itertools.product(CATEGORIES, SEXES)
    ]
    for measure, counts in tables.items():
        mini.measure(measure, "count_3", ("age", "sex", "age;sex") if is_crossed(measure) else ("age", "sex"))
        for index, leaf in enumerate(LEAVES):
            mini.observation(measure, "sozialraum", leaf, float(counts[index].sum()))
            for c, category in enumerate(CATEGORIES):
                mini.observation(measure, "sozialraum", leaf, float(counts[index, c].sum()), category)
            for s, sex in enumerate(SEXES):
                mini.observation(measure, "sozialraum", leaf, float(counts[index, :, s].sum()), sex)
            if is_crossed(measure):
                for (c, category), (s, sex) in itertools.product(enumerate(CATEGORIES), enumerate(SEXES)):
                    mini.observation(
                        measure, "sozialraum", leaf, float(counts[index, c, s]), f"{category};{sex}"
                    )
    mini.build(
        "build",
        "--select",
        "+published_fct_measure",
        "+stg_registry__calendar",
        "--indirect-selection",
        "cautious",
        "--exclude-resource-type",
        "unit_test",
    )
    return mini.query(
        """
        select
            fact.measure_id, area.area_code, area.area_level, fact.group_key, cell.breakdown, fact.value,
            cell.is_primary
        from published.fct_measure as fact
        inner join core.dim_area as area using (area_key)
        inner join disclosure.int_disclosure__cell as cell using (measure_id, area_key, period_key, group_key)
        """
    )


def atoms_of(area_code: str, group_key: str) -> np.ndarray:
    """Which atoms (leaf, category, sex) a cell adds up, as a flat 0/1 vector."""
    leaves = LEAVES if area_code == "K" else TREE.get(area_code, [area_code])
    parts = set(group_key.split(";"))
    mask = np.zeros((len(LEAVES), len(CATEGORIES), len(SEXES)))
    for (i, leaf), (c, category), (s, sex) in itertools.product(
        enumerate(LEAVES), enumerate(CATEGORIES), enumerate(SEXES)
    ):
        fits_age = not parts & set(CATEGORIES) or category in parts
        fits_sex = not parts & set(SEXES) or sex in parts
        mask[i, c, s] = leaf in leaves and fits_age and fits_sex
    return mask.ravel()


def interval(published: pd.DataFrame, target: np.ndarray) -> Interval:
    """What the attacker concludes about the cell `target` from the published facts of one measure."""
    cells = zip(published["area_code"], published["group_key"], strict=True)
    membership = csr_matrix(np.array([atoms_of(code, group) for code, group in cells]))
    return attack(membership, published["value"].to_numpy(dtype="float64"), target)


def test_published_values_are_the_true_ones(release: pd.DataFrame, tables: dict[str, np.ndarray]) -> None:
    published = release[release["value"].notna()]
    assert len(published) > 1000
    for row in published.itertuples():
        true_value = float(atoms_of(row.area_code, row.group_key) @ tables[row.measure_id].ravel())
        assert row.value == true_value


def test_no_primary_cell_is_published(release: pd.DataFrame) -> None:
    assert release["is_primary"].sum() > 500
    assert release.loc[release["is_primary"], "value"].isna().all()


def test_attacker_cannot_narrow_down_any_primary_cell(release: pd.DataFrame) -> None:
    attacked = 0
    for measure, facts in release.groupby("measure_id"):
        published = facts[facts["value"].notna()]
        hidden = facts[facts["is_primary"] & ~facts["breakdown"].str.contains(";")]
        for row in hidden.itertuples():
            found = interval(published, atoms_of(row.area_code, row.group_key))
            assert found.protects(THRESHOLD), f"{measure} {row.area_code} {row.group_key}: {found}"
            attacked += 1
    assert attacked > 500


def test_cells_of_withheld_cross_tables_are_not_exactly_determined(release: pd.DataFrame) -> None:
    for measure, facts in release.groupby("measure_id"):
        published = facts[facts["value"].notna()]
        hidden = facts[facts["is_primary"] & facts["breakdown"].str.contains(";")]
        for row in hidden.head(10).itertuples():
            found = interval(published, atoms_of(row.area_code, row.group_key))
            assert found.lower < found.upper, (
                f"{measure} {row.area_code} {row.group_key}: exactly {found.lower}"
            )


def test_attacker_wins_when_a_secondary_cell_is_published(
    release: pd.DataFrame, tables: dict[str, np.ndarray]
) -> None:
    """Mutation: the attack has teeth. Publishing what was hidden beside a primary cell must give primaries away."""
    broken = 0
    for measure, facts in release.groupby("measure_id"):
        hidden = facts[facts["value"].isna() & (facts["breakdown"] == "total")]
        primary = hidden[hidden["is_primary"]]
        secondary = hidden[~hidden["is_primary"]].copy()
        if primary.empty or secondary.empty:
            continue
        true_table = tables[str(measure)].ravel()
        secondary["value"] = [float(atoms_of(code, "total") @ true_table) for code in secondary["area_code"]]
        leaked = pd.concat([facts[facts["value"].notna()], secondary])
        for row in primary.itertuples():
            broken += not interval(leaked, atoms_of(row.area_code, row.group_key)).protects(THRESHOLD)
    assert broken > 0
