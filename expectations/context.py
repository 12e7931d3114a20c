"""What the gate may know of anything outside the delivery it judges.

Landing assembles it (`ingestion.landing.context`); the gate only asks. Lookups may read files, so the gate asks only
what its rules need. `NO_CONTEXT` knows nothing: then only the delivery itself is judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Final, Protocol

import pandas as pd

UNASSIGNED: Final = "-NZ"
"""Ending of the code that stands for „räumlich nicht zuordenbar“ within the area before it."""

AreaId = tuple[str, str, str]
"""Area system, level, code."""


@dataclass(frozen=True)
class KnownArea:
    """One area in one validity, as the area register landed it; `valid_to` is inclusive, None is open."""

    system: str
    level: str
    code: str
    parent: str | None
    valid_from: date
    valid_to: date | None
    name: str = ""

    def holds(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True)
class KnownAreas:
    """The area register. `levels` gives the levels of every system, coarsest first."""

    areas: Sequence[KnownArea] = ()
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    successors: Mapping[AreaId, tuple[str, ...]] = field(default_factory=dict)
    """Codes an area was merged into or divided among."""

    @cached_property
    def _by_id(self) -> dict[AreaId, list[KnownArea]]:
        found: dict[AreaId, list[KnownArea]] = {}
        for area in self.areas:
            found.setdefault((area.system, area.level, area.code), []).append(area)
        return found

    @cached_property
    def systems(self) -> frozenset[str]:
        return frozenset(area.system for area in self.areas)

    @cached_property
    def _ancestry(self) -> dict[tuple[AreaId, str, date], str | None]:
        return {}

    def find(self, area: AreaId) -> list[KnownArea]:
        """All validities of a key."""
        return self._by_id.get(area, [])

    def at(self, area: AreaId, day: date) -> KnownArea | None:
        """The area under this key at that day."""
        return next((item for item in self.find(area) if item.holds(day)), None)

    def on_level(self, system: str, level: str, day: date) -> list[str]:
        """Codes of a level at that day."""
        return [
            area.code
            for area in self.areas
            if area.system == system and area.level == level and area.holds(day)
        ]

    def ancestor(self, area: AreaId, level: str, day: date) -> str | None:
        """Code of the area above `area` on a coarser `level` at that day; None where it is unknown."""
        key = (area, level, day)
        if key not in self._ancestry:
            self._ancestry[key] = self._climb(area, level, day)
        return self._ancestry[key]

    def _climb(self, area: AreaId, level: str, day: date) -> str | None:
        system, current, code = area
        order = self.levels.get(system, ())
        if current not in order or level not in order:
            return None
        if code.endswith(UNASSIGNED):
            # Nobody knows where in the area: it belongs to the area named before the ending, wherever that stands.
            code = code.removesuffix(UNASSIGNED)
            current = next(
                (item for item in order if self.at((system, item, code), day) is not None), current
            )
        while current != level:
            found = self.at((system, current, code), day)
            if found is None or found.parent is None or order.index(current) == 0:
                return None
            code, current = found.parent, order[order.index(current) - 1]
        return code


@dataclass(frozen=True)
class MeasureFacts:
    """What the catalogue says of a measure, as far as the gate needs it."""

    measure_id: str
    label: str
    unit: str
    value_kind: str
    additive: bool
    source_id: str
    input: str
    where: str
    value: str
    period_type: str
    area_system: str
    part_of: tuple[str, ...] = ()
    breakdowns: tuple[str, ...] = ()
    """Dimensions whose members add up to the total; every age band is called `age`."""


FigureKey = tuple[str, str, str, str, str]
"""Measure, group, area system, level, code."""


@dataclass(frozen=True)
class Earlier:
    """The delivery before the one judged: the same source, Kommune and period type, the nearest earlier period."""

    period_end: date
    rows: Mapping[str, int]
    """Rows per landing table."""
    figures: Mapping[FigureKey, float]
    """Known values; empty for microdata."""


class GateContext(Protocol):
    """What landing tells the gate."""

    @property
    def areas(self) -> KnownAreas | None:
        """None: the instance has no area register. Without areas: it has one, but nothing of it has landed."""
        ...

    @property
    def measures(self) -> Mapping[str, MeasureFacts]: ...

    def earlier(
        self, period_type: str, period_end: date, kommune_code: str | None, part: str | None
    ) -> Earlier | None: ...

    def siblings(self, measures: frozenset[str]) -> pd.DataFrame | None:
        """Figures of these measures in the other deliveries of the source that are in use; columns as in
        `expectations.rules.observed`. None where there are none."""
        ...

    def totals(self, measure_id: str, period_type: str, day: date, days_apart: int) -> Mapping[AreaId, float]:
        """Totals of a measure of another source per area at the period end nearest to `day`; empty if none is near."""
        ...


@dataclass(frozen=True)
class StaticContext:
    """A context of given facts."""

    areas: KnownAreas | None = None
    measures: Mapping[str, MeasureFacts] = field(default_factory=dict)
    previous: Earlier | None = None
    others: Mapping[str, Mapping[AreaId, float]] = field(default_factory=dict)
    beside: pd.DataFrame | None = None

    def earlier(
        self, period_type: str, period_end: date, kommune_code: str | None, part: str | None
    ) -> Earlier | None:
        return self.previous

    def siblings(self, measures: frozenset[str]) -> pd.DataFrame | None:
        found = self.beside
        return None if found is None else found[found["measure_id"].isin(measures)]

    def totals(self, measure_id: str, period_type: str, day: date, days_apart: int) -> Mapping[AreaId, float]:
        return self.others.get(measure_id, {})


NO_CONTEXT: Final = StaticContext()
