"""Population projections: nobody is lost, the areas add up, a planner's changes arrive, the estimates are recovered."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.ages import Bands, disaggregate, smooth, structure
from analysis.cohort import Projection, Rates, closure, fold, new_housing, paths, project, rake
from analysis.hamilton_perry import Transition, change_ratios, errors, share_constant, standard
from analysis.hamilton_perry import project as hamilton_perry
from analysis.migration import ObservedYear, estimate_rates
from analysis.vital import (
    SCENARIOS,
    calibrate_survival,
    fertility_schedule,
    life_expectancy,
    shift_expectancy,
    survival_schedule,
    survivors,
)

AGES = 101
BANDS = Bands((0, 6, 15, 18, 27, 45, 55, 65, 80))
FERTILITY = fertility_schedule(1.4)
SURVIVAL = np.stack([survival_schedule(79.0), survival_schedule(83.5)])


def random_world(seed: int, areas: int) -> tuple[np.ndarray, Rates, Rates]:
    """Stock with empty cells, rates of the areas, rates of the Kreis that do not match them."""
    generator = np.random.default_rng(seed)
    stock = generator.poisson(generator.choice([0.0, 2.0, 60.0], size=(areas, 1, 1)), (areas, 2, AGES)) * 1.0
    moving = generator.random((areas, 2, AGES)) * 0.3
    arriving = generator.random((areas, 2, AGES)) * generator.choice([0.0, 3.0])
    rates = Rates(FERTILITY[None], SURVIVAL[None], arriving, moving)
    kreis = Rates(
        fertility_schedule(1.6)[None],
        SURVIVAL[None] ** generator.uniform(0.5, 2),
        arriving.sum(axis=0, keepdims=True) * generator.uniform(0, 2),
        moving.mean(axis=0, keepdims=True),
    )
    return stock, rates, kreis


def assert_conserved(found: Projection) -> None:
    cohorts = np.concatenate([found.births[..., None], found.stock[:-1]], axis=-1) - found.deaths
    following = fold(cohorts) + found.net_migration
    assert following == pytest.approx(found.stock[1:], rel=1e-9, abs=1e-9)
    flows = found.births - found.deaths.sum(axis=-1) + found.net_migration.sum(axis=-1)
    sums = found.stock.sum(axis=-1)
    assert sums[:-1] + flows == pytest.approx(sums[1:], rel=1e-9, abs=1e-9)
    assert (found.stock >= 0).all() and (found.deaths >= 0).all() and (found.births >= 0).all()


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10_000), st.integers(1, 5), st.sampled_from(["none", "kreis", "control"]), st.booleans()
)
def test_nobody_is_lost(seed: int, areas: int, whole: str, planned: bool) -> None:
    stock, rates, kreis = random_world(seed, areas)
    profile = np.ones((2, AGES))
    changes = (
        [
            *new_housing(0, 2026, 150, 2.4, profile, within_kreis=0.6, years=2),
            *closure(areas - 1, 2027, 90, profile, within_kreis=0.3),
        ]
        if planned
        else []
    )
    control = np.random.default_rng(seed).random((4, 2, AGES)) * 50
    found = project(
        stock,
        [rates] * 4,
        first_year=2025,
        kreis=[kreis] * 4 if whole == "kreis" else None,
        control=control if whole == "control" else None,
        changes=changes,
    )
    assert_conserved(found)
    if whole == "control":
        assert found.stock[1:].sum(axis=1) == pytest.approx(control, rel=1e-9, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_the_areas_add_up_to_the_kreis_of_its_own(seed: int) -> None:
    stock, rates, kreis = random_world(seed, 4)
    areas = project(stock, [rates] * 5, first_year=2025, kreis=[kreis] * 5)
    alone = project(stock.sum(axis=0, keepdims=True), [kreis] * 5, first_year=2025)
    for term in ("stock", "births", "deaths", "net_migration"):
        summed, whole = getattr(areas, term).sum(axis=1), getattr(alone, term)[:, 0]
        assert summed == pytest.approx(whole, rel=1e-9, abs=1e-6), term


def test_new_housing_area_raises_its_area_and_draws_from_the_others() -> None:
    stock = np.full((3, 2, AGES), 20.0)
    still = Rates(FERTILITY[None], SURVIVAL[None], np.zeros((3, 2, AGES)), np.zeros((3, 2, AGES)))
    profile = np.zeros((2, AGES))
    profile[:, 25:45], profile[:, :6] = 2.0, 1.0
    plan = new_housing(1, 2027, 200, 2.5, profile, within_kreis=0.4)
    without = project(stock, [still] * 3, first_year=2025)
    with_plan = project(stock, [still] * 3, first_year=2025, changes=plan)
    more = (with_plan.stock - without.stock).sum(axis=(2, 3))
    assert more[1].tolist() == [0.0, 0.0, 0.0]
    assert more[2] == pytest.approx([-100.0, 500.0, -100.0])
    # Its young adults have children there a year later.
    assert with_plan.births[2, 1].sum() > without.births[2, 1].sum() * 1.2


def test_a_closed_home_empties_no_more_than_lives_there() -> None:
    stock = np.full((2, 2, AGES), 5.0)
    still = Rates(FERTILITY[None], SURVIVAL[None], np.zeros((2, 2, AGES)), np.zeros((2, 2, AGES)))
    profile = np.zeros((2, AGES))
    profile[:, 80:] = 1.0
    gone = project(stock, [still], first_year=2025, changes=closure(0, 2026, 10_000, profile))
    assert gone.stock[1, 0, :, 80:] == pytest.approx(0.0)
    assert (gone.stock[1, 0, :, :80] > 0).all()
    with pytest.raises(ValueError, match="outside"):
        project(stock, [still], first_year=2025, changes=closure(0, 2030, 1, profile))


def test_scenarios_are_ordered_and_middle_lies_between() -> None:
    stock, rates, _ = random_world(3, 4)
    totals = []
    for scenario in SCENARIOS:
        found = project(stock, paths(rates, scenario, 20), first_year=2024)
        totals.append(structure(found.stock.sum(axis=2)).total[-1].sum())
    assert totals[0] < totals[1] < totals[2]
    assert [scenario.name for scenario in SCENARIOS] == ["niedrig", "mittel", "hoch"]


def test_a_stationary_population_stays() -> None:
    """Preston et al. (2001), ch. 3: replacement fertility and no migration leave the life table's ages as they are."""
    boys = 1.055 / 2.055
    women = survivors(SURVIVAL[1]) * (1 - boys)
    older = np.append(FERTILITY[1:], FERTILITY[-1])
    replacement = FERTILITY / float((women * (FERTILITY + older) / 2).sum())
    stock = np.stack([survivors(SURVIVAL[0]) * boys, women])[None] * 1000
    still = Rates(replacement[None], SURVIVAL[None], np.zeros((1, 2, AGES)), np.zeros((1, 2, AGES)))
    found = project(stock, [still] * 30, first_year=2000)
    assert found.stock[-1] == pytest.approx(stock, rel=1e-9)


