"""Areas from states and lists of changes: validities, reform weights and sums, on a hand-made register."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.dbt_project.mini import Mini

FIRST, SECOND = date(2021, 12, 31), date(2023, 12, 31)
BASE = date(1990, 10, 3)
Validity = tuple[str, str, str | None]


def _state(mini: Mini, day: date, areas: list[tuple[str, str, str, str | None]]) -> None:
    for level, code, name, parent in areas:
        mini.area(level, code, parent, area_name=name, valid_from=BASE, state_date=day)


def _reform(mini: Mini, level: str, old: str, new: str, day: date, weight: float, method: str) -> None:
    mini.crosswalk.append(
        {
            "area_system": "sozialraum",
            "area_level": level,
            "from_code": old,
            "to_code": new,
            "reform_date": day,
            "weight": weight,
            "method": method,
        }
    )


def _change(mini: Mini, level: str, code: str, parent: str | None, day: date, **more: Any) -> None:
    mini.area(level, code, parent, area_name=more.pop("name", code), valid_from=day, **more)


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Mini:
    mini = Mini(Path(tmp_path_factory.mktemp("register")))
    root = [("kreis", "K", "K", None), ("gemeinde", "V", "V", "K"), ("gemeinde", "W", "W", "K")]
    # State of 2021: Sozialräume A to F in V, G in W, H in X; the Gemeinde X exists only then.
    _state(
        mini,
        FIRST,
        [*root, ("gemeinde", "X", "X", "K"), *(("sozialraum", code, code, "V") for code in "ABCDEF"),
         ("sozialraum", "G", "G", "W"), ("sozialraum", "H", "H", "X")],
    )  # fmt: skip
    # State of 2023: A is gone, B has A's land, C a new name, D another parent, E and F unchanged, N new, H moved.
    _state(
        mini,
        SECOND,
        [*root, ("sozialraum", "B", "B", "V"), ("sozialraum", "C", "C am See", "V"), ("sozialraum", "D", "D", "W"),
         ("sozialraum", "E", "E", "V"), ("sozialraum", "F", "F", "V"), ("sozialraum", "G", "G", "W"),
         ("sozialraum", "N", "N", "W"), ("sozialraum", "H", "H", "W")],
    )  # fmt: skip
    # Lists of changes: A went to B on 1 March 2023, C got its name on 1 June 2023.
    march, june = date(2023, 3, 1), date(2023, 6, 1)
    _change(mini, "sozialraum", "B", "V", march)
    _change(mini, "sozialraum", "A", "V", date(2023, 2, 28), valid_to=date(2023, 2, 28))
    _reform(mini, "sozialraum", "A", "B", march, 1.0, "exact")
    _change(mini, "sozialraum", "C", "V", june, name="C am See")
    _reform(mini, "sozialraum", "C", "C", june, 1.0, "exact")
    # After the last state: E is split into F and the new M; the list names no parents.
    split = date(2024, 1, 1)
    _change(mini, "sozialraum", "F", None, split)
    _change(mini, "sozialraum", "M", "V", split)
    _change(mini, "sozialraum", "E", None, date(2023, 12, 31), valid_to=date(2023, 12, 31))
    _reform(mini, "sozialraum", "E", "F", split, 0.75, "population")
    _reform(mini, "sozialraum", "E", "M", split, 0.25, "population")
    # A border lends itself to every version of its area and makes none.
    mini.area("sozialraum", "C", "V", valid_from=FIRST, geometry='{"type": "Point", "coordinates": [9, 54]}')
    mini.rule("open")
    mini.measure("dwellings", "open")
    for code in "ABCDFG":  # E has no figure: V is incomplete from Sozialräume
        mini.observation("dwellings", "sozialraum", code, 10.0, period_start=FIRST, period_end=FIRST)
    for code, value in (("V", 70.0), ("W", 10.0), ("X", 10.0)):
        mini.observation("dwellings", "gemeinde", code, value, period_start=FIRST, period_end=FIRST)
    mini.build(
        "build",
        "--select",
        "+bridge_area_reform",
        "+fct_measure",
        "--indirect-selection",
        "cautious",
        "--exclude-resource-type",
        "unit_test",
    )
    return mini


def _validities(mini: Mini, level: str) -> set[tuple[Any, ...]]:
    frame = mini.query(
        f"""
        select area_code, area_name, parent_code, strftime(valid_from, '%Y-%m-%d'), strftime(valid_to, '%Y-%m-%d')
        from core.int_area_validity where area_level = '{level}'
        """,
    )
    return {tuple(None if pd.isna(item) else item for item in row) for row in frame.itertuples(index=False)}


def test_states_and_changes_become_validities(register: Mini) -> None:
    assert _validities(register, "sozialraum") == {
        ("A", "A", "V", "1990-10-03", "2023-02-28"),
        ("B", "B", "V", "1990-10-03", "2023-02-28"),
        ("B", "B", "V", "2023-03-01", None),
        ("C", "C", "V", "1990-10-03", "2023-05-31"),
        ("C", "C am See", "V", "2023-06-01", None),
        # No list says when: from the day after the earlier state.
        ("D", "D", "V", "1990-10-03", "2021-12-31"),
        ("D", "D", "W", "2022-01-01", None),
        ("N", "N", "W", "2022-01-01", None),
        ("H", "H", "X", "1990-10-03", "2021-12-31"),
        ("H", "H", "W", "2022-01-01", None),
        ("E", "E", "V", "1990-10-03", "2023-12-31"),
        ("F", "F", "V", "1990-10-03", "2023-12-31"),
        ("F", "F", "V", "2024-01-01", None),
        ("M", "M", "V", "2024-01-01", None),
        ("G", "G", "W", "1990-10-03", None),
    }
    assert _validities(register, "gemeinde") == {
        ("V", "V", "K", "1990-10-03", None),
        ("W", "W", "K", "1990-10-03", None),
        ("X", "X", "K", "1990-10-03", "2021-12-31"),
    }


def test_a_border_is_lent_to_every_version(register: Mini) -> None:
    found = register.query(
        "select count(*) from core.int_area_validity where geometry is not null and area_code = 'C'"
    )
    assert found.iloc[0, 0] == 2


def test_versions_are_linked_by_listed_and_implied_weights(register: Mini) -> None:
    frame = register.query(
        """
        select split_part(from_area_key, '|', 3), split_part(to_area_key, '|', 3),
               strftime(reform_date, '%Y-%m-%d'), weight, method, is_estimate
        from core.bridge_area_reform
        """,
    )
    assert {tuple(row) for row in frame.itertuples(index=False)} == {
        ("A", "B", "2023-03-01", 1.0, "exact", False),
        ("B", "B", "2023-03-01", 1.0, "exact", False),  # implied: B received land and goes on
        ("C", "C", "2023-06-01", 1.0, "exact", False),
        ("D", "D", "2022-01-01", 1.0, "exact", False),  # implied: another parent
        ("H", "H", "2022-01-01", 1.0, "exact", False),
        ("E", "F", "2024-01-01", 0.75, "population", True),
        ("E", "M", "2024-01-01", 0.25, "population", True),
        ("F", "F", "2024-01-01", 1.0, "exact", False),
    }


def test_a_sum_comes_from_the_finest_level_that_is_complete(register: Mini) -> None:
    frame = register.query(
        """
        select split_part(area_key, '|', 3) as code, value, obs_status
        from core.fct_measure
        where measure_id = 'dwellings' and split_part(area_key, '|', 2) in ('kreis', 'gemeinde')
        """,
    )
    values = {row.code: (row.value, row.obs_status) for row in frame.itertuples()}
    # Sozialräume give 60 and lack E; the Gemeinden are complete.
    assert values["K"] == (90.0, "A")
    assert values["V"] == (70.0, "A")
