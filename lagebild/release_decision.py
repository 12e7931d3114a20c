"""Decisions of people on figures that can no longer be protected.

File `geheimhaltung_entscheidungen.yml` of an instance: a list of `ReleaseDecision`. Without a decision such a figure is
withheld and listed as open in every release; nothing else waits for it. Does not belong here: which figures these are
(`orchestration.unsafe`), thresholds (`lagebild.disclosure_rules`).
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FILE_NAME = "geheimhaltung_entscheidungen.yml"


class ReleaseDecision(BaseModel):
    """Who decided what about which figures, when and why. An empty place means: all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    measure: str
    period: str = ""
    """Key of the period, e.g. `J2023`."""
    area: str = ""
    """Code of the area, in whatever boundaries."""
    group: str = ""
    """Key of the group, e.g. `age=0-2`."""
    decision: Literal["gesperrt_lassen", "weiter_zeigen"]
    """`weiter_zeigen` holds for figures that earlier releases show with today's value, and for no others."""
    by: str = Field(min_length=2)
    decided_on: date
    reason: str = Field(min_length=5)

    def covers(self, measure: str, period: str, area: str, group: str) -> bool:
        """Does the decision speak of this figure?"""
        asked = ((self.period, period), (self.area, area), (self.group, group))
        return self.measure == measure and all(mine in ("", other) for mine, other in asked)

    @property
    def german(self) -> str:
        """`weiter zeigen (Statistikstelle, 12.03.2026): Begründung`."""
        return f"{self.decision.replace('_', ' ')} ({self.by}, {self.decided_on:%d.%m.%Y}): {self.reason}"


def decision_for(
    decisions: tuple[ReleaseDecision, ...], measure: str, period: str, area: str, group: str
) -> ReleaseDecision | None:
    """The latest decision on a figure, the later line among those of one day; None: nobody has decided."""
    found = [item for item in decisions if item.covers(measure, period, area, group)]
    return max(enumerate(found), key=lambda item: (item[1].decided_on, item[0]))[1] if found else None
