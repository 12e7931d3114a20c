"""The recipe of a composite index (`instances/<name>/indices/<id>.yml`): how released indicators become one number.

Belongs here: the shape of a recipe and what it has to agree with itself. Does not belong here: whether its indicators
exist (`semantic_layer.catalogue.index_check`), the arithmetic (`analysis.index`), figures (the release).

Sources: OECD/JRC, Handbook on Constructing Composite Indicators (2008): the steps a recipe has to decide.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

FOLDER = "indices"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class IndexPart(_Strict):
    """One indicator of an index."""

    indicator: str
    orientation: Literal[1, -1] = 1
    """+1: a high figure raises the index, -1: it lowers it."""
    weight: float | None = Field(default=None, gt=0)
    """For `weighting: given`, in any unit: only the proportions count for means, the size does for sums."""
    change: str = ""
    """Indicator that delivers the development of this one; empty: it is computed over `dynamics.years`."""
    since: date | None = None
    until: date | None = None
    """The part belongs to periods that end in this span; both ends inclusive."""
    max_age_months: int = Field(default=12, ge=1, le=120)
    """How much older than the period of the index the figure may be: elections need more than a year."""

    def holds(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)


class PublishedClass(_Strict):
    """The same class as someone else published it: every build compares both."""

    indicator: str
    codes: tuple[int, ...] = ()
    """The publisher's number of class 1, 2, …; empty: the same numbers."""


class IndexClasses(_Strict):
    """How the value is cut. Class 1 holds the lowest values."""

    method: Literal["bounds", "quantiles"]
    bounds: tuple[float, ...] = ()
    upper_inclusive: bool = True
    """A value on a bound belongs to the class below it."""
    labels: tuple[str, ...] = Field(min_length=2)
    published: PublishedClass | None = None

    @model_validator(mode="after")
    def _labels_fit(self) -> IndexClasses:
        if (self.method == "bounds") != bool(self.bounds):
            raise ValueError("Grenzen („bounds“) gehören zu „method: bounds“ und nur dazu.")
        if any(low >= high for low, high in pairwise(self.bounds)):
            raise ValueError("Die Grenzen der Klassen müssen aufsteigen.")
        if self.method == "bounds" and len(self.labels) != len(self.bounds) + 1:
            raise ValueError("Es braucht genau eine Klasse mehr als Grenzen.")
        if self.published and self.published.codes and len(self.published.codes) != len(self.labels):
            raise ValueError("Die veröffentlichten Klassen brauchen je Klasse eine Zahl („codes“).")
        return self


class IndexDynamics(_Strict):
    """Index of the development: the changes of the parts, put together like the parts themselves."""

    years: int | None = Field(default=None, ge=1, le=10)
    """Compared with the period this many years before; None: every part names the indicator of its change."""
    classes: IndexClasses


class IndexPeriods(_Strict):
    """The periods an index is formed for."""

    type: Literal["stichtag", "jahr", "schuljahr", "monat"]
    month: int | None = Field(default=None, ge=1, le=12)
    """Only periods that end in this month."""
    since: date | None = None
    until: date | None = None


class PopulationMinimum(_Strict):
    """Areas with fewer inhabitants get no index and do not count in means and spreads of the others."""

    indicator: str = "population_total"
    minimum: int = Field(ge=1)


