"""The recipe of an index as the arithmetic needs it, read from the catalogue tables of the recipes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.index import Classes, Method


@dataclass(frozen=True)
class Recipe:
    """What the arithmetic needs of a recipe; columns of the catalogue tables `index`, `index_part`, `index_class`."""

    method: Method
    weighting: str
    classes: Classes | None
    change_classes: Classes | None
    orientation: dict[str, int]
    weight: dict[str, float]
    population_minimum: float
    minimum_areas: int
    minimum_share: float
    has_dynamics: bool


def recipe_of(row: pd.Series, parts: pd.DataFrame, classes: pd.DataFrame) -> Recipe:
    """One row of `index` with its parts and classes."""
    own = parts[parts["index_id"] == row["index_id"]].sort_values("position")
    cuts = classes[classes["index_id"] == row["index_id"]].sort_values("class_number")
    minimum = row["population_minimum"]
    return Recipe(
        method=Method(row["standardisation"], row["aggregation"], None, row["rescale"]),
        weighting=row["weighting"],
        classes=_classes(cuts[cuts["kind"] == "value"], row["class_method"], row["class_upper_inclusive"]),
        change_classes=_classes(
            cuts[cuts["kind"] == "change"], row["change_class_method"], row["change_class_upper_inclusive"]
        ),
        orientation=dict(zip(own["indicator_id"], own["orientation"].astype(int), strict=True)),
        weight=dict(zip(own["indicator_id"], own["weight"].astype(float), strict=True)),
        population_minimum=np.nan if minimum is None or pd.isna(minimum) else float(minimum),
        minimum_areas=int(row["minimum_areas"]),
        minimum_share=float(row["minimum_share"]),
        has_dynamics=bool(row["has_dynamics"]),
    )


def _classes(cuts: pd.DataFrame, method: Any, upper_inclusive: Any) -> Classes | None:
    if cuts.empty:
        return None
    bounds = tuple(cuts["upper_bound"].dropna().astype(float))
    return Classes(method, len(cuts), bounds, bool(upper_inclusive))


__all__ = ["Recipe", "recipe_of"]