def test_life_expectancy_is_what_was_asked_for() -> None:
    assert life_expectancy(survival_schedule(81.0)) == pytest.approx(81.0, abs=1e-6)
    assert life_expectancy(shift_expectancy(survival_schedule(78.0), 2.5)) == pytest.approx(80.5, abs=1e-6)
    at_risk = np.full((2, AGES + 1), 100.0)
    level = calibrate_survival(SURVIVAL, at_risk, 150.0)
    assert float((at_risk * (1 - level)).sum()) == pytest.approx(150.0)


def test_estimated_rates_reproduce_the_year_they_come_from() -> None:
    stock, rates, _ = random_world(8, 4)
    stock = stock + 30
    true = project(stock, [rates], first_year=2024)
    year = ObservedYear(stock, true.stock[1], float(true.births.sum()), float(true.deaths.sum()))
    areas, kreis = estimate_rates([year], BANDS, fertility_schedule(1.0), SURVIVAL**1.3)
    again = project(stock, [areas], first_year=2024)
    assert again.births.sum() == pytest.approx(true.births.sum(), rel=1e-9)
    assert again.deaths.sum() == pytest.approx(true.deaths.sum(), rel=1e-6)
    assert BANDS.sum(again.stock[1]) == pytest.approx(BANDS.sum(true.stock[1]), rel=0.06)
    alone = project(stock.sum(axis=0, keepdims=True), [kreis], first_year=2024)
    assert BANDS.sum(alone.stock[1]) == pytest.approx(BANDS.sum(true.stock[1].sum(axis=0))[None], rel=0.03)


