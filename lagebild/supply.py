"""Who delivers what until when: the section `supply:` of `instances/<name>/sources/<id>.yml`.

Belongs here: the delivery agreement (suppliers, contract, expected periods, deadline, embargo) and the dates that
follow from it. Does not belong here: what has arrived (`ingestion.landing.calendar`).
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Cycle = Literal["monthly", "quarterly", "half_yearly", "yearly", "two_yearly", "five_yearly", "once"]
ExpectedType = Literal["stichtag", "jahr", "schuljahr", "monat", "stand"]
"""Period types of landing, and `stand`: a register or dump that always delivers its present state, without a period."""

EVERYWHERE: Final = "*"
"""Key of `suppliers` for all Kommunen that have no entry of their own."""

_YEARS_PER_STEP: Final = {"two_yearly": 2, "five_yearly": 5}
_DAYS_PER_YEAR: Final = {"half_yearly": 2, "quarterly": 4}
_NUMBER_WORDS: Final = (
    *("null", "ein", "zwei", "drei", "vier", "fünf", "sechs"),
    *("sieben", "acht", "neun", "zehn", "elf", "zwölf"),
)
_AFTER_WHAT: Final = {
    "stichtag": "nach dem Stichtag",
    "jahr": "nach dem Jahresende",
    "schuljahr": "nach dem Schuljahr",
    "monat": "nach dem Monatsende",
    "stand": "nach dem Stand",
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Supplier(_Strict):
    """An office that delivers, for one Kommune or for all. Without an address nobody is reminded."""

    name: str
    email: str = Field(default="", pattern=r"^$|^[^@\s<>,;]+@[^@\s<>,;]+$")
    valid_from: date | None = None
    """First and last period end the office delivers for; open where None."""
    valid_to: date | None = None

    def delivers(self, end: date) -> bool:
        """True where a period ending on this day is this office's to deliver."""
        return (self.valid_from or date.min) <= end <= (self.valid_to or date.max)


class Agreement(_Strict):
    """Contract or decision the deliveries rest on, beside the law named in `legal_basis`. Ends are inclusive and refer
    to the end of the period reported on."""

    title: str
    valid_from: date | None = None
    valid_to: date | None = None


class Due(_Strict):
    """Deadline: so long after the end of the period, or with `day` that day of the month reached (31: its last)."""

    months: int = Field(default=0, ge=0)
    weeks: int = Field(default=0, ge=0)
    days: int = Field(default=0, ge=0)
    day: int | None = Field(default=None, ge=1, le=31)

    def after(self, end: date) -> date:
        """Last day on which a delivery for the period ending at `end` is on time."""
        years, month = divmod(end.year * 12 + end.month - 1 + self.months, 12)
        length = calendar.monthrange(years, month + 1)[1]
        reached = date(years, month + 1, min(self.day or end.day, length))
        return reached + timedelta(weeks=self.weeks, days=self.days)

    def german(self, period: ExpectedType, end: date, yearly: bool) -> str:
        """The deadline in words, told for a period ending at `end`: `31.03. des Folgejahres`. `yearly`: all periods end
        on the same day of their year, so that the deadline has a date."""
        after = _AFTER_WHAT[period]
        if self.day is None:
            parts = [
                _amount(self.months, "Monat", "Monate"),
                _amount(self.weeks, "Woche", "Wochen"),
                _amount(self.days, "Tag", "Tage"),
            ]
            told = " und ".join(part for part in parts if part)
            return f"{told} {after}" if told else "am letzten Tag des Zeitraums"
        reached = self.after(end)
        if period == "schuljahr":
            return f"{reached:%d.%m.} {after}"
        if not yearly:
            steps = {0: "desselben Monats", 1: "des Folgemonats"}
            return f"{reached.day}. {steps.get(self.months, f'des {self.months}. Monats danach')}"
        years = reached.year - end.year
        which = {0: "desselben Jahres", 1: "des Folgejahres", 2: "des übernächsten Jahres"}
        return f"{reached:%d.%m.} {which.get(years, f'{years} Jahre später')}"


@dataclass(frozen=True, order=True)
class ExpectedPeriod:
    """One period a source owes a delivery for."""

    end: date
    start: date
    period_type: ExpectedType


