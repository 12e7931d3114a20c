"""The Cell-Key-Methode: conditions of the p-table, published values, keys, attacks by differencing."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disclosure.cell_key import (
    KEYS,
    ImpossibleParameters,
    Parameters,
    PerturbationTable,
    cell_key,
    perturbation_table,
    transition,
)

PARAMETERS = [
    Parameters(2, 1.0),
    Parameters(3, 1.0),
    Parameters(5, 2.0),
    Parameters(5, 3.0, blocked=2),
    Parameters(4, 2.5, blocked=2),
    Parameters(2, 1.05, blocked=1, is_monotone=False),
]
MUSTERKREIS = Parameters(5, 3.0, blocked=2)


@pytest.fixture(scope="module")
def musterkreis() -> PerturbationTable:
    return perturbation_table(MUSTERKREIS)


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_p_table_meets_its_conditions(parameters: Parameters) -> None:
    table = perturbation_table(parameters)
    for count in range(table.count[-1] + 3):
        deviation, probability = table.row(count)
        shown = count + deviation
        assert probability.sum() == pytest.approx(1, abs=1e-12)
        assert deviation @ probability == pytest.approx(0, abs=1e-8), "unbiased"
        assert deviation**2 @ probability <= parameters.variance + 1e-3
        assert (shown >= 0).all()
        assert not ((shown >= 1) & (shown <= parameters.blocked)).any(), "no blocked value is shown"
        assert abs(deviation).max() <= parameters.max_deviation
    assert table.row(0)[0].tolist() == [0], "zeros stay zeros"
    deviation, probability = table.row(10_000)
    assert deviation.tolist() == list(range(-parameters.max_deviation, parameters.max_deviation + 1))
    assert probability == pytest.approx(probability[::-1], abs=1e-3), "symmetric for large counts"
    assert deviation**2 @ probability == pytest.approx(parameters.variance, abs=1e-4), (
        "the variance asked for"
    )


def test_published_values_of_the_r_package() -> None:
    """`create_cnt_ptable(D = 2, V = 1)`, printed in the vignette "Introduction to the ptable-Package" (CRAN, ptable
    1.0.0, 2023): probabilities of the counts 1 and 2, and the variance 0.932 that count 1 attains."""
    deviation, one = transition(1, Parameters(2, 1.0))
    assert one == pytest.approx([0.3665, 0.3665, 0.1676, 0.0995], abs=1e-4)
    assert deviation**2 @ one == pytest.approx(0.932, abs=5e-4)
    _, two = transition(2, Parameters(2, 1.0))
    assert two[0] == pytest.approx(0.0638, abs=1e-4)
    assert two[2] == pytest.approx(0.383, abs=5e-4)


def test_large_counts_have_the_closed_form() -> None:
    """Without cut-off the distribution of largest entropy with given variance is exp(-b v²) on -D … D, normed."""
    deviation, probability = transition(50, Parameters(5, 2.0))
    log = np.log(probability)
    slope = (log[5] - log[6]) / 1.0
    assert log[5] - log == pytest.approx(slope * deviation**2, abs=5e-3)


def test_no_distribution_has_more_entropy() -> None:
    """Random steps that keep the conditions never gain entropy."""
    deviation, best = transition(6, MUSTERKREIS)
    moments = np.vstack([np.ones(deviation.size), deviation, deviation**2])
    entropy = -np.sum(best * np.log(best))
    kernel = np.linalg.svd(moments)[2][3:]
    chance = np.random.default_rng(1)
    for _ in range(500):
        other = best + 0.002 * chance.normal(size=kernel.shape[0]) @ kernel
        if (other > 0).all():
            assert -np.sum(other * np.log(other)) <= entropy + 1e-7


def test_impossible_parameters_are_named() -> None:
    # A 1 that must not stay can only become 0 or 3: variance 2 at least.
    with pytest.raises(ImpossibleParameters) as caught:
        perturbation_table(Parameters(5, 1.5, blocked=2))
    assert caught.value.count == 1
    for wrong in ({"max_deviation": 0, "variance": 1}, {"max_deviation": 2, "variance": 5}):
        with pytest.raises(ValueError, match="deviation"):
            Parameters(**wrong)  # type: ignore[arg-type]


def test_perturbation_looks_up_the_row_of_the_count(musterkreis: PerturbationTable) -> None:
    chance = np.random.default_rng(2)
    counts = chance.integers(0, 30, 5000)
    keys = chance.integers(0, KEYS, 5000)
    shown = musterkreis.perturb(counts, keys)
    for count, key, value in zip(counts, keys, shown, strict=True):
        row = min(count, musterkreis.count[-1])
        inside = (musterkreis.count == row) & (musterkreis.lower <= key) & (key < musterkreis.upper)
        assert inside.sum() == 1
        assert value == count + musterkreis.deviation[inside][0]
    edges = np.array([0, KEYS - 1])
    assert musterkreis.perturb(np.array([7, 7]), edges).tolist() == [
        7 + musterkreis.row(7)[0][0],
        7 + musterkreis.row(7)[0][-1],
    ]
    for few, wrong in (([-1], [0]), ([1], [KEYS]), ([1], [-1])):
        with pytest.raises(ValueError, match="cell keys"):
            musterkreis.perturb(np.array(few), np.array(wrong))


@given(st.lists(st.integers(0, KEYS - 1), max_size=40), st.randoms())
@settings(max_examples=100, deadline=None)
def test_cell_key_is_the_fractional_part_of_the_sum(keys: list[int], order: object) -> None:
    fraction = sum((Fraction(key, KEYS) for key in keys), Fraction(0)) % 1
    assert Fraction(cell_key(np.array(keys, dtype=np.int64)), KEYS) == fraction
    shuffled = sorted(keys, key=lambda _: order.random())  # type: ignore[attr-defined]
    assert cell_key(np.array(shuffled, dtype=np.int64)) == cell_key(np.array(keys, dtype=np.int64))


def test_noise_over_many_cells_is_unbiased_with_the_wanted_variance(musterkreis: PerturbationTable) -> None:
    chance = np.random.default_rng(3)
    for count in (1, 2, 3, 5, 8, 200):
        keys = chance.integers(0, KEYS, size=(40_000, count)).sum(axis=1) % KEYS
        noise = musterkreis.perturb(np.full(40_000, count), keys) - count
        error = 5 * np.sqrt(MUSTERKREIS.variance / noise.size)
        assert abs(noise.mean()) < error
        assert noise.var() == pytest.approx(MUSTERKREIS.variance, rel=0.06)


def test_two_tables_that_differ_by_one_person_leave_the_difference_open(
    musterkreis: PerturbationTable,
) -> None:
    """A cell is seen with and without one person, the attacker does not know that it is one. Whatever the two values
    are, another difference of the true counts fits as well, and nearly always three or more."""
    counts = range(40)
    likelihood = np.zeros((40, 50))
    for count in counts:
        deviation, probability = musterkreis.row(count)
        likelihood[count, count + deviation] = probability
    for small in range(1, 30):
        pairs = np.outer(likelihood[small + 1], likelihood[small])
        narrow = 0.0
        for with_her, without in np.argwhere(pairs > 0):
            fits = {
                more - less
                for more, less in itertools.product(counts, counts)
                if more >= less and likelihood[more, with_her] > 0 and likelihood[less, without] > 0
            }
            assert len(fits) >= 2, (small, with_her, without)
            narrow += pairs[with_her, without] * (len(fits) < 3)
        assert narrow < 1e-3


def test_known_limit_a_changed_value_shows_that_somebody_differs(musterkreis: PerturbationTable) -> None:
    """What the method does not hide (docs/cell-key.md): the same records keep their noise. Who knows that two cells
    differ by one person at most, and sees two values, knows that she belongs to it; two equal values say
    that she does not, with a probability of error below 0.3. So no table may be asked for whose base leaves single
    persons out."""
    for count in range(1, 40):
        deviation, probability = musterkreis.row(count)
        more, probability_more = musterkreis.row(count + 1)
        of = dict(zip((count + deviation).tolist(), probability, strict=True))
        coincidence = sum(
            of.get(v, 0.0) * p for v, p in zip((count + 1 + more).tolist(), probability_more, strict=True)
        )
        assert coincidence < (0.45 if count == 1 else 0.30), (count, coincidence)


def test_one_person_more_is_hardly_visible_in_one_value(musterkreis: PerturbationTable) -> None:
    """Advantage over guessing of the best test between n and n + 1 (total variation distance). Zero stays zero, so that
    the step from nobody to somebody shows more; it is stated in docs/cell-key.md."""
    for count in range(60):
        rows = np.zeros((2, 80))
        for position, value in enumerate((count, count + 1)):
            deviation, probability = musterkreis.row(value)
            rows[position, value + deviation] = probability
        distance = abs(rows[0] - rows[1]).sum() / 2
        assert distance < (0.40 if count else 0.30), (count, distance)


def test_difference_of_one_person_draws_new_noise(musterkreis: PerturbationTable) -> None:
    """The two noises are independent, and the observed difference is as often wrong as independent noise makes it."""
    chance = np.random.default_rng(4)
    cells = chance.integers(0, KEYS, size=(30_000, 20))
    her = chance.integers(0, KEYS, size=(30_000, 1))
    without = musterkreis.perturb(np.full(30_000, 20), cells.sum(axis=1) % KEYS) - 20
    with_her = musterkreis.perturb(np.full(30_000, 21), np.hstack([cells, her]).sum(axis=1) % KEYS) - 21
    assert abs(np.corrcoef(without, with_her)[0, 1]) < 0.03
    assert np.mean(with_her + 21 - without - 20 == 1) < 0.2, (
        "the true difference is seen in a minority of cases"
    )


def test_asking_again_gains_nothing(musterkreis: PerturbationTable) -> None:
    """The same records in a hundred tables, in any order: one value, no average to take."""
    chance = np.random.default_rng(5)
    keys = chance.integers(0, KEYS, 17)
    values = {
        int(musterkreis.perturb(np.array([17]), np.array([cell_key(chance.permutation(keys))]))[0])
        for _ in range(100)
    }
    assert len(values) == 1
