"""The rule of Aufmerksamkeitsbedarf (`instances/<name>/aufmerksamkeit.yml`): which deviations make an area stand out.

Belongs here: the shape of the rule. Does not belong here: whether its indicators exist
(`semantic_layer.catalogue.index_check`), the arithmetic (`analysis.frames.attention`).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

FILE_NAME = "aufmerksamkeit.yml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Threshold(_Strict):
    """How far from the Kreis value is far. The unit is the rule's `deviation`."""

    burden: float = Field(gt=0)
    strong: float = Field(gt=0)

    @model_validator(mode="after")
    def _strong_is_more(self) -> Threshold:
        if self.strong <= self.burden:
            raise ValueError("Die Schwelle „strong“ muss über der Schwelle „burden“ liegen.")
        return self


class AttentionIndicator(_Strict):
    """One indicator of the rule; what is unfavourable follows from its polarity."""

    indicator: str
    unfavourable: Literal["high", "low"] | None = None
    """Needed for indicators without polarity, refused for the others."""
    threshold: Threshold | None = None
    """Own thresholds instead of the rule's."""


class AttentionDegree(_Strict):
    """A degree is reached by the number of burdens or by the number of strong ones."""

    degree: Literal[1, 2, 3]
    label: str
    burdens: int = Field(ge=1)
    strong: int | None = Field(default=None, ge=1)


class AttentionRule(_Strict):
    """The rule of an instance. Burdens are counted, never weighed: every reader can count again."""

    version: int = Field(ge=1)
    change_note: str = ""
    label: str = "Aufmerksamkeitsbedarf"
    definition: str = Field(min_length=10)
    decision: str = Field(min_length=3)
    area_system: str
    area_level: str
    deviation: Literal["standard_deviations", "relative"] = "standard_deviations"
    """In standard deviations of the areas, or as a share of the Kreis value (0.25 is a quarter)."""
    threshold: Threshold
    confidence: float | None = Field(default=0.95, gt=0.5, lt=1)
    """A deviation counts only where the interval of the area's figure excludes the Kreis value. None: always."""
    minimum_judged: int = Field(ge=1)
    """Fewer judged indicators: the area is not assessable."""
    minimum_areas: int = Field(default=8, ge=3)
    """Areas with a value that a spread needs."""
    none_label: str = "kein erhöhter Bedarf"
    degrees: tuple[AttentionDegree, ...] = Field(min_length=1, max_length=3)
    indicators: tuple[AttentionIndicator, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _is_consistent(self) -> AttentionRule:
        names = [item.indicator for item in self.indicators]
        if len(set(names)) < len(names):
            raise ValueError("Eine Kennzahl steht zweimal in der Regel.")
        if [item.degree for item in self.degrees] != list(range(1, len(self.degrees) + 1)):
            raise ValueError("Die Stufen müssen bei 1 beginnen und lückenlos aufsteigen.")
        if any(low.burdens >= high.burdens for low, high in pairwise(self.degrees)):
            raise ValueError("Jede Stufe braucht mehr Belastungen als die vorige.")
        if self.degrees[-1].burdens > len(names):
            raise ValueError("Die höchste Stufe ist mit so wenigen Kennzahlen nicht erreichbar.")
        if self.minimum_judged > len(names):
            raise ValueError("Es werden mehr beurteilte Kennzahlen verlangt, als die Regel hat.")
        return self


__all__ = ["FILE_NAME", "AttentionDegree", "AttentionIndicator", "AttentionRule", "Threshold"]