def test_rates_that_are_no_rates_are_refused() -> None:
    nothing = np.zeros((1, 2, AGES))
    with pytest.raises(ValueError, match="between 0 and 1"):
        Rates(FERTILITY[None], SURVIVAL[None], nothing, nothing + 1.2)
    with pytest.raises(ValueError, match="newborn"):
        Rates(FERTILITY[None], SURVIVAL[None, :, :-1], nothing, nothing)


@given(st.integers(0, 10_000))
def test_single_years_keep_the_released_bands(seed: int) -> None:
    generator = np.random.default_rng(seed)
    counts = generator.integers(0, 200, size=(6, len(BANDS.lower))).astype(float)
    kreis = generator.integers(1, 500, size=AGES).astype(float)
    single, hidden = disaggregate(counts, kreis, BANDS)
    assert BANDS.sum(single) == pytest.approx(counts)
    assert not hidden.any() and (single >= 0).all()
    assert BANDS.sum(smooth(counts, BANDS, survivors(SURVIVAL[1]))) == pytest.approx(counts)
    shares = structure(single)
    assert shares.total == pytest.approx(counts.sum(axis=1))
    assert (shares.children * shares.total)[counts.sum(axis=1) > 0] == pytest.approx(
        counts[counts.sum(axis=1) > 0, :3].sum(axis=1)
    )


def test_withheld_bands_come_from_the_released_total_only() -> None:
    kreis = np.repeat([10.0, 20.0, 30.0], [6, 9, 86])
    bands = Bands((0, 6, 15))
    shown = np.array([[np.nan, np.nan, 860.0], [60.0, np.nan, np.nan]])
    single, hidden = disaggregate(shown, kreis, bands, totals=np.array([980.0, np.nan]))
    assert hidden.tolist() == [[True, True, False], [False, True, True]]
    # 120 persons are left, the Kreis has 60 : 180; without a total the known band gives the scale.
    assert bands.sum(single) == pytest.approx(np.array([[30.0, 90.0, 860.0], [60.0, 180.0, 2580.0]]))


def test_raking_meets_the_whole_even_where_nobody_was() -> None:
    parts = np.array([[[1.0, 0.0]], [[3.0, 0.0]]])
    found = rake(parts, np.array([[8.0, 6.0]]), np.array([1.0, 2.0]))
    assert found.tolist() == [[[2.0, 2.0]], [[6.0, 4.0]]]


def test_hamilton_perry_learns_where_an_area_gains() -> None:
    """Two areas of equal start; one gains 4 % of its adults a year. No look at anything after the base."""
    standards, bands = standard(), Bands((0, 6, 15, 18, 27, 45, 65))
    start = np.tile(np.array([600, 900, 300, 900, 2400, 2500, 2000.0]), (2, 1)) * 20
    history = [start]
    pull = np.array([[1.0, 1, 1, 1.04, 1.04, 1, 1], [1.0, 1, 1, 1, 1, 1, 1]])
    for _ in range(6):
        still = change_ratios([Transition(history[-1], history[-1])], bands, standards, half_weight=0)
        ageing = hamilton_perry(
            history[-1], type(still)(still.kreis * 0, still.deviation * 0, still.weight), bands, standards, 1
        )
        history.append(bands.sum(ageing.stock[1]) * pull)
    seen = [Transition(a, b) for a, b in pairwise(history[:4])]
    ratios = change_ratios(seen, bands, standards)
    found = hamilton_perry(history[3], ratios, bands, standards, 3, control={3: history[6].sum(axis=0)})
    method = errors(bands.sum(found.stock[-1]), history[6])
    naive = errors(share_constant(history[3], history[6].sum(axis=0)), history[6])
    assert method.mape < 0.5 * naive.mape
    cohorts = np.concatenate([found.births[..., None], found.stock[:-1]], axis=-1) - found.deaths
    assert fold(cohorts) + found.net_migration == pytest.approx(found.stock[1:], rel=1e-9, abs=1e-9)


def test_withheld_history_is_refused() -> None:
    hole = np.array([[1.0, np.nan]])
    with pytest.raises(ValueError, match="withheld"):
        change_ratios([Transition(hole, hole)], Bands((0, 18)), standard())
