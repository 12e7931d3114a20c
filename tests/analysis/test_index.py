"""Composite indices: invariances for any input, and what is published about Berlin and the GISD for real ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis.index import (
    Classes,
    Method,
    classes_by_bounds,
    classes_by_quantile,
    composite,
    principal_weights,
    ranks,
    standardise,
)
from analysis.index_sensitivity import rank_spread, variants

FIGURES = arrays(
    np.float64, (12, 3), elements=st.floats(-1e3, 1e3, allow_nan=False).map(lambda x: round(x, 3))
)


@given(FIGURES, st.floats(0.1, 10), st.floats(-50, 50))
def test_units_do_not_matter(values: np.ndarray, factor: float, offset: float) -> None:
    method = Method(rescale="z_score")
    before = composite(values, [1, 1, -1], method).value
    after = composite(values * factor + offset, [1, 1, -1], method).value
    # A column that only differs in its last digits is constant for every practical purpose.
    if (values.std(axis=0) > 1e-2).all():
        assert after == pytest.approx(before, abs=1e-5)


@given(FIGURES)
def test_contributions_add_up(values: np.ndarray) -> None:
    for method in (Method(), Method("min_max", "mean", (1.0, 2.0, 3.0)), Method("rank", "mean")):
        found = composite(values, [1, -1, 1], method)
        assert found.contribution.sum(axis=1) == pytest.approx(found.value, abs=1e-9)


def test_a_missing_part_leaves_no_index_and_does_not_move_the_others() -> None:
    values = np.random.default_rng(1).normal(size=(20, 3))
    values[4, 1] = np.nan
    found = composite(values, [1, 1, 1], Method(rescale="z_score")).value
    assert np.isnan(found[4])
    assert np.delete(found, 4) == pytest.approx(
        composite(np.delete(values, 4, 0), [1, 1, 1], Method(rescale="z_score")).value
    )


def test_geometric_mean_punishes_imbalance() -> None:
    values = np.array([[1.0, 9.0], [5.0, 5.0], [9.0, 1.0], [3.0, 3.0], [7.0, 7.0]])
    found = composite(values, [1, 1], Method("rank", "geometric_mean")).value
    assert found[1] > found[0] == pytest.approx(found[2])
    with pytest.raises(ValueError, match="positive"):
        composite(values, [1, 1], Method("z_score", "geometric_mean"))


def test_a_value_on_the_bound() -> None:
    assert classes_by_bounds(np.array([-1.0, 1.0, 1.5, 1.6, np.nan]), [-1, 1, 1.5]).tolist() == [
        1,
        2,
        3,
        4,
        0,
    ]
    assert classes_by_bounds(np.array([-1.0, 1.0]), [-1, 1], upper_inclusive=False).tolist() == [2, 3]


@given(arrays(np.float64, 50, elements=st.floats(-5, 5, allow_nan=False), unique=True))
def test_quantile_classes_are_about_equally_large(value: np.ndarray) -> None:
    sizes = np.bincount(classes_by_quantile(value, 5), minlength=6)[1:]
    assert sizes.sum() == 50 and sizes.min() >= 9 and sizes.max() <= 11


def test_loadings_find_the_common_factor() -> None:
    generator = np.random.default_rng(2)
    factor = generator.normal(size=4000)
    values = (
        np.column_stack([0.9 * factor, 0.6 * factor, -0.8 * factor, 0 * factor])
        + generator.normal(size=(4000, 4)) * 0.5
    )
    found = principal_weights(values * np.array([1, 1, -1, 1]))
    assert (found[:3] > 0.7).all() and abs(found[3]) < 0.15


def test_sensitivity_names_the_part_that_carries_the_index() -> None:
    generator = np.random.default_rng(3)
    common = generator.normal(size=60)
    values = np.column_stack([common, common + 0.1 * generator.normal(size=60), generator.normal(size=60)])
    found = {
        item.name: item
        for item in variants(values, [1, 1, 1], Method(), Classes("quantiles", 5), ["a", "b", "fremd"])
    }
    assert found["standardisation:min_max"].spearman > 0.97
    assert found["without:fremd"].spearman < found["standardisation:min_max"].spearman
    assert all(-1 <= item.spearman <= 1 and item.largest_shift >= 0 for item in found.values())
    spread = rank_spread(values, [1, 1, 1], Method())
    assert (spread[:, 0] <= spread[:, 1]).all()


def test_random_weights_are_those_of_the_index_itself() -> None:
    """The vectorised draws against the index computed one draw at a time."""
    generator = np.random.default_rng(4)
    values = generator.normal(size=(20, 3))
    drawn = np.random.default_rng(1).dirichlet(np.ones(3), size=50)
    for method in (Method(), Method("min_max", "mean"), Method("rank", "geometric_mean")):
        each = [
            ranks(composite(values, [1, -1, 1], replace(method, weights=tuple(weights.tolist()))).value)
            for weights in drawn
        ]
        low, high = np.quantile(np.array(each), [0.05, 0.95], axis=0)
        spread = rank_spread(values, [1, -1, 1], method, draws=50)
        assert spread == pytest.approx(np.column_stack([np.floor(low), np.ceil(high)]))


def test_fixed_bounds_do_not_cut_another_scale() -> None:
    """Classes of the same sizes: only areas that overtake others change."""
    values = np.column_stack([np.arange(10.0), np.arange(10.0) ** 2])
    bounds = Classes("bounds", 3, (-1.0, 1.0))
    found = {item.name: item for item in variants(values, [1, 1], Method(), bounds, ["a", "b"])}
    assert found["standardisation:rank"].areas_changed_class == 0
    assert found["standardisation:rank"].largest_shift == 0


def test_a_constant_column_carries_nothing() -> None:
    values = np.column_stack([np.arange(5.0), np.full(5, 7.0)])
    assert (standardise(values, "z_score")[:, 1] == 0).all()
    assert (standardise(values, "min_max")[:, 1] == 0.5).all()
