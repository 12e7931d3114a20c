"""What an instance wants to reach and how it compares: targets (`targets.yml`) and structural features for peers.

Belongs here: the shape of these settings. Does not belong here: values reached (the release) or distances (dbt).
"""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict, Field


class Target(BaseModel):
    """One agreed target value: indicator x area x year."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    indicator: str
    area_level: str
    area_code: str
    year: int = Field(ge=1990, le=2100)
    """The target holds for the last period of this calendar year."""
    value: float
    """In the indicator's own unit, e.g. 7.5 for 7,5 %."""
    decision: str = Field(min_length=3)
    """Who decided it when, in German, e.g. "Kreistag, 12.12.2023"."""
    decided_on: date | None = None
    """Day from which progress is measured: the last figure known for it is where the way to the target begins. Without
    it only the target itself is judged, no way to it."""
    recommendation: str = ""
    """Handlungsempfehlung the target belongs to; empty where there is none."""


class StructuralFeature(BaseModel):
    """One indicator by which areas are called similar."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    indicator: str
    logarithmic: bool = False
    """Compared by ratio instead of difference: right for sizes, where 500 and 1.000 are as far apart as 5.000 and
    10.000."""


class PeerSettings(BaseModel):
    """Which areas are peers: nearest in standardised euclidean distance over the features. An instance uses those
    of the features that are active there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    features: tuple[StructuralFeature, ...] = (
        StructuralFeature(indicator="population_total", logarithmic=True),
        StructuralFeature(indicator="population_density", logarithmic=True),
        StructuralFeature(indicator="old_age_ratio"),
        StructuralFeature(indicator="youth_ratio"),
        StructuralFeature(indicator="sgb2_rate"),
        StructuralFeature(indicator="foreign_share"),
    )


__all__ = ["PeerSettings", "StructuralFeature", "Target"]
