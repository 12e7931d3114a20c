"""Composite indices of all recipes and periods: released values in, indices with parts, classes and sensitivity out.

Belongs here: which areas count, what an empty index is called, the shape of the tables. The arithmetic is in
`analysis.index` and `analysis.index_sensitivity`; which value enters decides `int_analysis__index_input`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.frames.recipe import Recipe, recipe_of
from analysis.index import Classes, Index, Method, Values, composite, principal_weights, ranks
from analysis.index_sensitivity import rank_spread, variants

INDEX_TYPES: Final = {
    "index_id": "string",
    "area_key": "string",
    "period_key": "string",
    "value": "float64",
    "rank": "Int32",
    "rank_low": "Int32",
    "rank_high": "Int32",
    "n_areas": "Int32",
    "class_number": "Int32",
    "change_value": "float64",
    "change_class_number": "Int32",
    "obs_status": "string",
    "conf_status": "string",
    "empty_reason": "string",
}
PART_TYPES: Final = {
    "index_id": "string",
    "area_key": "string",
    "period_key": "string",
    "indicator_id": "string",
    "standardised": "float64",
    "weight": "float64",
    "contribution": "float64",
    "change_contribution": "float64",
}
SENSITIVITY_TYPES: Final = {
    "index_id": "string",
    "period_key": "string",
    "variant": "string",
    "spearman": "float64",
    "areas_changed_class": "Int32",
    "largest_rank_shift": "Int32",
    "n_areas": "Int32",
}
_WITHHELD: Final = "gesperrt"
_MISSING: Final = {"O": "noch nicht geliefert", "L": "nicht erhoben", "M": "nicht zutreffend"}
_QUALITY: Final = ("E", "P", "B")
"""Status of a value whose parts have one of these, the first one first."""


@dataclass(frozen=True)
class _Block:
    """One index in one period: n areas x k parts."""

    areas: list[str]
    parts: list[str]
    labels: list[str]
    value: Values
    change: Values
    obs: NDArray[np.object_]
    conf: NDArray[np.object_]
    population: Values


def index_frame(
    inputs: pd.DataFrame, recipes: pd.DataFrame, parts: pd.DataFrame, classes: pd.DataFrame
) -> pd.DataFrame:
    """Index x period x area with value, rank, class, development and status; columns of `INDEX_TYPES`.

    `inputs`: index x period x area x part (`int_analysis__index_input`); `recipes`, `parts`, `classes`: the catalogue
    tables of the recipes. Without recipes the table is empty.
    """
    solved = _solved(inputs, recipes, parts, classes)
    return _table([(item.key, _index_rows(item)) for item in solved], INDEX_TYPES)


def part_frame(
    inputs: pd.DataFrame, recipes: pd.DataFrame, parts: pd.DataFrame, classes: pd.DataFrame
) -> pd.DataFrame:
    """Index x period x area x part with weight and contribution; columns of `PART_TYPES`."""
    solved = _solved(inputs, recipes, parts, classes)
    return _table([(item.key, _part_rows(item)) for item in solved], PART_TYPES)


def sensitivity_frame(
    inputs: pd.DataFrame, recipes: pd.DataFrame, parts: pd.DataFrame, classes: pd.DataFrame
) -> pd.DataFrame:
    """Index x period x other way to compute it; columns of `SENSITIVITY_TYPES`. One part alone has none."""
    solved = _solved(inputs, recipes, parts, classes)
    return _table([(item.key, _sensitivity_rows(item)) for item in solved], SENSITIVITY_TYPES)


def _table(blocks: list[tuple[tuple[str, str], pd.DataFrame]], types: dict[str, str]) -> pd.DataFrame:
    """All blocks below each other, with the index and period they are of, in fixed types."""
    found = [rows.assign(index_id=key[0], period_key=key[1]) for key, rows in blocks if not rows.empty]
    frame = pd.concat(found) if found else pd.DataFrame({name: [] for name in types})
    return frame[list(types)].astype(types).reset_index(drop=True)


@dataclass(frozen=True)
class _Solved:
    """One index in one period, computed."""

    key: tuple[str, str]
    recipe: Recipe
    block: _Block
    method: Method
    values: Values
    """NaN in every row that does not form the index."""
    orientation: list[int]
    found: Index
    change: Index | None
    included: NDArray[np.bool_]
    """Areas that could form the index."""
    reason: str
    """Why the whole period has no index; empty where it has one."""

    @property
    def is_empty(self) -> bool:
        return bool(np.isnan(self.values).all())


def _solved(
    inputs: pd.DataFrame, recipes: pd.DataFrame, parts: pd.DataFrame, classes: pd.DataFrame
) -> Iterator[_Solved]:
    known = {str(row["index_id"]): recipe_of(row, parts, classes) for _, row in recipes.iterrows()}
    for names, rows in inputs.groupby(["index_id", "period_key"], sort=True):
        recipe, block = known[str(names[0])], _block(rows)
        orientation = [recipe.orientation[name] for name in block.parts]
        included, reason = _included(block, recipe)
        values = np.where(included[:, None], block.value, np.nan)
        method = recipe.method
        if not reason:
            method, reason = _weighted(recipe, values, orientation, block)
        if reason:
            values = np.full_like(values, np.nan)
        yield _Solved(
            key=(str(names[0]), str(names[1])),
            recipe=recipe,
            block=block,
            method=method,
            values=values,
            orientation=orientation,
            found=_composite(values, orientation, method),
            change=_change(values, block, orientation, method, recipe),
            included=included,
            reason=reason,
        )


def _block(rows: pd.DataFrame) -> _Block:
    order = rows.drop_duplicates("indicator_id").sort_values("position")
    parts = order["indicator_id"].tolist()
    areas = sorted(rows["area_key"].unique())

    def matrix(column: str) -> Any:
        return rows.pivot(index="area_key", columns="indicator_id", values=column)[parts].to_numpy()

    population = rows.groupby("area_key")["population"].first().reindex(areas)
    return _Block(
        areas=areas,
        parts=parts,
        labels=order["indicator_label"].tolist(),
        value=matrix("value").astype(np.float64),
        change=matrix("change_value").astype(np.float64),
        obs=matrix("obs_status").astype(object),
        conf=matrix("conf_status").astype(object),
        population=population.to_numpy(dtype=np.float64),
    )


def _included(block: _Block, recipe: Recipe) -> tuple[NDArray[np.bool_], str]:
    """Areas that form the index, and why the whole period has none (empty where it has one)."""
    large = np.ones(len(block.areas), dtype=np.bool_)
    if not np.isnan(recipe.population_minimum):
        large = block.population >= recipe.population_minimum
    complete = large & ~np.isnan(block.value).any(axis=1)
    n, of = int(complete.sum()), int(large.sum())
    if n < recipe.minimum_areas or n < recipe.minimum_share * of:
        return complete, f"nicht gebildet: nur für {n} von {of} Gebieten alle Kennzahlen veröffentlicht"
    return complete, ""


def _weighted(recipe: Recipe, values: Values, orientation: list[int], block: _Block) -> tuple[Method, str]:
    """The method with the weights of this period, and why there is none (empty where there is one)."""
    base = recipe.method
    weights: tuple[float, ...] | None = None
    if recipe.weighting == "given":
        weights = tuple(recipe.weight[name] for name in block.parts)
    if recipe.weighting == "factor":
        known = values[~np.isnan(values).any(axis=1)] * np.asarray(orientation, dtype=np.float64)
        if (known.std(axis=0) == 0).any():
            return base, "nicht gebildet: eine Kennzahl hat überall denselben Wert"
        loadings = principal_weights(known)
        against = [label for label, loading in zip(block.labels, loadings, strict=True) if loading <= 0]
        if against:
            # A part that runs against the others measures something else; its negative weight would hide that.
            return base, f"nicht gebildet: gegenläufig zu den anderen Kennzahlen ({', '.join(against)})"
        weights = tuple(loadings.tolist())
    return Method(base.standardisation, base.aggregation, weights, base.rescale), ""


def _composite(values: Values, orientation: list[int], method: Method) -> Index:
    if np.isnan(values).all():
        empty = np.full(values.shape, np.nan)
        return Index(empty[:, 0] if empty.size else np.empty(0), empty, empty)
    return composite(values, orientation, method)


def _change(
    values: Values, block: _Block, orientation: list[int], method: Method, recipe: Recipe
) -> Index | None:
    """Index of the development over the areas that have an index and all changes; None without dynamics."""
    if not recipe.has_dynamics:
        return None
    known = ~np.isnan(values).any(axis=1) & ~np.isnan(block.change).any(axis=1)
    enough = known.sum() >= max(recipe.minimum_areas, recipe.minimum_share * (~np.isnan(values[:, 0])).sum())
    changes = np.where(known[:, None] & enough, block.change, np.nan)
    return _composite(changes, orientation, method)


def _index_rows(solved: _Solved) -> pd.DataFrame:
    block, recipe, value = solved.block, solved.recipe, solved.found.value
    status = [_status(solved, row) for row in range(len(block.areas))]
    changed = np.full(value.shape, np.nan) if solved.change is None else solved.change.value
    spread = np.full((len(block.areas), 2), np.nan)
    if not solved.is_empty:
        spread = rank_spread(solved.values, solved.orientation, solved.method)
    return pd.DataFrame(
        {
            "area_key": block.areas,
            "value": value,
            "rank": ranks(value),
            "rank_low": spread[:, 0],
            "rank_high": spread[:, 1],
            "n_areas": int((~np.isnan(value)).sum()),
            "class_number": _numbers(recipe.classes, value),
            "change_value": changed,
            "change_class_number": _numbers(recipe.change_classes, changed),
            "obs_status": [item[0] for item in status],
            "conf_status": [item[1] for item in status],
            "empty_reason": [item[2] for item in status],
        }
    )


def _numbers(classes: Classes | None, value: Values) -> Values:
    """Class numbers with NaN where there is no value."""
    if classes is None or np.isnan(value).all():
        return np.full(value.shape, np.nan)
    found = classes.of(value).astype(np.float64)
    return np.where(found > 0, found, np.nan)


def _status(solved: _Solved, row: int) -> tuple[str, str, str | None]:
    """obs_status, conf_status and the German reason of an empty index."""
    block, recipe = solved.block, solved.recipe
    if solved.included[row]:
        if solved.reason:
            return "M", "F", solved.reason
        flags = set(block.obs[row])
        return next((flag for flag in _QUALITY if flag in flags), "A"), "F", None
    if block.population[row] < recipe.population_minimum:
        return "M", "F", f"weniger als {recipe.population_minimum:.0f} Einwohnerinnen und Einwohner"
    missing = np.isnan(block.value[row])
    withheld = missing & (block.conf[row] == "C")
    if withheld.any():
        return "A", "C", f"{_WITHHELD} ({_names(block, withheld)})"
    for status, words in _MISSING.items():
        flagged = missing & (block.obs[row] == status)
        if flagged.any():
            return status, "F", f"{words} ({_names(block, flagged)})"
    return "L", "F", "Einwohnerzahl nicht veröffentlicht"


def _names(block: _Block, chosen: NDArray[np.bool_]) -> str:
    return ", ".join(label for label, is_chosen in zip(block.labels, chosen, strict=True) if is_chosen)


def _part_rows(solved: _Solved) -> pd.DataFrame:
    block, count = solved.block, len(solved.block.parts)
    weights = solved.method.weights
    given = np.ones(count) if weights is None else np.asarray(weights)
    # Weights of a period without an index were never formed.
    shares = np.full(count, np.nan) if solved.is_empty else given / given.sum()
    changes = np.full(solved.values.shape, np.nan) if solved.change is None else solved.change.contribution
    return pd.DataFrame(
        {
            "area_key": np.repeat(block.areas, count),
            "indicator_id": np.tile(block.parts, len(block.areas)),
            "standardised": solved.found.standardised.ravel(),
            "weight": np.tile(shares, len(block.areas)),
            "contribution": solved.found.contribution.ravel(),
            "change_contribution": changes.ravel(),
        }
    )


def _sensitivity_rows(solved: _Solved) -> pd.DataFrame:
    if solved.is_empty:
        return pd.DataFrame()
    found = variants(
        solved.values,
        solved.orientation,
        solved.method,
        solved.recipe.classes,
        solved.block.parts,
        factor_weights=solved.recipe.weighting == "factor",
    )
    return pd.DataFrame([asdict(item) for item in found]).rename(
        columns={"name": "variant", "largest_shift": "largest_rank_shift", "areas": "n_areas"}
    )


__all__ = [
    "INDEX_TYPES",
    "PART_TYPES",
    "SENSITIVITY_TYPES",
    "index_frame",
    "part_frame",
    "sensitivity_frame",
]
