"""What a report knows: indicators, areas and figures as plain values. No database, no wording."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Indicator:
    """One active entry of the catalogue."""

    id: str
    label: str
    short_label: str
    definition: str
    theme_id: str
    theme_label: str
    kind: str
    unit: str
    decimals: int
    polarity: str
    source_label: str
    legal_basis: str
    caveats: str
    breaks: str
    is_absolute: bool = False
    """A number or an amount without a base: it follows the size of the area and is not compared between areas."""

    @property
    def unit_label(self) -> str:
        """Unit as readers write it, e.g. `%`, `je 1.000`, `Euro je m²`."""
        return self.unit.replace("EUR", "Euro")

    @property
    def title(self) -> str:
        """Label with its unit, for headings of charts and tables."""
        unit = self.unit_label
        if not unit or unit.casefold() in self.label.casefold() or self.kind == "count":
            return self.label
        return f"{self.label} ({unit if unit.startswith('je ') else 'in ' + unit})"


@dataclass(frozen=True)
class Area:
    """One area of today."""

    key: str
    code: str
    name: str
    level: str
    level_label: str
    rank: int
    """0 is the whole territory."""
    parent_key: str
    parent_name: str


@dataclass(frozen=True)
class Figure:
    """One released value, or the reason why there is none. Grain: indicator x area x period."""

    indicator_id: str
    area_key: str
    area_name: str
    period_label: str
    period_type: str
    period_end: date
    year: int
    value: float | None
    value_label: str
    """As the release writes it; where there is no value, the reason."""
    empty_reason: str
    kreis_value: float | None
    previous_value: float | None
    change: float | None
    change_reason: str
    tendency: str
    """`günstig`, `ungünstig`, `stabil`, `ohne Bewertung` or empty."""


@dataclass(frozen=True)
class Theme:
    """One theme with its indicators in reading order: the leading ones first."""

    id: str
    label: str
    indicators: tuple[Indicator, ...]


__all__ = ["Area", "Figure", "Indicator", "Theme"]
