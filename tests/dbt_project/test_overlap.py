"""The same people in two area systems: atoms are counted by the pair of areas, here again with pandas.

Two Sozialräume and two Bezirke over three blocks: the Bezirk that equals a Sozialraum but for one block would give that
block away by subtraction, although all figures of either system are large.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from disclosure.attacker import attack
from lagebild.instance import DisclosureSettings
from orchestration.protection.decide import protect_warehouse
from orchestration.protection.store import write_empty
from tests.dbt_project.mini import STICHTAG, Mini
from tests.dbt_project.test_certificate import PHASE_1, PHASE_2

pytestmark = pytest.mark.slow

BLOCKS = {"b1": ("S1", "D1"), "b2": ("S1", "D2"), "b3": ("S2", "D2"), "b4": ("S2", "D3")}
"""Block to Sozialraum and Bezirk."""
CHILDREN = {"b1": 30, "b2": 2, "b3": 25, "b4": 20}
ADULTS = 40


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Mini:
    mini = Mini(Path(tmp_path_factory.mktemp("overlap")))
    mini.second_system = ("kreis", "bezirk", "block")
    mini.area("kreis", "K", None)
    mini.area("gemeinde", "G", "K")
    mini.area("kreis", "K", None, area_system="second")
    for sozialraum in ("S1", "S2"):
        mini.area("sozialraum", sozialraum, "G")
    for bezirk in ("D1", "D2", "D3"):
        mini.area("bezirk", bezirk, "K", area_system="second")
    for block, (sozialraum, bezirk) in BLOCKS.items():
        mini.area("block", block, sozialraum)
        mini.area("block", block, bezirk, area_system="second")
    mini.persons = [
        {
            "reference_date": STICHTAG,
            "person_key": f"{block}{number}",
            "gemeinde_code": "G",
            "block_code": block,
            "sex": "f",
            "age": 5 if number < CHILDREN[block] else 40,
        }
        for block in BLOCKS
        for number in range(CHILDREN[block] + ADULTS)
    ]
    mini.rule("count_3", min_count=3)
    mini.groups += [
        {"group_id": f"age={band}", "breakdown": "age", "group_label": band, "sort_key": 1}
        for band in ("0-17", "18-64", "65+")
    ]
    mini.measure("people", "count_3", ("age",), input="person")
    mini.measure("children", "count_3", input="person", area_system="second", lowest_level="bezirk")
    mini.restricts = {"children": ("people", (0, 17))}
    common = {"source": "mini", "input": "person", "value": "count(*)", "category_dimension": ""}
    mini.microdata_measures = [
        common
        | {"measure": "people", "where": "true", "breakdowns": [["age"]], "period_type": "stichtag"}
        | {"area_system": "sozialraum", "lowest_level": "sozialraum", "level_rank": 2},
        common
        | {"measure": "children", "where": "age < 18", "breakdowns": [], "period_type": "stichtag"}
        | {"area_system": "second", "lowest_level": "bezirk", "level_rank": 1}
        | {"refined_by": {"area_system": "sozialraum", "level_rank": 2}},
    ]
    mini.proof_dir = str(mini.root / "proof")
    write_empty(Path(mini.proof_dir))
    mini.build(*PHASE_1)
    return mini


def test_children_are_counted_by_the_pair_of_areas(proven: Mini) -> None:
    persons = pd.DataFrame(proven.persons).query("age < 18")
    persons["bezirk"] = persons["block_code"].map(lambda block: BLOCKS[block][1])
    persons["sozialraum"] = persons["block_code"].map(lambda block: BLOCKS[block][0])
    expected = persons.groupby(["bezirk", "sozialraum"]).size().to_dict()
    atoms = proven.query("select * from disclosure.int_disclosure__atom where atom_measure = 'children'")
    codes = atoms["atom_area"].map(lambda key: tuple(part.split("|")[2] for part in key.split("&")))
    assert dict(zip(codes, atoms["base"], strict=True)) == expected
    assert expected[("D2", "S1")] == CHILDREN["b2"]


def test_both_systems_are_one_table_that_holds_together(proven: Mini) -> None:
    table = proven.query("select * from disclosure.int_disclosure__table")
    assert table[["table_group", "is_consistent"]].values.tolist() == [["people", True]]
    rows = proven.query(
        """
        select link.link_row, sum(link.coefficient * atom.base) as balance, count(*) as atoms
        from disclosure.int_disclosure__link as link
        inner join disclosure.int_disclosure__atom as atom using (table_id, atom_id)
        group by link.link_row
        """
    )
    # The link holds per Sozialraum, where both measures can be compared.
    assert len(rows) == 2
    assert (rows["balance"] == 0).all()


def test_without_a_certificate_the_second_system_shows_the_kreis_only(proven: Mini) -> None:
    proven.build(*PHASE_2)
    facts = proven.query(
        "select * from published.fct_measure where measure_id = 'children' and value is not null"
    )
    assert facts["area_key"].str.split("|").str[1].tolist() == ["kreis"]


def test_with_a_certificate_differences_of_the_systems_show_no_small_number(proven: Mini) -> None:
    """S1 and D1 differ by the two children of b2: both figures are large, and one of them has to go."""
    cells = proven.query("select * from disclosure.int_disclosure__table_cell where is_primary")
    assert cells["value_units"].tolist() == [CHILDREN["b2"]]
    assert cells["area_key"].str.contains("&").all()
    protect_warehouse(proven.warehouse, Path(proven.proof_dir), DisclosureSettings(workers=1))
    proven.build(*PHASE_2)
    facts = proven.query(
        """
        select split_part(area_key, '|', 3) as code, value from published.fct_measure
        where value is not null and (measure_id = 'children' or group_key = 'age=0-17')
        """
    )
    # Something of the second system below the Kreis is shown, or nothing would have been won.
    assert len(facts) > 3
    inside = {"K": set(BLOCKS), "G": set(BLOCKS), "second": set(BLOCKS)} | {
        code: {block for block, areas in BLOCKS.items() if code in areas}
        for code in ("S1", "S2", "D1", "D2", "D3")
    }
    rows = [[float(block in inside.get(code, set())) for block in BLOCKS] for code in facts["code"]]
    target = np.array([float(block == "b2") for block in BLOCKS])
    found = attack(csr_matrix(np.array(rows)), facts["value"].to_numpy(dtype="float64"), target)
    assert found.protects(3), found
