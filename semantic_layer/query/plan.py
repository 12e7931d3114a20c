"""A query against the metadata of a release: which areas, periods and groups are read, and what is summed.

Pure. Decides level routing (own rows before sums), time (stocks are not summed) and refuses what has no right answer.
The result, one `Plan` per metric, holds no open question; `compile` writes it down as SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from semantic_layer.query.breakdown import Cell, cells, filter_of
from semantic_layer.query.errors import QueryError, did_you_mean
from semantic_layer.query.metadata import ROOT_RANK, Area, Metadata, Metric, Period
from semantic_layer.query.model import OverTime, Query

OPEN_END = date(9999, 12, 31)
_STRUCTURAL = ("area", "area_level", "period", "year")

Dated = tuple[str, date | None, date | None]
"""Area key and the time it belongs to the selection (open ends are None)."""


@dataclass(frozen=True)
class Scope:
    """The areas whose rows are read. `keys` None: all of the levels."""

    system: str
    levels: tuple[str, ...]
    keys: tuple[Dated, ...] | None
    current_only: bool
    include_unassigned: bool


@dataclass(frozen=True)
class Plan:
    """How one metric is computed. `unit`: what a row is. `own`: rows as released; otherwise sums over `scope`."""

    metric: Metric
    cells: tuple[Cell, ...]
    dimensions: tuple[str, ...]
    scope: Scope
    unit: Literal["area", "level", "area_level", "none"]
    own: bool
    ancestors: tuple[str, ...]
    """Levels whose code and name are shown (and, for sums, grouped by)."""
    unit_level: str
    period_keys: tuple[str, ...] | None
    """None: all of the metric."""
    metric_periods: tuple[str, ...]
    time: Literal["each", "year", "all"]
    """each: rows per period; year and all: several periods in one row, by `over_time`."""
    by_year: bool
    over_time: OverTime
    time_label: str
    levels: tuple[str, ...] = ()
    """All levels of the area system."""
    asked_years: tuple[int, ...] = ()
    """Years to keep when a comparison had to read others as well."""
    is_total: bool = False
    notices: tuple[str, ...] = ()

    @property
    def is_grouped(self) -> bool:
        return not self.own or self.time != "each"


def plans(query: Query, metadata: Metadata) -> tuple[Plan, ...]:
    """One plan per metric, followed by its totals where asked. Raises `QueryError`."""
    found: list[Plan] = []
    for name in query.metrics:
        metric = metadata.metric(name)
        plan = _plan(query, metric, metadata)
        found.append(plan)
        if query.totals:
            found += _totals(query, plan, metadata)
    return tuple(found)


def _totals(query: Query, plan: Plan, metadata: Metadata) -> list[Plan]:
    """The same question without areas, without breakdowns, without both: computed from parts like any other row."""
    found: list[Plan] = []
    whole_area = plan.unit == "none"
    variants = [(False, True), (True, False), (True, True)]
    for drop_areas, drop_groups in variants:
        if (drop_areas and whole_area) or (drop_groups and not plan.dimensions):
            continue
        by = tuple(
            name
            for name in query.by
            if not (drop_areas and name not in (*plan.dimensions, "period", "year"))
            and not (drop_groups and name in plan.dimensions)
        )
        total = _plan(query.model_copy(update={"by": by}), plan.metric, metadata)
        found.append(replace(total, is_total=True))
    return found


def _plan(query: Query, metric: Metric, metadata: Metadata) -> Plan:
    system = query.area_system or metric.area_system
    _check_system(system, metric, metadata)
    levels = metadata.levels(system)
    dimensions = tuple(name for name in query.by if name not in _STRUCTURAL and name not in levels)
    known = {*_STRUCTURAL, *levels, *metadata.dimensions, "age"}
    for name in dimensions:
        if name not in known:
            raise QueryError(f"Nach „{name}“ lässt sich nicht gliedern.{did_you_mean(name, known)}")
    where = query.where
    found_cells = cells(metric, dimensions, filter_of(where.age, where.members), metadata)
    area = _areas(query, metric, system, metadata)
    time = _time(query, metric, metadata)
    notices = list(time.notices)
    if not area.own and not metric.is_additive:
        raise QueryError(
            f"„{metric.label}“ lässt sich nicht über Gebiete summieren (dieselbe Person oder Einrichtung kann in "
            "mehreren Gebieten zählen). Bitte eine veröffentlichte Ebene abfragen."
        )
    if not area.own:
        notices.append(
            f"„{metric.label}“ ist aus veröffentlichten Werten mehrerer Gebiete summiert; fehlt einer, bleibt die "
            "Summe leer."
        )
    return Plan(
        metric=metric,
        cells=found_cells,
        dimensions=dimensions,
        scope=area.scope,
        unit=area.unit,
        own=area.own,
        ancestors=area.ancestors,
        unit_level=area.unit_level,
        period_keys=time.keys,
        metric_periods=time.all_keys,
        time=time.mode,
        by_year="year" in query.by,
        over_time=time.over_time,
        time_label=time.label,
        levels=tuple(levels),
        asked_years=time.asked_years,
        notices=tuple(notices),
    )


def _check_system(system: str, metric: Metric, metadata: Metadata) -> None:
    systems = sorted({area.system for area in metadata.areas.values()})
    if system not in systems:
        raise QueryError(f"Die Gebietsgliederung „{system}“ gibt es nicht.{did_you_mean(system, systems)}")
    if system not in metadata.measure_systems[metric.numerator[0].measure_id]:
        raise QueryError(
            f"„{metric.label}“ ist in der Gebietsgliederung „{metric.area_system}“ veröffentlicht, nicht in „{system}“."
        )


@dataclass(frozen=True)
class _AreaPlan:
    scope: Scope
    unit: Literal["area", "level", "area_level", "none"]
    own: bool
    ancestors: tuple[str, ...] = ()
    unit_level: str = ""


def _areas(query: Query, metric: Metric, system: str, metadata: Metadata) -> _AreaPlan:
    where, ranks = query.where, metadata.levels(system)
    for level in where.level:
        if level not in ranks:
            raise QueryError(
                f"Die Ebene „{level}“ gibt es in der Gebietsgliederung „{system}“ nicht."
                f"{did_you_mean(level, list(ranks))} Es gibt: {', '.join(ranks)}."
            )
    shown = tuple(sorted((name for name in query.by if name in ranks), key=lambda name: ranks[name]))
    released = _released_levels(metric, ranks)
    chosen = _chosen(query, system, metadata)
    inside = _inside(query, system, metadata)

    def scope(levels: Iterable[str], keys: Sequence[Dated] | None) -> Scope:
        # Nothing below the lowest level is released: saying so in the query keeps the two in step.
        kept = tuple(level for level in levels if level in released)
        if not kept:
            raise QueryError(
                f"„{metric.label}“ ist bis zur Ebene „{released[-1]}“ veröffentlicht, nicht darunter."
            )
        return Scope(
            system, kept, None if keys is None else tuple(keys), where.current_areas, where.include_unassigned
        )

    selected = chosen if chosen is not None else inside
    if "area" in query.by:
        return _AreaPlan(scope(where.level or ranks, selected), "area", True, shown)
    if "area_level" in query.by:
        return _AreaPlan(scope(where.level or ranks, selected), "area_level", False, shown)
    if shown:
        unit_level = shown[-1]
        deeper = any(
            ranks[metadata.areas[key].level] > ranks[unit_level]
            for key, _, _ in _tops(where, system, metadata)
        )
        if chosen is None and not deeper:
            return _AreaPlan(scope((unit_level,), inside), "level", True, shown[:-1], unit_level)
        tops = _disjoint(chosen or _tops(where, system, metadata), metadata)
        return _AreaPlan(scope(ranks, tops), "none", False, shown)
    tops = chosen if chosen is not None else _tops(where, system, metadata)
    if not tops:
        root = tuple(level for level, rank in ranks.items() if rank == ROOT_RANK)
        return _AreaPlan(scope(root, None), "none", True)
    tops = _disjoint(tops, metadata)
    one = len({(metadata.areas[key].level, metadata.areas[key].code) for key, _, _ in tops}) == 1
    return _AreaPlan(scope(ranks, tops), "none", one)


def _released_levels(metric: Metric, ranks: dict[str, int]) -> tuple[str, ...]:
    lowest = ranks.get(metric.lowest_level)
    return tuple(level for level, rank in ranks.items() if lowest is None or rank <= lowest)


def _find(names: Iterable[str], system: str, metadata: Metadata) -> list[Area]:
    """Areas by key, code or name, all validities. Raises `QueryError` for one that is not there."""
    by_name: dict[str, list[Area]] = {}
    for area in metadata.areas.values():
        if area.system == system:
            for name in {area.key, area.code, area.name}:
                by_name.setdefault(name.casefold(), []).append(area)
    found: list[Area] = []
    for name in names:
        hits = by_name.get(name.casefold())
        if not hits:
            labels = {area.code: area.name for area in metadata.areas.values() if area.system == system}
            raise QueryError(f"Das Gebiet „{name}“ gibt es nicht.{did_you_mean(name, labels)}")
        found += [area for area in hits if area not in found]
    return found


def _chosen(query: Query, system: str, metadata: Metadata) -> list[Dated] | None:
    """Areas named one by one; None where none is named."""
    where = query.where
    names = (*where.area_code, *where.area_name, *where.area_key)
    if not names:
        return None
    wanted = [
        {area.key for area in _find(group, system, metadata)}
        for group in (where.area_code, where.area_name, where.area_key)
        if group
    ]
    keys = set.intersection(*wanted)
    if (inside := _inside(query, system, metadata)) is not None:
        keys &= {key for key, _, _ in inside}
    found = [metadata.areas[key] for key in sorted(keys)]
    if where.level:
        found = [area for area in found if area.level in where.level]
    if not found:
        raise QueryError(
            "Kein Gebiet erfüllt alle Bedingungen zugleich. Bitte Ebene, Namen und Bereich prüfen."
        )
    return [(area.key, None, None) for area in found]


def _tops(where: object, system: str, metadata: Metadata) -> list[Dated]:
    return [(area.key, None, None) for area in _find(getattr(where, "within", ()), system, metadata)]


def _inside(query: Query, system: str, metadata: Metadata) -> list[Dated] | None:
    """The areas of `within` and all below, with the time they belong there; None without `within`."""
    if not query.where.within:
        return None
    found: dict[Dated, None] = {}
    for area in _find(query.where.within, system, metadata):
        found[area.key, None, None] = None
        for key, valid_from, valid_to in metadata.descendants.get(area.key, []):
            below = metadata.areas.get(key)
            if below is None:
                continue
            if query.boundaries == "as_is":
                # In the boundaries of today an area lies where it lies today, at all times.
                if valid_to is None:
                    found[key, None, None] = None
                continue
            whole = _covers(valid_from, valid_to, below)
            found[(key, None, None) if whole else (key, valid_from, valid_to)] = None
    return list(found)


def _covers(valid_from: date | None, valid_to: date | None, area: Area) -> bool:
    """True where the edge lasts as long as the area: no need to look at the day."""
    return (valid_from or date.min) <= (area.valid_from or date.min) and (valid_to or OPEN_END) >= (
        area.valid_to or OPEN_END
    )


def _disjoint(tops: Sequence[Dated], metadata: Metadata) -> list[Dated]:
    keys = {key for key, _, _ in tops}
    for ancestor in keys:
        for key, _, _ in metadata.descendants.get(ancestor, []):
            if key in keys:
                raise QueryError(
                    f"Die Auswahl enthält „{metadata.areas[ancestor].name}“ und das darin liegende Gebiet "
                    f"„{metadata.areas[key].name}“; die Summe zählte dieses doppelt. Bitte eine Ebene angeben (level)."
                )
    return list(tops)


@dataclass(frozen=True)
class _TimePlan:
    mode: Literal["each", "year", "all"]
    keys: tuple[str, ...] | None
    all_keys: tuple[str, ...]
    over_time: OverTime
    label: str
    notices: tuple[str, ...] = ()
    asked_years: tuple[int, ...] = ()


def _time(query: Query, metric: Metric, metadata: Metadata) -> _TimePlan:
    own = {key for part in metric.numerator for key in metadata.measure_periods.get(part.measure_id, ())}
    every = sorted((metadata.periods[key] for key in own), key=lambda item: (item.end, item.key))
    all_keys = tuple(item.key for item in every)
    chosen = _periods(query, metric, every, metadata)
    compare = query.compare
    asked_years: tuple[int, ...] = ()
    if "year" in query.by and (compare.previous or compare.index_base_year is not None):
        # The year before, or the base year, has to be read although it is not shown.
        asked_years = tuple(sorted({item.year for item in chosen}))
        open_where = query.where.model_copy(
            update={"year": (), "period_from": None, "period_to": None, "latest": False, "period": ()}
        )
        chosen = _periods(query.model_copy(update={"where": open_where}), metric, every, metadata)
    over_time = query.over_time or ("last" if metric.is_stock else "sum")
    if over_time == "sum" and metric.is_stock:
        raise QueryError(
            f"„{metric.label}“ ist ein Bestand am Stichtag und wird nicht über die Zeit summiert. Möglich sind der "
            "letzte Stand (last) und der Durchschnitt (average)."
        )
    each = None if len(chosen) == len(every) else tuple(item.key for item in chosen)
    if "period" in query.by or len(chosen) == 1:
        return _TimePlan("each", each, all_keys, over_time, "", (), asked_years)
    if len({item.type for item in chosen}) > 1:
        raise QueryError(
            f"„{metric.label}“ liegt für verschiedene Arten von Zeiträumen vor. Bitte eine angeben (time_grain)."
        )
    by_year = "year" in query.by
    if over_time == "last":
        last: dict[int, Period] = {(item.year if by_year else 0): item for item in chosen}
        notice = f"„{metric.label}“: letzter Stichtag {'jedes Jahres' if by_year else 'des Zeitraums'}."
        return _TimePlan(
            "each", tuple(item.key for item in last.values()), all_keys, over_time, "", (notice,), asked_years
        )
    label = f"{chosen[0].year}–{chosen[-1].year}"
    if by_year and len({item.year for item in chosen}) == len(chosen):
        # One period a year: nothing to put together.
        return _TimePlan("each", each, all_keys, over_time, "", (), asked_years)
    how = "Durchschnitt" if over_time == "average" else "Summe"
    notice = f"„{metric.label}“: {how} über die Zeiträume{' jedes Jahres' if by_year else f' {label}'}."
    keys = tuple(item.key for item in chosen)
    return _TimePlan("year" if by_year else "all", keys, all_keys, over_time, label, (notice,), asked_years)


def _periods(query: Query, metric: Metric, every: Sequence[Period], metadata: Metadata) -> list[Period]:
    where = query.where
    for key in where.period:
        if key not in metadata.periods:
            raise QueryError(f"Den Zeitraum „{key}“ gibt es nicht.{did_you_mean(key, metadata.periods)}")
    found = [
        item
        for item in every
        if (not where.period or item.key in where.period)
        and (not where.year or item.year in where.year)
        and (where.period_from is None or item.end >= where.period_from)
        and (where.period_to is None or item.end <= where.period_to)
        and (query.time_grain is None or item.type == query.time_grain)
    ]
    if where.latest and found:
        filled = metadata.filled_periods.get(metric.key, frozenset())
        ends = [item.end for item in found if item.key in filled] or [found[-1].end]
        found = [item for item in found if item.end == max(ends)]
    if not found:
        span = f"{every[0].year} bis {every[-1].year}" if every else "keinem Zeitraum"
        kinds = ", ".join(sorted({item.type for item in every}))
        raise QueryError(
            f"Zu „{metric.label}“ gibt es keinen Zeitraum, der die Bedingungen erfüllt; Zahlen liegen vor von "
            f"{span} ({kinds})."
        )
    return found


__all__ = ["OPEN_END", "Dated", "Plan", "Scope", "plans"]
