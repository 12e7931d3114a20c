"""What a release knows: metrics with their parts, areas, periods, groups. Read once per release file, then immutable.

Definitions come from the release (`dim_indicator_part`), not from the catalogue of today: a release answers with the
definitions it was computed by. Does not belong here: the meaning of a query (plan), SQL for figures (compile).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Final, Literal

import duckdb

from semantic_layer.query.errors import QueryError, ReleaseError, did_you_mean

ROOT_RANK: Final = 0


@dataclass(frozen=True)
class Part:
    """One summand: the released figures of a measure for one group, added or subtracted."""

    measure_id: str
    group_key: str
    sign: float = 1.0


@dataclass(frozen=True)
class Metric:
    """An indicator or a measure, with all that its computation needs. `decimals` None: not rounded."""

    key: str
    id: str
    kind: Literal["indicator", "measure"]
    label: str
    definition: str
    unit: str
    decimals: int | None
    factor: float
    numerator: tuple[Part, ...]
    denominator: tuple[Part, ...]
    min_denominator: int
    lowest_level: str
    area_system: str
    is_stock: bool
    is_additive: bool
    version: int = 1
    is_count: bool = False
    """Every part is a non-negative count: what bounds of withheld parts need."""


@dataclass(frozen=True)
class Area:
    key: str
    system: str
    level: str
    rank: int
    code: str
    name: str
    parent_key: str | None
    valid_from: date | None
    valid_to: date | None
    is_current: bool
    is_unassigned: bool


@dataclass(frozen=True)
class Period:
    key: str
    type: str
    end: date
    year: int


@dataclass(frozen=True)
class Group:
    """A group key taken apart. `age` is its range, `members` its other dimensions."""

    key: str
    label: str
    age: tuple[int, int | None] | None
    members: tuple[tuple[str, str], ...]
    sort_key: int

    @property
    def dimensions(self) -> frozenset[str]:
        return frozenset(name for name, _ in self.members) | ({"age"} if self.age else frozenset())


@dataclass(frozen=True)
class Metadata:
    """Everything of a release but its figures."""

    release_id: str
    instance: str
    title: str
    attribution: str
    is_synthetic: bool
    metrics: Mapping[str, Metric]
    """By key (`sgb2_rate@1`, `population`)."""
    withdrawn: Mapping[str, str]
    """Indicators that exist without figures, with the reason."""
    areas: Mapping[str, Area]
    periods: Mapping[str, Period]
    groups: Mapping[str, Group]
    measure_groups: Mapping[str, frozenset[str]]
    measure_periods: Mapping[str, frozenset[str]]
    measure_systems: Mapping[str, frozenset[str]]
    filled_periods: Mapping[str, frozenset[str]]
    """Metric key to the periods in which it holds any value."""
    columns: Mapping[str, Mapping[str, str]]
    """Relation to its columns and their types: what the guard lets through."""
    aligned: frozenset[str] = frozenset()
    """Indicators whose denominator is released for every area and period of the numerator."""
    broken: frozenset[str] = frozenset()
    """Indicators with a break in any series: only for them the compiler looks for breaks."""
    edges: tuple[tuple[str, str, date | None, date | None], ...] = field(repr=False, default=())
    """Ancestor, descendant, valid from, valid to (depth > 0)."""

    def metric(self, name: str) -> Metric:
        """By key, by id (the newest version) or by exact label. Raises `QueryError` with suggestions."""
        found = self._names.get(name.casefold())
        if found is not None:
            return found
        plain = name.split("@")[0]
        if plain in self.withdrawn:
            raise QueryError(f"Die Kennzahl „{plain}“ ist nicht verfügbar. {self.withdrawn[plain]}")
        if "@" in name and plain.casefold() in self._names:
            versions = sorted(item.key for item in self.metrics.values() if item.id == plain)
            raise QueryError(
                f"Diesen Stand der Kennzahl gibt es nicht: „{name}“. Es gibt: {', '.join(versions)}."
            )
        labels = {item.id: item.label for item in self.metrics.values()}
        raise QueryError(f"Die Kennzahl „{name}“ gibt es nicht.{did_you_mean(name, labels)}")

    @cached_property
    def _names(self) -> dict[str, Metric]:
        found: dict[str, Metric] = {}
        by_version = sorted(self.metrics.values(), key=lambda item: (item.kind != "indicator", -item.version))
        for item in by_version:
            found.setdefault(item.key.casefold(), item)
            found.setdefault(item.id.casefold(), item)
        for item in by_version:
            found.setdefault(item.label.casefold(), item)
        return found

    def levels(self, system: str) -> dict[str, int]:
        """Level codes of an area system with their rank, the root first."""
        return self._levels.get(system, {})

    @cached_property
    def _levels(self) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = defaultdict(dict)
        for area in sorted(self.areas.values(), key=lambda item: item.rank):
            found[area.system][area.level] = area.rank
        return dict(found)

    @cached_property
    def all_levels(self) -> frozenset[str]:
        return frozenset(area.level for area in self.areas.values())

    @cached_property
    def level_sizes(self) -> dict[str, Counter[str]]:
        """Area system to the number of areas per level."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for area in self.areas.values():
            found[area.system][area.level] += 1
        return dict(found)

    @cached_property
    def descendants(self) -> dict[str, list[tuple[str, date | None, date | None]]]:
        found: dict[str, list[tuple[str, date | None, date | None]]] = defaultdict(list)
        for ancestor, descendant, valid_from, valid_to in self.edges:
            found[ancestor].append((descendant, valid_from, valid_to))
        return found

    @cached_property
    def dimensions(self) -> frozenset[str]:
        return frozenset(name for group in self.groups.values() for name in group.dimensions)

    @cached_property
    def member_labels(self) -> dict[tuple[str, str], str]:
        """Label of a member, from the group that consists of it alone."""
        return {
            group.members[0]: group.label
            for group in self.groups.values()
            if len(group.members) == 1 and group.age is None
        }

    def groups_of(self, measure_id: str) -> list[Group]:
        keys = self.measure_groups.get(measure_id, frozenset())
        return sorted((self.groups[key] for key in keys), key=lambda item: (item.sort_key, item.key))


