"""How much a composite index depends on the choices of its recipe: parts left out, other scales, other weights.

Every variant is computed for the same areas as the index itself and compared by ranks and classes. Spread of ranks
under random weights: Dirichlet(1, …, 1), that is every mixture of the parts equally likely.

Sources: OECD/JRC, Handbook on Constructing Composite Indicators (2008), ch. 7; Saisana, Saltelli & Tarantola (2005),
Uncertainty and Sensitivity Analysis Techniques as Tools for the Quality Assessment of Composite Indicators.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from analysis.index import Classes, Method, Values, composite, principal_weights, ranks, standardise

DRAWS: Final = 200
SPREAD: Final = (0.05, 0.95)


@dataclass(frozen=True)
class Variant:
    """One other way to compute the same index, and what it changes."""

    name: str
    """`without:<part>`, `standardisation:<name>`, `weights:<name>`, `aggregation:<name>`."""
    spearman: float
    """Rank correlation with the index; NaN where one of the two does not vary."""
    largest_shift: int
    """Ranks that the most affected area moves."""
    areas_changed_class: int | None
    """None where the index has no classes."""
    areas: int


def variants(
    values: Values,
    orientation: Sequence[int],
    method: Method,
    classes: Classes | None,
    names: Sequence[str],
    *,
    factor_weights: bool = False,
) -> list[Variant]:
    """The index computed in every other sensible way, compared with itself; empty for an index of one part.

    `values`: n x k, of all areas; `factor_weights`: the recipe's weights are loadings already.
    """
    if values.shape[1] < 2:
        return []
    base = composite(values, orientation, method).value
    # The areas stay the same: one that lacks the left-out part only would change every mean.
    known = np.where(np.isnan(base)[:, None], np.nan, values)
    found = [
        _compare(name, base, composite(rows, signs, other).value, classes, other)
        for name, rows, signs, other in _alternatives(known, orientation, method, names, factor_weights)
    ]
    return [*found, _random(known, orientation, method, classes, base)]


def rank_spread(
    values: Values, orientation: Sequence[int], method: Method, *, draws: int = DRAWS, seed: int = 1
) -> Values:
    """Best and worst rank of each area that random weights leave possible in 90 % of the draws (n x 2)."""
    spread = np.full((values.shape[0], 2), np.nan)
    drawn = _drawn(values, orientation, method, draws, seed)
    complete = ~np.isnan(drawn[:, 0])
    if values.shape[1] > 1 and complete.any():
        order = rankdata(-drawn[complete], method="min", axis=0)
        low, high = np.quantile(order, SPREAD, axis=1)
        spread[complete] = np.column_stack([np.floor(low), np.ceil(high)])
    return spread


def _alternatives(
    values: Values, orientation: Sequence[int], method: Method, names: Sequence[str], factor_weights: bool
) -> Iterator[tuple[str, Values, list[int], Method]]:
    signs = list(orientation)
    for column, name in enumerate(names):
        keep = [other for other in range(len(names)) if other != column]
        weights = None if method.weights is None else tuple(method.weights[other] for other in keep)
        yield f"without:{name}", values[:, keep], [signs[it] for it in keep], replace(method, weights=weights)
    geometric = method.aggregation == "geometric_mean"
    for standardisation in ("z_score", "min_max", "rank"):
        if standardisation != method.standardisation and not geometric:
            yield (
                f"standardisation:{standardisation}",
                values,
                signs,
                replace(method, standardisation=standardisation),
            )
    if method.weights is not None and len(set(method.weights)) > 1:
        yield "weights:equal", values, signs, replace(method, weights=None)
    loadings = None if factor_weights else _loadings(values, orientation)
    if loadings is not None:
        yield "weights:factor", values, signs, replace(method, weights=loadings)
    if geometric:
        yield "aggregation:mean", values, signs, replace(method, aggregation="mean")
    else:
        yield (
            "aggregation:geometric_mean",
            values,
            signs,
            replace(method, standardisation="rank", aggregation="geometric_mean"),
        )


def _loadings(values: Values, orientation: Sequence[int]) -> tuple[float, ...] | None:
    """Factor weights where they make sense: enough areas, every part varies and points the same way."""
    oriented = values * np.asarray(orientation, dtype=np.float64)
    complete = oriented[~np.isnan(oriented).any(axis=1)]
    if values.shape[1] < 3 or complete.shape[0] <= values.shape[1] or (complete.std(axis=0) == 0).any():
        return None
    found = principal_weights(complete)
    return tuple(found.tolist()) if (found > 0).all() else None


def _compare(name: str, base: Values, other: Values, classes: Classes | None, method: Method) -> Variant:
    both = ~np.isnan(base) & ~np.isnan(other)
    shift = np.abs(ranks(base[both]) - ranks(other[both]))
    return Variant(
        name=name,
        spearman=float(_spearman(base[both], other[both][:, None])[0]),
        largest_shift=int(shift.max(initial=0)),
        areas_changed_class=_changed(base[both], other[both][:, None], classes, method)[0]
        if classes
        else None,
        areas=int(both.sum()),
    )


def _random(
    values: Values, orientation: Sequence[int], method: Method, classes: Classes | None, base: Values
) -> Variant:
    """All draws as one line: the median of each measure."""
    drawn = _drawn(values, orientation, method, DRAWS, 1)
    known = ~np.isnan(base)
    own, others = base[known], drawn[known]
    shift = np.abs(ranks(own)[:, None] - rankdata(-others, method="min", axis=0)).max(axis=0)
    return Variant(
        name="weights:random",
        spearman=float(np.median(_spearman(own, others))),
        largest_shift=int(np.median(shift)),
        areas_changed_class=int(np.median(_changed(own, others, classes, method))) if classes else None,
        areas=int(known.sum()),
    )


def _drawn(values: Values, orientation: Sequence[int], method: Method, draws: int, seed: int) -> Values:
    """The index of every area under every draw of weights (n x draws), rescaled like the index."""
    plain = composite(values, orientation, replace(method, weights=None)).standardised
    weights = np.random.default_rng(seed).dirichlet(np.ones(values.shape[1]), size=draws)
    if method.aggregation == "geometric_mean":
        return np.asarray(np.exp(np.log(plain) @ weights.T))
    # A sum has the size of its weights: as many in total as the recipe gives.
    total = 1.0
    if method.aggregation == "sum":
        total = float(values.shape[1] if method.weights is None else np.sum(method.weights))
    return standardise(plain @ (weights.T * total), method.rescale)


def _spearman(one: Values, others: Values) -> Values:
    """Rank correlation with each column; NaN where something does not vary."""
    first = rankdata(one)
    second = rankdata(others, axis=0)
    first, second = first - first.mean(), second - second.mean(axis=0)
    spread = np.sqrt((first**2).sum() * (second**2).sum(axis=0))
    product = first @ second
    return np.asarray(np.divide(product, spread, out=np.full_like(product, np.nan), where=spread > 0))


def _changed(own: Values, others: Values, classes: Classes, method: Method) -> NDArray[np.int64]:
    """Areas in another class, per column.

    Fixed bounds hold on the scale of the recipe only. A variant on another scale is cut into classes of the same
    sizes, so that only areas that overtake others change.
    """
    before = classes.of(own)
    comparable = classes.method == "quantiles" or method.rescale != "none"
    found = [
        classes.of(column) if comparable else _same_sizes(before, column) for column in np.asarray(others).T
    ]
    return np.asarray([(after != before).sum() for after in found], dtype=np.int64)


def _same_sizes(before: NDArray[np.int64], value: Values) -> NDArray[np.int64]:
    after = np.empty_like(before)
    after[np.argsort(value, kind="stable")] = np.sort(before)
    return after


__all__ = ["DRAWS", "Variant", "rank_spread", "variants"]