class IndexRecipe(_Strict):
    """One recipe in one version. A change of figures needs a new version with its reason (`change_note`)."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    version: int = Field(ge=1)
    change_note: str = ""
    label: str = Field(min_length=3)
    short_label: str = Field(min_length=2, max_length=36)
    definition: str = Field(min_length=10)
    source_label: str
    """Where the method comes from: publication, office."""
    decision: str = Field(min_length=3)
    """Who decided on this recipe and when, in German."""
    caveats: str = ""
    polarity: Literal["lower_better", "higher_better", "neutral"]
    decimals: int = Field(default=2, ge=0, le=3)
    area_system: str
    area_level: str
    periods: IndexPeriods
    indicators: tuple[IndexPart, ...] = Field(min_length=1)
    weighting: Literal["equal", "given", "factor"] = "equal"
    """`factor`: loadings of the first principal component of every period (RKI, GISD)."""
    standardisation: Literal["z_score", "min_max", "rank", "none"] = "z_score"
    aggregation: Literal["sum", "mean", "geometric_mean"] = "sum"
    rescale: Literal["none", "z_score", "min_max"] = "none"
    """What happens to the result: standardised once more (Berlin) or brought to 0 … 1 (GISD)."""
    classes: IndexClasses | None = None
    dynamics: IndexDynamics | None = None
    population: PopulationMinimum | None = None
    minimum_areas: int = Field(default=8, ge=3)
    """Areas with all parts that a period needs: mean and spread of fewer say nothing."""
    minimum_share: float = Field(default=0.5, gt=0, le=1)
    """The same as a share of the areas: an index of a few chosen areas compares with nothing."""

    @model_validator(mode="after")
    def _parts_agree(self) -> IndexRecipe:
        names = [item.indicator for item in self.indicators]
        if len(set(names)) < len(names):
            raise ValueError("Eine Kennzahl steht zweimal im Index.")
        weighted = [item.weight is not None for item in self.indicators]
        if self.weighting == "given" and not all(weighted):
            raise ValueError("Bei „weighting: given“ braucht jede Kennzahl ein Gewicht („weight“).")
        if self.weighting != "given" and any(weighted):
            raise ValueError("Gewichte („weight“) gelten nur bei „weighting: given“.")
        if self.weighting == "factor" and len(names) < 3:
            raise ValueError("Gewichte aus der Faktorenanalyse brauchen mindestens drei Kennzahlen.")
        if self.aggregation == "geometric_mean" and self.standardisation != "rank":
            raise ValueError("Das geometrische Mittel braucht Werte über null: „standardisation: rank“.")
        if self.standardisation == "none" and len(names) > 1:
            raise ValueError("Ohne Standardisierung kann nur eine einzelne Kennzahl eingeteilt werden.")
        return self

    @model_validator(mode="after")
    def _dynamics_agree(self) -> IndexRecipe:
        delivered = [bool(item.change) for item in self.indicators]
        if self.dynamics is None and any(delivered):
            raise ValueError("Kennzahlen der Veränderung („change“) gehören zu einer Dynamik („dynamics“).")
        if self.dynamics is not None and self.dynamics.years is None and not all(delivered):
            raise ValueError("Ohne „years“ braucht jede Kennzahl die ihrer Veränderung („change“).")
        if self.dynamics is not None and self.dynamics.years is not None and any(delivered):
            raise ValueError("Eine Dynamik wird entweder berechnet („years“) oder geliefert („change“).")
        return self


def read_recipes(folder: Path) -> tuple[IndexRecipe, ...]:
    """All recipes of an instance folder in the order of their file names; none without the folder.

    Raises ValueError (German) where a file is not named after its recipe or a label stands twice.
    """
    found = []
    for path in sorted((folder / FOLDER).glob("*.yml")):
        recipe = IndexRecipe.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        if recipe.id != path.stem:
            raise ValueError(f"{FOLDER}/{path.name}: Die Kennung „{recipe.id}“ muss der Dateiname sein.")
        found.append(recipe)
    for label in _repeated(item.label for item in found):
        raise ValueError(f"{FOLDER}: Zwei Indizes heißen „{label}“; bitte eine Bezeichnung ändern.")
    return tuple(found)


def _repeated(values: Iterable[str]) -> list[str]:
    listed = list(values)
    return sorted({value for value in listed if listed.count(value) > 1})


__all__ = [
    "FOLDER",
    "IndexClasses",
    "IndexDynamics",
    "IndexPart",
    "IndexPeriods",
    "IndexRecipe",
    "PopulationMinimum",
    "PublishedClass",
    "read_recipes",
]