def parse_group(key: str, label: str, age_from: int | None, age_to: int | None, sort_key: int) -> Group:
    """`age_moves=18-24;sex=f` -> age (18, 24), members (("sex", "f"),). The age scale's own name is of no interest."""
    if key == "total":
        return Group(key, label, None, (), sort_key)
    members = []
    for pair in key.split(";"):
        dimension, _, member = pair.partition("=")
        if age_from is not None and (dimension == "age" or dimension.startswith("age_")):
            continue
        members.append((dimension, member))
    return Group(key, label, None if age_from is None else (age_from, age_to), tuple(members), sort_key)


# Indicators for which the latest denominator is always the one of the same area and day: wherever there is none of the
# same day, there is no earlier one either. For them the compiler needs no as-of join. Members "nicht zuordenbar", which
# come and go, are left out and take the long way. Indicators share denominators: each of these is looked at once.
_ALIGNED = """
with base_part as (
    select indicator_key, measure_id, group_key from dim_indicator_part where part = 'denominator'
),
listed as (
    select indicator_key, string_agg(measure_id || ' ' || group_key, ',' order by measure_id, group_key) as parts
    from base_part
    group by indicator_key
),
numbered as (select indicator_key, dense_rank() over (order by parts) as base from listed),
present as (
    select distinct part.base, fact.area_key, fact.period_key
    from (select distinct base, measure_id, group_key from base_part inner join numbered using (indicator_key)) as part
    inner join fct_measure as fact using (measure_id, group_key)
),
lone as (
    select numbered.indicator_key, numbered.base, fact.area_key, fact.period_key
    from fct_indicator as fact
    inner join numbered using (indicator_key)
    anti join present
        on present.base = numbered.base and present.area_key = fact.area_key and present.period_key = fact.period_key
),
first_base as (
    select present.base, area.area_level, area.area_code, min(period.period_end) as since
    from present
    inner join dim_area as area on area.area_key = present.area_key and not area.is_unassigned
    inner join dim_period as period using (period_key)
    group by all
)
select indicator_key from numbered
except
select lone.indicator_key
from lone
inner join dim_area as area on area.area_key = lone.area_key and not area.is_unassigned
inner join dim_period as period using (period_key)
inner join first_base
    on first_base.base = lone.base and first_base.area_level = area.area_level and first_base.area_code = area.area_code
where first_base.since <= period.period_end
"""


