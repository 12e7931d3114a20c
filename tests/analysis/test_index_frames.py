"""Indices as the dbt models call them: who counts, what an empty index is called, what each part adds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.frames.index import (
    INDEX_TYPES,
    PART_TYPES,
    SENSITIVITY_TYPES,
    index_frame,
    part_frame,
    sensitivity_frame,
)

RECIPE: dict[str, Any] = {
    "index_id": "x",
    "standardisation": "z_score",
    "aggregation": "sum",
    "weighting": "equal",
    "rescale": "z_score",
    "class_method": "bounds",
    "class_upper_inclusive": True,
    "change_class_method": None,
    "change_class_upper_inclusive": None,
    "has_dynamics": False,
    "population_minimum": None,
    "minimum_areas": 3,
    "minimum_share": 0.5,
}
BOUNDS = [-1.0, 1.0]


def recipes(**changes: Any) -> pd.DataFrame:
    return pd.DataFrame([RECIPE | changes])


def parts(names: str = "ab", orientation: dict[str, int] | None = None, **weights: float) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "index_id": "x",
                "indicator_id": name,
                "position": position,
                "orientation": (orientation or {}).get(name, 1),
                "weight": weights.get(name, np.nan),
            }
            for position, name in enumerate(names, start=1)
        ]
    )


def classes(kind: str = "value", bounds: list[float] | None = None, count: int = 3) -> pd.DataFrame:
    limits = BOUNDS if bounds is None else bounds
    return pd.DataFrame(
        [
            {
                "index_id": "x",
                "kind": kind,
                "class_number": number,
                "upper_bound": limits[number - 1] if number <= len(limits) else np.nan,
            }
            for number in range(1, count + 1)
        ]
    )


def inputs(values: dict[str, list[float]], **columns: Any) -> pd.DataFrame:
    """One row per area and part; a missing figure is withheld unless `obs_status` says otherwise."""
    count = len(next(iter(values.values())))
    return pd.DataFrame(
        [
            {
                "index_id": "x",
                "period_key": "S1",
                "area_key": f"A{area:02d}",
                "indicator_id": name,
                "indicator_label": name.upper(),
                "position": position,
                "value": figures[area],
                "change_value": columns.get("change", {}).get(name, [np.nan] * count)[area],
                "obs_status": columns.get("obs", {}).get((area, name), "A"),
                "conf_status": columns.get("conf", {}).get(
                    (area, name), "C" if np.isnan(figures[area]) else "F"
                ),
                "population": columns.get("population", [1000.0] * count)[area],
            }
            for position, (name, figures) in enumerate(values.items(), start=1)
            for area in range(count)
        ]
    )


FIVE = {"a": [1.0, 2.0, 3.0, 4.0, 5.0], "b": [2.0, 4.0, 5.0, 8.0, 11.0]}


def by_hand(columns: list[list[float]]) -> np.ndarray:
    """z-values, their sum, once more standardised."""
    total = sum(
        (np.asarray(column) - np.mean(column)) / np.std(column) for column in np.asarray(columns, dtype=float)
    )
    return np.asarray((total - total.mean()) / total.std())


def test_an_index_by_hand() -> None:
    found = index_frame(inputs(FIVE), recipes(), parts(), classes()).set_index("area_key")
    assert found["value"].to_numpy() == pytest.approx(by_hand([FIVE["a"], FIVE["b"]]))
    assert found["rank"].tolist() == [5, 4, 3, 2, 1]
    assert found["class_number"].tolist() == [1, 2, 2, 2, 3]
    assert set(found["n_areas"]) == {5}
    assert found["empty_reason"].isna().all() and set(found["conf_status"]) == {"F"}


def test_a_withheld_part_empties_its_area_and_counts_for_nobody() -> None:
    values = {"a": [*FIVE["a"], 100.0], "b": [*FIVE["b"], np.nan]}
    found = index_frame(inputs(values), recipes(), parts(), classes()).set_index("area_key")
    assert found["value"][:5].to_numpy() == pytest.approx(by_hand([FIVE["a"], FIVE["b"]]))
    last = found.loc["A05"]
    assert pd.isna(last["value"]) and pd.isna(last["rank"]) and pd.isna(last["class_number"])
    assert (last["conf_status"], last["empty_reason"]) == ("C", "gesperrt (B)")
    shown = part_frame(inputs(values), recipes(), parts(), classes())
    assert shown[shown["area_key"] == "A05"]["standardised"].isna().all()


@pytest.mark.parametrize(
    ("status", "words"),
    [("O", "noch nicht geliefert (B)"), ("L", "nicht erhoben (B)"), ("M", "nicht zutreffend (B)")],
)
def test_an_empty_index_says_why(status: str, words: str) -> None:
    values = {"a": [*FIVE["a"], 1.0], "b": [*FIVE["b"], np.nan]}
    given_rows = inputs(values, obs={(5, "b"): status}, conf={(5, "b"): "F"})
    last = index_frame(given_rows, recipes(), parts(), classes()).set_index("area_key").loc["A05"]
    assert (last["obs_status"], last["conf_status"], last["empty_reason"]) == (status, "F", words)


def test_small_areas_have_no_index_and_do_not_move_the_others() -> None:
    values = {"a": [*FIVE["a"], 50.0], "b": [*FIVE["b"], 50.0]}
    given_rows = inputs(values, population=[1000.0] * 5 + [299.0])
    found = index_frame(given_rows, recipes(population_minimum=300), parts(), classes()).set_index("area_key")
    assert found["value"][:5].to_numpy() == pytest.approx(by_hand([FIVE["a"], FIVE["b"]]))
    assert pd.isna(found.loc["A05", "value"]) and pd.isna(found.loc["A05", "rank"])
    assert found.loc["A05", "empty_reason"] == "weniger als 300 Einwohnerinnen und Einwohner"
    unknown = inputs(FIVE, population=[1000.0] * 4 + [np.nan])
    last = index_frame(unknown, recipes(population_minimum=300), parts(), classes()).iloc[-1]
    assert last["empty_reason"] == "Einwohnerzahl nicht veröffentlicht"


def test_a_period_with_too_few_areas_has_no_index() -> None:
    values = {"a": FIVE["a"], "b": [2.0, 4.0, np.nan, np.nan, np.nan]}
    found = index_frame(inputs(values), recipes(), parts(), classes())
    assert found["value"].isna().all()
    assert (
        found["empty_reason"].tolist()
        == ["nicht gebildet: nur für 2 von 5 Gebieten alle Kennzahlen veröffentlicht"] * 2
        + ["gesperrt (B)"] * 3
    )
    assert found["obs_status"].tolist() == ["M", "M", "A", "A", "A"]
    weights = part_frame(inputs(values), recipes(), parts(), classes())["weight"]
    assert weights.isna().all()
    assert sensitivity_frame(inputs(values), recipes(), parts(), classes()).empty


def test_quality_of_the_parts_is_that_of_the_index() -> None:
    given_rows = inputs(FIVE, obs={(0, "a"): "P", (1, "a"): "E", (1, "b"): "P", (2, "b"): "B"})
    assert index_frame(given_rows, recipes(), parts(), classes())["obs_status"].tolist() == [
        "P",
        "E",
        "B",
        "A",
        "A",
    ]


def test_development_is_an_index_of_the_changes() -> None:
    changes = {"a": [5.0, 3.0, 1.0, 4.0, 2.0], "b": [1.0, 2.0, 2.0, 5.0, 1.0]}
    cuts = pd.concat([classes(), classes("change")])
    recipe = recipes(has_dynamics=True, change_class_method="bounds", change_class_upper_inclusive=True)
    found = index_frame(inputs(FIVE, change=changes), recipe, parts(), cuts)
    expected = by_hand([changes["a"], changes["b"]])
    assert found["change_value"].to_numpy() == pytest.approx(expected)
    assert found["change_class_number"].tolist() == [
        1 if value <= -1 else 2 if value <= 1 else 3 for value in expected
    ]
    # Too few changes: the index stands, the development does not.
    few = {"a": [1.0, 2.0, np.nan, np.nan, np.nan], "b": changes["b"]}
    found = index_frame(inputs(FIVE, change=few), recipe, parts(), cuts)
    assert found["value"].notna().all() and found["change_value"].isna().all()
    assert found["change_class_number"].isna().all()


def test_given_weights_are_shown_as_shares() -> None:
    found = part_frame(
        inputs(FIVE), recipes(weighting="given", rescale="none"), parts(a=3.0, b=1.0), classes()
    )
    assert found.groupby("indicator_id")["weight"].first().to_dict() == {"a": 0.75, "b": 0.25}


def test_factor_weights_refuse_a_part_that_runs_against_the_others() -> None:
    generator = np.random.default_rng(5)
    common = generator.normal(size=30)
    values = {name: (common + 0.3 * generator.normal(size=30)).tolist() for name in "abc"}
    recipe = recipes(weighting="factor", rescale="min_max")
    shown = index_frame(inputs(values), recipe, parts("abc"), classes())
    assert (shown["value"].min(), shown["value"].max()) == (0, 1)
    weights = (
        part_frame(inputs(values), recipe, parts("abc"), classes()).groupby("indicator_id")["weight"].first()
    )
    assert weights.sum() == pytest.approx(1) and weights.between(0.3, 0.37).all()
    against = index_frame(inputs(values), recipe, parts("abc", {"c": -1}), classes())
    assert against["value"].isna().all()
    assert set(against["empty_reason"]) == {"nicht gebildet: gegenläufig zu den anderen Kennzahlen (C)"}


FIGURES = st.lists(st.integers(-1000, 1000), min_size=8, max_size=8, unique=True)


@settings(max_examples=25, deadline=None)
@given(FIGURES, FIGURES, st.sampled_from(["z_score", "min_max", "rank"]))
def test_parts_add_up_to_the_index(a: list[int], b: list[int], standardisation: str) -> None:
    values = {"a": [float(item) for item in a], "b": [float(item) for item in b]}
    recipe = recipes(standardisation=standardisation, rescale="none", aggregation="mean")
    found = index_frame(inputs(values), recipe, parts(), classes()).set_index("area_key")["value"]
    added = part_frame(inputs(values), recipe, parts(), classes()).groupby("area_key")["contribution"].sum()
    assert found.to_numpy() == pytest.approx(added.reindex(found.index).to_numpy(), abs=1e-9)
    # The geometric mean is the product of its parts.
    geometric = recipe.assign(standardisation="rank", aggregation="geometric_mean")
    found = index_frame(inputs(values), geometric, parts(), classes()).set_index("area_key")["value"]
    added = (
        part_frame(inputs(values), geometric, parts(), classes()).groupby("area_key")["contribution"].sum()
    )
    assert found.to_numpy() == pytest.approx(np.exp(added.reindex(found.index).to_numpy()))


@settings(max_examples=25, deadline=None)
@given(FIGURES, FIGURES)
def test_turning_a_part_round_is_turning_its_figures_round(a: list[int], b: list[int]) -> None:
    values = {"a": [float(item) for item in a], "b": [float(item) for item in b]}
    turned = {"a": values["a"], "b": [-item for item in values["b"]]}
    one = index_frame(inputs(values), recipes(rescale="none"), parts(orientation={"b": -1}), classes())
    other = index_frame(inputs(turned), recipes(rescale="none"), parts(), classes())
    assert one["value"].to_numpy() == pytest.approx(other["value"].to_numpy())


def test_sensitivity_lists_every_other_way() -> None:
    generator = np.random.default_rng(7)
    common = generator.normal(size=40)
    values = {
        name: (common + noise * generator.normal(size=40)).tolist()
        for name, noise in zip("abc", (0.1, 0.1, 3.0), strict=True)
    }
    found = sensitivity_frame(inputs(values), recipes(), parts("abc"), classes()).set_index("variant")
    assert set(found.index) == {
        "without:a",
        "without:b",
        "without:c",
        "standardisation:min_max",
        "standardisation:rank",
        "weights:factor",
        "weights:random",
        "aggregation:geometric_mean",
    }
    # The noisy part carries what the others agree on.
    assert found["spearman"].idxmin() == "without:c"
    assert found.loc["without:c", "largest_rank_shift"] == found["largest_rank_shift"].max()
    assert (found["n_areas"] == 40).all()
    shown = index_frame(inputs(values), recipes(), parts("abc"), classes())
    assert (shown["rank_low"] <= shown["rank_high"]).all()
    # An index whose parts all say the same does not depend on their weights.
    same = {name: common.tolist() for name in "abc"}
    agreed = index_frame(inputs(same), recipes(), parts("abc"), classes())
    assert (agreed["rank_low"] == agreed["rank"]).all() and (agreed["rank_high"] == agreed["rank"]).all()
    steady = sensitivity_frame(inputs(same), recipes(), parts("abc"), classes())
    assert steady["spearman"].to_numpy() == pytest.approx(1) and (steady["largest_rank_shift"] == 0).all()
    # Ranks have another shape than values: fixed bounds cut them elsewhere although nobody overtakes anybody.
    by_ranks = steady["variant"].isin(["standardisation:rank", "aggregation:geometric_mean"])
    assert (steady["areas_changed_class"][~by_ranks] == 0).all()


def test_one_part_alone_has_no_sensitivity() -> None:
    cuts = classes(bounds=[], count=5)
    recipe = recipes(standardisation="none", rescale="none", class_method="quantiles")
    values = {"a": FIVE["a"]}
    assert sensitivity_frame(inputs(values), recipe, parts("a"), cuts).empty
    found = index_frame(inputs(values), recipe, parts("a"), cuts)
    assert found["value"].tolist() == FIVE["a"]
    assert found["class_number"].tolist() == [1, 2, 3, 4, 5]
    assert found["rank_low"].isna().all()


def test_an_instance_without_recipes_has_empty_tables_in_the_right_types() -> None:
    nothing = (inputs(FIVE).iloc[:0], recipes().iloc[:0], parts().iloc[:0], classes().iloc[:0])
    for frame, types in (
        (index_frame(*nothing), INDEX_TYPES),
        (part_frame(*nothing), PART_TYPES),
        (sensitivity_frame(*nothing), SENSITIVITY_TYPES),
    ):
        assert frame.empty
        assert {name: str(kind) for name, kind in frame.dtypes.items()} == types