class Expected(_Strict):
    """Which periods a source delivers and until when. Together with the source's `cycle` it yields the calendar."""

    period: ExpectedType
    days: tuple[str, ...] = ()
    """Reference days of a year as `MM-DD`, for Stichtage and states; months, years and school years need none."""
    dates: tuple[date, ...] = ()
    """Reference days one by one, for what follows no cycle (elections, `once`)."""
    first_period: date | None = None
    """End of the first period agreed; with cycles of several years it also says which years."""
    last_period: date | None = None
    due: Due
    backlog_until: date | None = None
    """Periods up to this day came together when the source was set up: their arrival says nothing about lateness."""
    parts: tuple[str, ...] = ()
    """Parts (files) a period consists of; it is complete when all are there. Empty: one file is the delivery."""

    @field_validator("days")
    @classmethod
    def _days_exist(cls, days: tuple[str, ...]) -> tuple[str, ...]:
        for text in days:
            date.fromisoformat(f"2001-{text}")
        return tuple(sorted(days))

    @model_validator(mode="after")
    def _dates_or_first_period(self) -> Expected:
        if bool(self.dates) == (self.first_period is not None):
            raise ValueError("supply.expected: either 'dates' or 'first_period'")
        return self

    def fits(self, cycle: Cycle) -> str:
        """What contradicts the cycle, empty when nothing does."""
        if self.dates:
            return ""
        if cycle == "once":
            return "a source delivered once needs 'dates'"
        if (cycle == "monthly") != (self.period == "monat"):
            return "cycle monthly goes with period monat"
        if self.period in ("stichtag", "stand"):
            wanted = _DAYS_PER_YEAR.get(cycle, 1)
            return "" if len(self.days) == wanted else f"cycle {cycle} needs {wanted} 'days'"
        if self.days or cycle in _DAYS_PER_YEAR:
            return f"period {self.period} cannot be {cycle} and has no 'days'"
        return ""

    def periods(self, cycle: Cycle) -> Iterator[ExpectedPeriod]:
        """Every period agreed, oldest first; endless where the agreement has no last period."""
        for end in self._ends(cycle):
            if self.last_period is not None and end > self.last_period:
                return
            yield ExpectedPeriod(end=end, start=self._start(end), period_type=self.period)

    def _ends(self, cycle: Cycle) -> Iterator[date]:
        if self.dates:
            yield from sorted(set(self.dates))
            return
        first = self.first_period
        assert first is not None  # by the validator
        year = first.year
        while year <= date.max.year:
            if cycle == "monthly":
                ends = [date(year, month, calendar.monthrange(year, month)[1]) for month in range(1, 13)]
            else:
                ends = [date.fromisoformat(f"{year}-{day}") for day in self._days_of_year()]
            yield from (end for end in ends if end >= first)
            year += _YEARS_PER_STEP.get(cycle, 1)

    def _days_of_year(self) -> tuple[str, ...]:
        return {"jahr": ("12-31",), "schuljahr": ("07-31",)}.get(self.period, self.days)

    def _start(self, end: date) -> date:
        match self.period:
            case "jahr":
                return date(end.year, 1, 1)
            case "schuljahr":
                return date(end.year - 1, 8, 1)
            case "monat":
                return end.replace(day=1)
            case _:
                return end


class Embargo(_Strict):
    """Sperrfrist: before its last day has passed nothing of a delivery may be released."""

    days: int | None = Field(default=None, ge=0)
    """So many days after the end of the period (of a state without a period: after its arrival)."""
    dates: dict[date, date] = Field(default_factory=dict)
    """Period end → first day of release, where the supplier names it; goes before `days`."""

    @model_validator(mode="after")
    def _says_something(self) -> Embargo:
        if self.days is None and not self.dates:
            raise ValueError("supply.embargo: 'days' or 'dates'")
        return self

    def releasable_on(self, reference: date) -> date | None:
        """First day a delivery may be released; `reference` is the period end. None: not embargoed."""
        if reference in self.dates:
            return self.dates[reference]
        return None if self.days is None else reference + timedelta(days=self.days)


class Supply(_Strict):
    """Delivery agreement of a source. The supplier named in the source itself delivers what no entry here claims."""

    suppliers: dict[str, Supplier] = Field(default_factory=dict)
    """By code of the Kommune, `*` for all others."""
    agreement: Agreement | None = None
    expected: Expected | None = None
    """None: nothing is agreed; what arrives is taken in and listed as such."""
    embargo: Embargo | None = None
    how: str = ""
    """How to deliver, a German sentence for the supplier; a general one stands in for none."""
    remind_days_before: int = Field(default=14, ge=0)
    """A delivery not there yet is announced so many days before it is due."""

    def agreed(self, end: date, kommune: str | None) -> bool:
        """True where the contract and the Kommune's entry cover a period ending on this day."""
        agreement = self.agreement
        if agreement is not None and not (
            (agreement.valid_from or date.min) <= end <= (agreement.valid_to or date.max)
        ):
            return False
        entry = self.suppliers.get(kommune or EVERYWHERE)
        return entry is None or entry.delivers(end)


def _amount(number: int, one: str, many: str) -> str:
    if number == 0:
        return ""
    if number == 1:
        return f"{'eine' if one == 'Woche' else 'ein'} {one}"
    told = _NUMBER_WORDS[number] if number < len(_NUMBER_WORDS) else str(number)
    return f"{told} {many}"


__all__ = [
    "EVERYWHERE",
    "Agreement",
    "Cycle",
    "Due",
    "Embargo",
    "Expected",
    "ExpectedPeriod",
    "ExpectedType",
    "Supplier",
    "Supply",
]
