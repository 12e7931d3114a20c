"""The three patterns of the field, from files to release.

One Pflegedienst in a Kommune, very few cases in a Sozialraum, Schwerbehinderung × Merkzeichen: each is hidden, and an
attacker who subtracts what is published learns too little.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from disclosure.attacker import attack
from tests.dbt_project.mini import STICHTAG, Mini

TREE = {"A": ("A1", "A2", "A3"), "B": ("B1", "B2"), "C": ("C1", "C2"), "D": ("D1",)}
LEAVES = [leaf for leaves in TREE.values() for leaf in leaves]

CARE = {"A": ("p1", "p2", "p3"), "B": ("p4",), "C": ("p1", "p5"), "D": ("p2", "p4")}
"""Pflegedienste per Gemeinde, each with eight recipients."""
CASES = {"A1": 4, "A2": 30, "A3": 12, "B1": 25, "B2": 9, "C1": 14, "C2": 7, "D1": 16}
"""Cases per Sozialraum: four in A1."""
SIGNS = ("Bl", "aG", "G")
DISABLED = {
    "A1": (6, 9, 40),
    "A2": (8, 12, 30),
    "A3": (0, 9, 40),
    "B1": (5, 11, 20),
    "B2": (7, 15, 33),
    "C1": (9, 6, 21),
    "C2": (11, 8, 17),
    "D1": (6, 9, 25),
}
"""Severely disabled persons by Merkzeichen, none of them few."""


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Mini:
    mini = Mini(Path(tmp_path_factory.mktemp("field")))
    mini.area("kreis", "K", None)
    for gemeinde, leaves in TREE.items():
        mini.area("gemeinde", gemeinde, "K")
        for leaf in leaves:
            mini.area("sozialraum", leaf, gemeinde)
    mini.rule("care", min_count=3, min_contributors=3, min_providers=2)
    mini.measure("care", "care", input="case", lowest_level="gemeinde")
    mini.microdata_measures.append(
        {
            "measure": "care",
            "source": "mini",
            "input": "case",
            "where": "true",
            "value": "count(*)",
            "category_dimension": "",
            "area_system": "sozialraum",
            "level_rank": 1,
            "breakdowns": [],
            "period_type": "stichtag",
        }
    )
    for gemeinde, providers in CARE.items():
        for provider in providers:
            mini.cases += [
                {
                    "case_key": f"{gemeinde}{provider}{i}",
                    "person_key": f"{gemeinde}{provider}{i}",
                    "case_type": "pflege",
                    "provider_key": provider,
                    "gemeinde_code": gemeinde,
                    "age": 80,
                    "period_type": "stichtag",
                    "period_start": STICHTAG,
                    "period_end": STICHTAG,
                }
                for i in range(8)
            ]
    mini.rule("cases", min_count=3, levels={"sozialraum": {"min_count": 5, "basis": "Kleinräumig ab 5"}})
    mini.measure("cases", "cases")
    mini.rule("disabled", min_count=5, combinations=[{"of": ["merkzeichen=Bl"], "not_below": "gemeinde"}])
    mini.measure("disabled", "disabled", ("merkzeichen",))
    mini.groups += [
        {"group_id": f"merkzeichen={sign}", "breakdown": "merkzeichen", "group_label": sign, "sort_key": 1}
        for sign in SIGNS
    ]
    for leaf in LEAVES:
        mini.observation("cases", "sozialraum", leaf, float(CASES[leaf]))
        mini.observation("disabled", "sozialraum", leaf, float(sum(DISABLED[leaf])))
        for sign, count in zip(SIGNS, DISABLED[leaf], strict=True):
            mini.observation("disabled", "sozialraum", leaf, float(count), f"merkzeichen={sign}")
    mini.build("run", "--select", "+published_fct_measure")
    return mini


@pytest.fixture(scope="module")
def release(mini: Mini) -> pd.DataFrame:
    return mini.query(
        """
        select
            fact.measure_id, area.area_code, area.area_level, fact.group_key, fact.value, fact.conf_status,
            cell.value as true_value, cell.is_primary, cell.primary_rule, cell.lower_goal, cell.upper_goal
        from published.fct_measure as fact
        inner join core.dim_area as area using (area_key)
        inner join disclosure.int_disclosure__cell as cell using (measure_id, area_key, period_key, group_key)
        """
    )


def _cells(release: pd.DataFrame, measure: str, group: str = "total") -> pd.DataFrame:
    chosen = release[(release["measure_id"] == measure) & (release["group_key"] == group)]
    return chosen.set_index("area_code")


def _mask(area: str, group: str, leaves: list[str], members: tuple[str, ...]) -> np.ndarray:
    mask = np.zeros((len(leaves), len(members)))
    for i, leaf in enumerate(leaves):
        for m, member in enumerate(members):
            mask[i, m] = (area == "K" or leaf.startswith(area)) and group in ("total", member)
    return mask.ravel()


def _hidden_cells_keep_their_range(
    facts: pd.DataFrame, leaves: list[str], members: tuple[str, ...] = ("total",)
) -> int:
    """Attacks every hidden primary with all published cells of its measure; returns how many there were."""
    published = facts[facts["value"].notna()]
    membership = csr_matrix(
        np.array([_mask(row.area_code, row.group_key, leaves, members) for row in published.itertuples()])
    )
    hidden = facts[facts["is_primary"]]
    for row in hidden.itertuples():
        found = attack(
            membership,
            published["value"].to_numpy(dtype="float64"),
            _mask(row.area_code, row.group_key, leaves, members),
        )
        assert found.lower <= row.lower_goal and found.upper >= row.upper_goal, (row, found)
    return len(hidden)


def test_one_pflegedienst_in_a_kommune(release: pd.DataFrame) -> None:
    care = _cells(release, "care")
    assert care.loc["B", "primary_rule"] == "contributors"
    assert (care.loc["B", "lower_goal"], care.loc["B", "upper_goal"]) == (5, 11)
    # Eight persons are many, one Pflegedienst is not; a neighbour keeps it from being computed.
    assert pd.isna(care.loc["B", "value"]) and care.loc["B", "conf_status"] == "C"
    assert care.loc["K", "value"] == 64
    neighbours = care.loc[["A", "C", "D"]]
    assert neighbours["value"].isna().sum() == 1 and not neighbours["is_primary"].any()
    assert _hidden_cells_keep_their_range(care.reset_index(), list(TREE)) == 1


def test_very_few_cases_in_a_sozialraum(release: pd.DataFrame) -> None:
    cases = _cells(release, "cases")
    assert cases.loc["A1", "primary_rule"] == "count"
    assert (cases.loc["A1", "lower_goal"], cases.loc["A1", "upper_goal"]) == (0, 5)
    assert cases.loc[["A1", "A3"], "value"].isna().all()
    assert cases.loc[["A", "A2", "B1", "B2", "K"], "value"].notna().all()
    assert _hidden_cells_keep_their_range(cases.reset_index(), LEAVES) == 1


def test_schwerbehinderung_and_merkzeichen(release: pd.DataFrame) -> None:
    blind = _cells(release, "disabled", "merkzeichen=Bl")
    leaves = blind[blind["area_level"] == "sozialraum"]
    # Every Sozialraum, the one without a case included. Gemeinden show it, but for D, which is its only Sozialraum, and
    # the neighbour that keeps D from being computed.
    assert set(leaves["primary_rule"]) == {"combination"} and leaves["value"].isna().all()
    assert blind.loc[["A", "B", "K"], "value"].notna().all() and blind.loc[["C", "D"], "value"].isna().all()
    totals = _cells(release, "disabled")
    assert totals["value"].notna().all()
    disabled = release[release["measure_id"] == "disabled"]
    members = tuple(f"merkzeichen={sign}" for sign in SIGNS)
    assert _hidden_cells_keep_their_range(disabled, LEAVES, members) == len(LEAVES)
