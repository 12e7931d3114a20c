"""What an entry of the catalogue is: pydantic models, no I/O, no rules that need more than one entry.

Relations between entries (unknown measure, numerator outside its denominator …) are checked in `validate`.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

IDENTIFIER = r"^[a-z][a-z0-9_]+$"
AGE = "age"
UNKNOWN = "unknown"

Kind = Literal["count", "share", "rate", "ratio", "mean", "quotient", "index", "money"]
Polarity = Literal["higher_better", "lower_better", "neutral"]
Status = Literal["active", "in_preparation", "not_available", "retired"]
ValueKind = Literal["count", "money", "amount"]

AgeRange = tuple[int, int | None]
"""Completed years of age, both ends inclusive; an upper end of None is open."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Theme(_Strict):
    """One Handlungsfeld."""

    id: str = Field(pattern=IDENTIFIER)
    label: str
    description: str
    sort_key: int


class Dimension(_Strict):
    """One breakdown whose members are known in advance. Age is not listed here: its bands belong to the instance."""

    id: str = Field(pattern=IDENTIFIER)
    label: str
    column: Literal["sex", "nationality", "migration", "category"] = "category"
    """Column of `dim_group` that holds the member."""
    members: dict[str, str]
    """Member code to German label, in reading order."""


class Measure(_Strict):
    """What is counted or summed. Unit and grain are stated; who delivers it is a matter of the instance."""

    id: str = Field(pattern=IDENTIFIER)
    label: str
    definition: str
    unit: str
    value_kind: ValueKind = "count"
    additive_over_areas: bool = True
    semi_additive_time: bool = False
    """True for stocks at a reference day: they must not be summed over time."""
    part_of: tuple[str, ...] = ()
    """Measures whose units contain every unit counted here (an unemployed person is an inhabitant)."""
    restricts: str = ""
    """The measure this one repeats for the ages of `covers` only, e.g. to count them for a further area system."""
    covers: AgeRange | None = None
    """Ages this measure is limited to by its definition."""
    breaks: tuple[str, ...] = ()
    """Breaks of the series for every indicator that uses the measure; form as in `Indicator.breaks`."""
    covers_by_category: dict[str, AgeRange] = Field(default_factory=dict)
    """Ages a category member is limited to by its definition, e.g. Grundsicherung im Alter."""


GroupFilter = dict[str, AgeRange | tuple[str, ...]]


class Part(_Strict):
    """One summand of a numerator or denominator: a measure, narrowed to groups, added or subtracted."""

    measure: str
    group: GroupFilter = Field(default_factory=dict)
    """`age: [65, null]` is a range of completed years, every other dimension a member or a list of members."""
    sign: Literal[1, -1] = 1

    @field_validator("group", mode="before")
    @classmethod
    def _normalise(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        group: dict[str, Any] = {}
        for dimension, members in value.items():
            if dimension == AGE:
                if not isinstance(members, list | tuple) or len(members) != 2:
                    raise ValueError("Eine Altersabgrenzung braucht zwei Angaben, zum Beispiel [65, null].")
                group[dimension] = (members[0] or 0, members[1])
            else:
                group[dimension] = (members,) if isinstance(members, str) else tuple(members)
        return group

    @property
    def age(self) -> AgeRange | None:
        found = self.group.get(AGE)
        return None if found is None else (int(found[0] or 0), None if found[1] is None else int(found[1]))


class Indicator(_Strict):
    """One Kennzahl. Value = factor x sum(numerator) / sum(denominator); without denominator factor x sum(numerator)."""

    id: str = Field(pattern=IDENTIFIER)
    version: int = Field(default=1, ge=1)
    change_note: str = ""
    """Why this version differs from the one before; goes into the change log."""
    label: str
    short_label: str
    definition: str
    theme: str
    kind: Kind
    numerator: tuple[Part, ...] = ()
    denominator: tuple[Part, ...] = ()
    factor: float = 1.0
    unit: str
    decimals: int = Field(default=1, ge=0, le=4)
    polarity: Polarity | None = None
    source_label: str
    legal_basis: str = ""
    cycle: str
    reference_day: str
    delay: str = ""
    """Time between reference day and publication (Sperrfrist included), in words."""
    first_period: str = ""
    breaks: tuple[str, ...] = ()
    """In German. A text that begins with `Ab 2023:` or `Ab 2023-07-01:` marks the first period from that day on as a
    break (obs_status B); every other text is for readers only."""
    lowest_level: str = ""
    """Lowest area level on which the figure is meaningful; empty: as far down as its measures are released."""
    min_denominator: int = Field(default=0, ge=0)
    tier: Literal["public", "internal"] = "public"
    benchmark_method: str = "Wert des gesamten Gebiets und des übergeordneten Gebiets"
    trend_method: str = "Veränderung gegenüber der Vorperiode"
    caveats: str = ""
    owner: str = ""
    status: Status = "active"
    unavailable_reason: str = ""
    successor: str = ""
    keywords: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()
    """Instances the entry is meant for (figures of one supplier only); empty: all."""

    @property
    def key(self) -> str:
        return f"{self.id}@{self.version}"

    @property
    def parts(self) -> tuple[Part, ...]:
        return self.numerator + self.denominator


class IndicatorFile(_Strict):
    """One `<theme>.yml`: the theme, what its entries have in common, and the entries."""

    theme: str
    defaults: dict[str, Any] = Field(default_factory=dict)
    indicators: list[dict[str, Any]]

    def entries(self) -> list[Indicator]:
        return [
            Indicator.model_validate({"theme": self.theme, **self.defaults, **item})
            for item in self.indicators
        ]


class Catalogue(_Strict):
    """All entries. Identifiers may be double here: `validate` reports that instead of a crash at load time."""

    themes: tuple[Theme, ...]
    dimensions: tuple[Dimension, ...]
    measures: tuple[Measure, ...]
    indicators: tuple[Indicator, ...]

    @model_validator(mode="after")
    def _not_empty(self) -> Catalogue:
        if not self.themes or not self.measures:
            raise ValueError("Der Katalog enthält keine Handlungsfelder oder keine Messgrößen.")
        return self

    @cached_property
    def theme_by_id(self) -> dict[str, Theme]:
        return {item.id: item for item in self.themes}

    @cached_property
    def dimension_by_id(self) -> dict[str, Dimension]:
        return {item.id: item for item in self.dimensions}

    @cached_property
    def measure_by_id(self) -> dict[str, Measure]:
        return {item.id: item for item in self.measures}

    def indicators_for(self, instance: str) -> list[Indicator]:
        """Entries meant for an instance, in the order of themes and files."""
        order = {theme.id: theme.sort_key for theme in self.themes}
        meant = [item for item in self.indicators if not item.instances or instance in item.instances]
        return sorted(meant, key=lambda item: order.get(item.theme, len(order)))


__all__ = [
    "AGE",
    "UNKNOWN",
    "AgeRange",
    "Catalogue",
    "Dimension",
    "Indicator",
    "IndicatorFile",
    "Measure",
    "Part",
    "Theme",
]
