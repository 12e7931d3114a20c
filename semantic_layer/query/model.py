"""What can be asked: the query model. Pydantic only – no release, no SQL, no knowledge of what exists.

One `Query` is one question: figures (`metrics`), one row per what (`by`), restricted to what (`where`), put beside what
(`compare`). Unknown keys are refused, so that a misspelt filter can never widen an answer. docs/query.md explains it.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

MAX_ROWS = 200_000
"""Upper end of `limit`: more rows than the largest table of one indicator, few enough for memory."""

TimeGrain = Literal["stichtag", "jahr", "schuljahr", "monat"]
OverTime = Literal["last", "average", "sum"]
Boundaries = Literal["as_was", "as_is"]
AgeBounds = tuple[int, int | None]


def _as_tuple(value: Any) -> Any:
    """A single value stands for a list of one."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str | int | dict) else tuple(value)


Names = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
Years = Annotated[tuple[int, ...], BeforeValidator(_as_tuple)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Where(_Strict):
    """Restrictions; all given ones hold at once (AND), several values of one mean any of them (OR)."""

    level: Names = ()
    """Area levels, e.g. `sozialraum`."""
    area_code: Names = ()
    """Official codes."""
    area_name: Names = ()
    """Exact names, capitals ignored."""
    area_key: Names = ()
    within: Names = ()
    """Areas below these (codes or names), these included."""
    include_unassigned: bool = False
    """List the member „räumlich nicht zuordenbar“ as well."""
    current_areas: bool = False
    """Only areas that exist today."""
    period: Names = ()
    """Period keys, e.g. `S2024-12-31`, `J2024`."""
    year: Years = ()
    period_from: date | None = None
    """First and last day on which a period may end."""
    period_to: date | None = None
    latest: bool = False
    """Only the latest period that holds any value of the metric."""
    groups: dict[str, tuple[str, ...] | AgeBounds] = Field(default_factory=dict)
    """Dimension to members: `{"sex": "f", "age": [0, 17]}`; an open upper end is `null`."""

    @field_validator("groups", mode="before")
    @classmethod
    def _groups(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        found: dict[str, Any] = {}
        for dimension, members in value.items():
            if dimension == "age":
                if not isinstance(members, list | tuple) or len(members) != 2:
                    raise ValueError("Das Alter braucht zwei Angaben, zum Beispiel [65, null].")
                found[dimension] = (int(members[0] or 0), None if members[1] is None else int(members[1]))
            else:
                found[dimension] = _as_tuple(members)
        return found

    @model_validator(mode="after")
    def _ages_in_order(self) -> Where:
        if (age := self.age) and age[1] is not None and age[1] < age[0]:
            raise ValueError("Die Altersgrenzen stehen in der falschen Reihenfolge.")
        return self

    @property
    def age(self) -> AgeBounds | None:
        found = self.groups.get("age")
        if found is None:
            return None
        return int(found[0] or 0), None if found[1] is None else int(found[1])

    @property
    def members(self) -> dict[str, tuple[str, ...]]:
        """Filters other than age."""
        return {
            name: tuple(str(item) for item in values) for name, values in self.groups.items() if name != "age"
        }


class Compare(_Strict):
    """What each value is put beside; every option adds columns."""

    previous: bool = False
    """`previous_value`, `change`: same kind of period and month before, same area."""
    kreis: bool = False
    """`kreis_value`: the root of the area system, same period and group."""
    parent: bool = False
    """`parent_value`: the area above."""
    index_base_year: int | None = None
    """`index_value`: 100 = the area's own value in that year."""
    benchmarks: Names = ()
    """`benchmark_<name>` as released: gemeinde, kreis, land, bund, mean_unweighted, peers."""

    @property
    def columns(self) -> tuple[str, ...]:
        found: list[str] = []
        if self.previous:
            found += ["previous_value", "change"]
        if self.kreis:
            found.append("kreis_value")
        if self.parent:
            found.append("parent_value")
        if self.index_base_year is not None:
            found.append("index_value")
        return (*found, *(f"benchmark_{name}" for name in self.benchmarks))


class Top(_Strict):
    """The n largest (or smallest) values of every metric, within each period."""

    n: int = Field(ge=1, le=1000)
    direction: Literal["highest", "lowest"] = "highest"


class Order(_Strict):
    """One sort key: a column of the result."""

    column: str
    descending: bool = False


class Query(_Strict):
    """One question to a release; see the module's docstring. The order of `metrics` is the order of the rows."""

    metrics: Names
    """Indicators (`sgb2_rate` or `sgb2_rate@1`) and measures (`population`)."""
    by: Names = ("area", "period")
    """One row per: `area`, `area_level`, a level (`gemeinde`), `period`, `year`, a dimension (`age`, `sex` …)."""
    where: Where = Where()
    area_system: str | None = None
    """Default: the one the metric is released in."""
    time_grain: TimeGrain | None = None
    over_time: OverTime | None = None
    """How several periods become one: stocks `last` (default) or `average`; flows `sum` (default)."""
    boundaries: Boundaries = "as_was"
    """Boundaries of the reference day, or of today (`as_is`, converted values are estimates)."""
    compare: Compare = Compare()
    totals: bool = False
    """Add rows `is_total`: recomputed from parts, not summed from the rows shown."""
    intervals: bool = False
    """Add `value_low`, `value_high`: what released figures imply for a sum with a withheld part."""
    top: Top | None = None
    order: tuple[Order, ...] = ()
    limit: int = Field(default=MAX_ROWS, ge=1, le=MAX_ROWS)

    @field_validator("metrics")
    @classmethod
    def _some_metric(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("Es fehlt die Kennzahl (metrics).")
        return tuple(dict.fromkeys(value))

    @field_validator("by")
    @classmethod
    def _no_repetition(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if {"period", "year"} <= set(value):
            raise ValueError(
                "Nach Zeitraum und nach Jahr zugleich geht nicht: period enthält das Jahr schon."
            )
        return tuple(dict.fromkeys(value))

    @field_validator("order", mode="before")
    @classmethod
    def _order(cls, value: Any) -> Any:
        """`"-value"` is short for descending."""
        return tuple(
            {"column": item.removeprefix("-"), "descending": item.startswith("-")}
            if isinstance(item, str)
            else item
            for item in _as_tuple(value)
        )


__all__ = [
    "MAX_ROWS",
    "AgeBounds",
    "Boundaries",
    "Compare",
    "Order",
    "OverTime",
    "Query",
    "TimeGrain",
    "Top",
    "Where",
]
