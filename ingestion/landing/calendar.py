"""The delivery calendar: what is expected, what has come, what is late, refused or under embargo.

Belongs here: comparing the agreement of every source (`lagebild.supply`) with the manifests, and the words a planner
reads for it. Does not belong here: which delivery counts (`ingestion.landing.deliveries`), files
(`ingestion.landing.registry`), reminding anybody (`ingestion.landing.reminders`).

One row is one source x Kommune (or its one supplier) x period. A period is there when a current delivery of every part
agreed is there: what is refused or under embargo is not there, as in the warehouse (`int_coverage__missing`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import takewhile
from typing import Final, Literal

from ingestion.landing.deliveries import (
    DeliveryStatus,
    arrived_on,
    end_of_day,
    known_at,
    releasable_on,
    succession,
)
from ingestion.landing.manifest import Manifest
from lagebild.instance import SourceConfig
from lagebild.supply import ExpectedPeriod

CalendarStatus = Literal[
    "expected", "arrived", "arrived_late", "overdue", "refused", "embargoed", "not_agreed"
]

STATUS_LABELS: Final[Mapping[CalendarStatus, str]] = {
    "expected": "erwartet",
    "arrived": "eingegangen",
    "arrived_late": "verspätet eingegangen",
    "overdue": "überfällig",
    "refused": "zurückgewiesen",
    "embargoed": "gesperrt",
    "not_agreed": "nicht vereinbart",
}

Horizon = tuple[date, date]
"""First and last period end looked at: a simulated world begins and ends."""


@dataclass(frozen=True)
class CalendarRow:
    """What is known of one source, Kommune and period. Days are calendar days, ends inclusive."""

    source_id: str
    kommune_code: str | None
    supplier: str
    period: ExpectedPeriod | None
    """None: deliveries of a source whose periods nobody agreed on and whose files name none."""
    status: CalendarStatus
    due_on: date | None = None
    arrived_on: date | None = None
    """Day the first accepted delivery came; a later correction does not make it late."""
    releasable_on: date | None = None
    """First day of release, where an embargo applies."""
    is_there: bool = False
    """True where the figures of this row are in use."""
    delivery_id: str | None = None
    """The delivery in use, else the newest one under embargo or refused."""
    deliveries: int = 0
    """Accepted deliveries, superseded ones included."""
    refused: int = 0
    missing_parts: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str | None, str | None, date | None]:
        """Grain of the calendar."""
        period = self.period
        return (
            self.source_id,
            self.kommune_code,
            period.period_type if period else None,
            period.end if period else None,
        )

    @property
    def status_label(self) -> str:
        """The status as a planner reads it."""
        if self.status == "embargoed" and self.releasable_on is not None:
            return f"gesperrt, frei ab {self.releasable_on:%d.%m.%Y}"
        if self.status == "overdue" and self.missing_parts and self.deliveries:
            return "überfällig, unvollständig"
        return STATUS_LABELS[self.status]

    @property
    def period_label(self) -> str:
        """The period as a planner reads it."""
        return period_label(self.period)


@dataclass(frozen=True)
class Coverage:
    """How many Kommunen of a source are there for a period: shown, never summed over."""

    source_id: str
    period: ExpectedPeriod
    there: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def label(self) -> str:
        return f"{len(self.there)} von {len(self.there) + len(self.missing)}"


def period_label(period: ExpectedPeriod | None) -> str:
    """`31.12.2024`, `2024`, `Schuljahr 2023/24`, `12/2024`, `Stand 01.01.2025`; as in the warehouse."""
    if period is None:
        return "ohne Zeitraum"
    match period.period_type:
        case "jahr":
            return str(period.end.year)
        case "schuljahr":
            return f"Schuljahr {period.start.year}/{period.end:%y}"
        case "monat":
            return f"{period.end:%m/%Y}"
        case "stand":
            return f"Stand {period.end:%d.%m.%Y}"
        case _:
            return f"{period.end:%d.%m.%Y}"


def delivery_calendar(
    sources: Mapping[str, SourceConfig],
    manifests: Iterable[Manifest],
    day: date,
    horizon: Horizon | None = None,
) -> list[CalendarRow]:
    """The calendar as it stood at the end of a day, sorted by source, period and Kommune.

    Every period agreed that has ended by `day`, and the next one, appears once per Kommune; so does what came without
    being agreed. Deliveries of unknown sources are left out, refused ones without a period too (they stand in the list
    of deliveries).
    """
    as_of = end_of_day(day)
    known = known_at(manifests, as_of)
    statuses = {name: status for name, (status, _) in succession(known, sources, as_of).items()}
    by_source: dict[str, list[Manifest]] = defaultdict(list)
    for manifest in known:
        by_source[manifest.source_id].append(manifest)
    rows: list[CalendarRow] = []
    for source in sources.values():
        rows += _source_rows(source, by_source[source.id], statuses, day, horizon)
    return sorted(
        rows,
        key=lambda row: (row.source_id, row.period.end if row.period else date.min, row.kommune_code or ""),
    )


def coverage(sources: Mapping[str, SourceConfig], rows: Sequence[CalendarRow]) -> list[Coverage]:
    """Per source with several suppliers and period that is due, has begun to arrive or is refused: who is there."""
    grouped: dict[tuple[str, ExpectedPeriod], set[str]] = defaultdict(set)
    begun: set[tuple[str, ExpectedPeriod]] = set()
    for row in rows:
        source = sources[row.source_id]
        if row.period is None or not source.coverage:
            continue
        key = (row.source_id, row.period)
        if row.is_there and row.kommune_code in source.coverage:
            grouped[key].add(str(row.kommune_code))
        if row.status != "expected":
            begun.add(key)
    return [
        Coverage(
            source_id=name,
            period=period,
            there=tuple(code for code in sources[name].coverage if code in grouped[(name, period)]),
            missing=tuple(code for code in sources[name].coverage if code not in grouped[(name, period)]),
        )
        for name, period in sorted(begun)
    ]


_AHEAD: Final = timedelta(days=2 * 366)

_Cell = tuple[ExpectedPeriod | None, str | None]


def _source_rows(
    source: SourceConfig,
    manifests: Sequence[Manifest],
    statuses: Mapping[str, DeliveryStatus],
    day: date,
    horizon: Horizon | None,
) -> Iterator[CalendarRow]:
    delivered = max((item.period_end for item in manifests if item.period_end is not None), default=day)
    # What came before its time is agreed as well; a nonsense year must not stretch the calendar.
    until = min(max(day, delivered), day + _AHEAD)
    expected = list(_expected_periods(source, until, horizon))
    kommunen: tuple[str | None, ...] = source.coverage or (None,)
    cells: dict[_Cell, list[Manifest]] = {(period, code): [] for period in expected for code in kommunen}
    agreed = {
        (period, code)
        for period, code in cells
        if period is not None and source.supply.agreed(period.end, code)
    }
    for manifest in manifests:
        cell = _cell_of(manifest, source, expected)
        if cell is not None:
            cells.setdefault(cell, []).append(manifest)
    for cell, found in cells.items():
        period, code = cell
        row = _arrivals(source, period, code, found, statuses)
        if period is None or cell not in agreed:
            yield replace(row, status="not_agreed")
        else:
            yield _judged(row, source, period, day)


def _expected_periods(source: SourceConfig, until: date, horizon: Horizon | None) -> Iterator[ExpectedPeriod]:
    expected = source.supply.expected
    if expected is None:
        return
    first, last = horizon or (date.min, date.max)
    inside = (
        period
        for period in takewhile(lambda item: item.end <= last, expected.periods(source.cycle))
        if period.end >= first
    )
    for period in inside:
        yield period
        if period.end > until:
            return


def _cell_of(manifest: Manifest, source: SourceConfig, expected: Sequence[ExpectedPeriod]) -> _Cell | None:
    """Period and Kommune a delivery is for; None for a refused one that tells no period."""
    code = manifest.kommune_code if source.coverage else None
    end, start, kind = manifest.period_end, manifest.period_start, manifest.period_type
    if end is not None and start is not None and kind is not None:
        return ExpectedPeriod(end=end, start=start, period_type=kind), code
    # A file without a period tells the state of its day: it stands for the last state agreed before it came.
    states = [period for period in expected if period.period_type == "stand"]
    before = [period for period in states if period.end <= arrived_on(manifest)]
    if states:
        return (before[-1] if before else states[0]), code
    return None if manifest.status == "quarantined" else (None, code)


def _arrivals(
    source: SourceConfig,
    period: ExpectedPeriod | None,
    code: str | None,
    found: Sequence[Manifest],
    statuses: Mapping[str, DeliveryStatus],
) -> CalendarRow:
    """The row with what has come, not judged yet."""
    landed = [item for item in found if item.status == "landed"]
    refused = [item for item in found if item.status == "quarantined"]
    # A register that always delivers its state is replaced by the next one and was there all the same.
    counts = (
        {"current", "superseded"} if period is not None and period.period_type == "stand" else {"current"}
    )
    in_use = [item for item in landed if statuses[item.delivery_id] in counts]
    embargoed = [item for item in landed if statuses[item.delivery_id] == "embargoed"]
    parts = source.supply.expected.parts if source.supply.expected and period else ()
    there = {item.part for item in in_use}
    shown = max(
        in_use or embargoed or refused, key=lambda item: (arrived_on(item), item.delivery_id), default=None
    )
    release_days = [day for item in embargoed if (day := releasable_on(item, source)) is not None]
    return CalendarRow(
        source_id=source.id,
        kommune_code=code,
        supplier=source.supplier_label(code),
        period=period,
        status="expected",
        arrived_on=_complete_since(landed, parts),
        releasable_on=max(release_days, default=None),
        is_there=bool(in_use) and there.issuperset(parts),
        delivery_id=shown.delivery_id if shown else None,
        deliveries=len(landed),
        refused=len(refused),
        missing_parts=tuple(part for part in parts if part not in {item.part for item in landed}),
    )


def _complete_since(landed: Sequence[Manifest], parts: Sequence[str]) -> date | None:
    """Day the last part came for the first time; None while one is outstanding."""
    first: dict[str | None, date] = {}
    for item in landed:
        first[item.part] = min(arrived_on(item), first.get(item.part, date.max))
    if not parts:
        return min(first.values(), default=None)
    return max(first[part] for part in parts) if set(parts) <= set(first) else None


def _judged(row: CalendarRow, source: SourceConfig, period: ExpectedPeriod, day: date) -> CalendarRow:
    """The row with deadline and status; `source` has an agreement on `period`."""
    expected = source.supply.expected
    if expected is None:
        raise ValueError(f"{source.id}: no agreement to judge by")
    due_on = expected.due.after(period.end)
    from_backlog = expected.backlog_until is not None and period.end <= expected.backlog_until
    status: CalendarStatus
    if row.releasable_on is not None and not row.is_there:
        status = "embargoed"
    elif row.arrived_on is not None:
        status = "arrived" if from_backlog or row.arrived_on <= due_on else "arrived_late"
    elif row.refused and not row.deliveries:
        status = "refused"
    else:
        status = "overdue" if day > due_on else "expected"
    return replace(row, status=status, due_on=due_on)