def load(connection: duckdb.DuckDBPyConnection) -> Metadata:
    """Read all metadata. Raises `ReleaseError` for a release of an older Lagebild that carries no definitions."""
    columns = _columns(connection)
    if "dim_indicator_part" not in columns or "semi_additive_time" not in columns.get("dim_measure", {}):
        raise ReleaseError(
            "Dieser Datenstand stammt von einem älteren Lagebild und enthält die Definitionen der Kennzahlen nicht. "
            "Bitte »lagebild refresh« ausführen oder einen neueren Datenstand wählen."
        )

    def rows(sql: str) -> list[tuple[Any, ...]]:
        return connection.execute(sql).fetchall()

    release = rows("select release_id, instance, title, attribution, is_synthetic from dim_release")[0]
    # Each fact table is read once; it is what opening a release costs.
    facts = rows(
        "select measure_id, group_key, period_key, bool_or(value is not null) from fct_measure group by all"
    )
    reason = "change_reason" if "change_reason" in columns["fct_indicator"] else "null"
    figures = rows(
        f"select indicator_key, period_key, bool_or(value is not null), bool_or({reason} is not null) "
        "from fct_indicator group by all"
    )
    measure_systems = _sets(
        rows(
            "select measure_id, area_system from (select distinct measure_id, area_key from fct_measure) "
            "inner join dim_area using (area_key) group by all"
        )
    )
    measures = _measures(rows, measure_systems)
    indicators, withdrawn = _indicators(rows, measures)
    return Metadata(
        release_id=release[0],
        instance=release[1],
        title=release[2],
        attribution=release[3],
        is_synthetic=bool(release[4]),
        metrics={item.key: item for item in (*indicators, *measures.values())},
        withdrawn=withdrawn,
        areas={
            row[0]: Area(*row)
            for row in rows(
                "select area_key, area_system, area_level, level_rank, area_code, area_name, parent_area_key, "
                "valid_from, valid_to, is_current, is_unassigned from dim_area"
            )
        },
        periods={
            row[0]: Period(*row)
            for row in rows(
                "select period_key, period_type, period_end, year from dim_period order by period_end"
            )
        },
        groups={
            row[0]: parse_group(*row)
            for row in rows("select group_key, group_label, age_from, age_to, sort_key from dim_group")
        },
        measure_groups=_sets((row[0], row[1]) for row in facts),
        measure_periods=_sets((row[0], row[2]) for row in facts),
        measure_systems=measure_systems,
        filled_periods=_sets(
            [
                *((key, period) for key, period, is_filled, _ in figures if is_filled),
                *((key, period) for key, _, period, is_filled in facts if is_filled),
            ]
        ),
        broken=frozenset(row[0] for row in figures if row[3]),
        columns=columns,
        aligned=frozenset(row[0] for row in rows(_ALIGNED)),
        edges=tuple(
            (row[0], row[1], row[2], row[3])
            for row in rows(
                "select ancestor_area_key, descendant_area_key, valid_from, valid_to from bridge_area where depth > 0"
            )
        ),
    )


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for table, column, kind in connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where schema_name = 'main' and not internal order by table_name, column_index"
    ).fetchall():
        found[table][column] = kind
    return dict(found)


def _sets(rows: Iterable[tuple[Any, ...]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for name, member in rows:
        found[name].add(member)
    return {name: frozenset(members) for name, members in found.items()}


def _measures(rows: Any, systems: Mapping[str, frozenset[str]]) -> dict[str, Metric]:
    return {
        row[0]: Metric(
            key=row[0],
            id=row[0],
            kind="measure",
            label=row[1],
            definition=row[2] or "",
            unit=row[3] or "",
            decimals=None,
            factor=1.0,
            numerator=(Part(row[0], "total"),),
            denominator=(),
            min_denominator=0,
            lowest_level=row[8] or "",
            area_system=row[5],
            is_stock=bool(row[6]),
            is_additive=bool(row[7]),
            is_count=row[4] == "count",
        )
        for row in rows(
            "select measure_id, label, definition, unit, value_kind, area_system, semi_additive_time, "
            "additive_over_areas, lowest_level from dim_measure"
        )
        if row[0] in systems
    }


def _indicators(rows: Any, measures: Mapping[str, Metric]) -> tuple[list[Metric], dict[str, str]]:
    parts: dict[tuple[str, str], list[Part]] = defaultdict(list)
    for key, part, measure_id, group_key, sign in rows(
        "select indicator_key, part, measure_id, group_key, sign from dim_indicator_part order by all"
    ):
        parts[key, part].append(Part(measure_id, group_key, float(sign)))
    found: list[Metric] = []
    withdrawn: dict[str, str] = {}
    for row in rows(
        "select indicator_key, indicator_id, version, label, definition, unit, decimals, factor, lowest_level, "
        "coalesce(min_denominator, 0), is_active, coalesce(unavailable_reason, ''), coalesce(successor, '') "
        "from dim_indicator order by all"
    ):
        numerator, denominator = tuple(parts[row[0], "numerator"]), tuple(parts[row[0], "denominator"])
        used = [
            measures[part.measure_id] for part in (*numerator, *denominator) if part.measure_id in measures
        ]
        if not row[10] or not numerator or len(used) < len(numerator) + len(denominator):
            successor = f" Nachfolgerin ist „{row[12]}“." if row[12] else ""
            withdrawn[row[1]] = (row[11] or "Ihre Messgrößen sind nicht veröffentlicht.") + successor
            continue
        above = [measures[part.measure_id] for part in numerator]
        found.append(
            Metric(
                key=row[0],
                id=row[1],
                kind="indicator",
                label=row[3],
                definition=row[4] or "",
                unit=row[5] or "",
                decimals=int(row[6]),
                factor=float(row[7]),
                numerator=numerator,
                denominator=denominator,
                min_denominator=int(row[9]),
                lowest_level=row[8] or "",
                area_system=above[0].area_system,
                is_stock=any(item.is_stock for item in above),
                is_additive=all(item.is_additive for item in used),
                version=int(row[2]),
                is_count=all(item.is_count for item in used)
                and all(part.sign > 0 for part in (*numerator, *denominator)),
            )
        )
    active = {item.id for item in found}
    return found, {name: reason for name, reason in withdrawn.items() if name not in active}


__all__ = ["ROOT_RANK", "Area", "Group", "Metadata", "Metric", "Part", "Period", "load", "parse_group"]
