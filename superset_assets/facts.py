"""What a release says that every dashboard needs: labels, units, periods, the root area, which tables hold rows.

Belongs here: read-only queries on one released file for the base facts. Does not belong here: what only the
dashboards of one topic need (`topics/`), geometry (`maps`), YAML, Superset, indicator logic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from lagebild.instance import InstanceConfig
from superset_assets.maps import map_classes, viewport

_COUNTED = {
    "Anzahl",
    "Personen",
    "Haushalte",
    "Fälle",
    "Kinder",
    "Wohnungen",
    "Einrichtungen",
    "Beratungen",
    "Klasse",
}
_DATIVE = {
    "Punkte": "Punkten",
    "Prozentpunkte": "Prozentpunkten",
    "Jahre": "Jahren",
    "Tage": "Tagen",
    "Monate": "Monaten",
}
"""Units that change after "in"; all others (%, €, m², km²) do not."""


@dataclass(frozen=True)
class IndicatorFacts:
    """One indicator as the root area of the release shows it."""

    indicator_id: str
    label: str
    short_label: str
    definition: str
    source_label: str
    unit: str
    decimals: int
    latest_period: str
    latest_year: int
    period_type: str
    periods: int
    years: int

    @property
    def unit_suffix(self) -> str:
        """Unit for titles: `` in %``, `` in Punkten``; nothing for plain counts, whose label names what is counted."""
        if not self.unit or self.unit in _COUNTED:
            return ""
        if self.unit.startswith("je "):
            return f" {self.unit}"
        return f" in {_DATIVE.get(self.unit, self.unit).replace('EUR', '€')}"

    @property
    def title(self) -> str:
        """Label with unit; without it where the label names the unit already."""
        return (
            self.label
            if self.unit.startswith("je ") and self.unit in self.label
            else self.label + self.unit_suffix
        )

    @property
    def d3_format(self) -> str:
        """d3 number format; Superset's locale supplies decimal comma and thousands point."""
        return f",.{self.decimals}f"

    @property
    def relative_change(self) -> bool:
        """A change in percent says something for quantities, but misleads for rates and balances."""
        return (
            self.unit in {"Personen", "Haushalte", "Fälle", "Kinder", "Wohnungen", "EUR"} and self.periods > 1
        )


@dataclass(frozen=True)
class SeriesFacts:
    """Indicators of one unit that share a time series chart."""

    key: str
    unit_suffix: str
    indicator_ids: tuple[str, ...]
    labels: str
    d3_format: str
    truncate: bool
    x_axis: str
    """`berichtsjahr` where every figure is the only one of its year, else the exact day."""


@dataclass(frozen=True)
class Facts:
    """Everything the templates may use. Grain: one release of one instance."""

    instance: str
    title: str
    subtitle: str
    attribution: str
    is_synthetic: bool
    release_id: str
    released_on: str
    release_file: str
    area_system: str
    root_area_key: str
    root_area_name: str
    map_level: str
    map_level_plural: str
    ranking_level: str
    ranking_level_label: str
    ranking_level_plural: str
    headlines: tuple[IndicatorFacts, ...]
    maps: tuple[IndicatorFacts, ...]
    rankings: tuple[IndicatorFacts, ...]
    series: tuple[SeriesFacts, ...]
    map_classes: tuple[dict[str, Any], ...]
    viewport: dict[str, float]
    map_style: str
    missing: tuple[str, ...] = field(default=())
    """Indicators the dashboard names but the release holds no value of, with the place that names them."""
    filled: frozenset[str] = frozenset()
    """Released tables that hold at least one row."""
    topics: Mapping[str, Any] = field(default_factory=dict)
    """Facts of each topic by its name (`facts.topics.themen`); None where the release has nothing for it."""

    @property
    def headline_ids(self) -> list[str]:
        return [item.indicator_id for item in self.headlines]

    @property
    def map_keys(self) -> list[str]:
        return [f"karte_{item.indicator_id}" for item in self.maps]

    @property
    def ranking_keys(self) -> list[str]:
        return [f"rangfolge_{item.indicator_id}" for item in self.rankings]

    @property
    def series_keys(self) -> list[str]:
        return [f"zeitreihe_{item.key}" for item in self.series]

    @property
    def series_rows(self) -> list[list[str]]:
        """Time series in pairs; the table of changes takes the free half, or a row of its own."""
        keys = [*self.series_keys, "veraenderung"]
        return [keys[start : start + 2] for start in range(0, len(keys), 2)]


def read_base(db: duckdb.DuckDBPyConnection, config: InstanceConfig, release: Path, map_style: str) -> Facts:
    """Base facts of the opened release file, without topics.

    Raises LookupError when the release lacks the root area or its own description.
    """
    described = db.execute(
        "select release_id, title, is_synthetic, attribution, released_at from dim_release"
    ).fetchone()
    if described is None:
        raise LookupError(f"{release.name}: dim_release is empty")
    release_id, title, is_synthetic, attribution, released_at = described
    system = config.area_system(config.main_area_system)
    root = db.execute(
        """select area_key, area_name from mart_indicator where area_system = ? and level_rank = 0
           order by is_latest desc, area_key limit 1""",
        [system.code],
    ).fetchone()
    if root is None:
        raise LookupError(f"{release.name}: no figure for the root area of '{system.code}'")

    wanted = config.dashboard
    missing: list[str] = []

    def present(indicator_id: str, level: str, used_by: str) -> tuple[IndicatorFacts, ...]:
        found = indicator_facts(db, system.code, indicator_id, level)
        if found is None:
            missing.append(f"{indicator_id} ({used_by})")
            return ()
        return (found,)

    top = system.levels[0].code
    headlines = tuple(f for i in wanted.headline_indicators for f in present(i, top, "Leitkennzahl"))
    series = tuple(f for i in wanted.series_indicators for f in present(i, top, "Zeitreihe"))
    maps = present(wanted.map_indicator, wanted.map_level, "Karte")
    rankings = present(wanted.ranking_indicator, wanted.ranking_level, "Rangfolge")
    labels = {level.code: level for level in system.levels}
    return Facts(
        instance=config.name,
        title=title,
        subtitle=config.subtitle,
        attribution=attribution,
        is_synthetic=is_synthetic,
        release_id=release_id,
        released_on=_german_date(released_at),
        release_file=str(release.absolute()),
        area_system=system.code,
        root_area_key=root[0],
        root_area_name=root[1],
        map_level=wanted.map_level,
        map_level_plural=labels[wanted.map_level].plural,
        ranking_level=wanted.ranking_level,
        ranking_level_label=labels[wanted.ranking_level].label,
        ranking_level_plural=labels[wanted.ranking_level].plural,
        headlines=headlines,
        maps=maps,
        rankings=rankings,
        series=_by_unit(series),
        map_classes=tuple(
            entry
            for item in maps
            for entry in map_classes(db, system.code, wanted.map_level, item.indicator_id, item.decimals)
        ),
        viewport=viewport(db, system.code, wanted.map_level),
        map_style=map_style,
        missing=tuple(missing),
        filled=filled_tables(db),
    )


def filled_tables(db: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """Names of the released tables that hold at least one row."""
    names = [
        str(name)
        for (name,) in db.execute(
            "select table_name from information_schema.tables where table_schema = 'main'"
        ).fetchall()
    ]
    return frozenset(
        name for name in names if db.execute(f'select 1 from main."{name}" limit 1').fetchone() is not None
    )


def indicator_facts(
    db: duckdb.DuckDBPyConnection, system: str, indicator_id: str, level: str
) -> IndicatorFacts | None:
    """The indicator as released on a level; None when no value was released there."""
    row = db.execute(
        """
        with released as (
            select * from mart_indicator
            where indicator_id = ? and area_system = ? and area_level = ? and value is not null
        )
        select any_value(i.label), any_value(coalesce(i.short_label, i.label)),
            any_value(coalesce(i.definition, '')), any_value(coalesce(i.source_label, '')),
            any_value(coalesce(i.unit, '')), any_value(coalesce(i.decimals, 0)),
            arg_max(m.period_label, m.period_end), arg_max(m.year, m.period_end),
            arg_max(m.period_type, m.period_end), count(distinct m.period_key),
            count(distinct m.year)
        from released m
        join dim_indicator i on i.indicator_id = m.indicator_id and i.is_active
        having count(*) > 0
        """,
        [indicator_id, system, level],
    ).fetchone()
    return None if row is None else IndicatorFacts(indicator_id, *row)


def _by_unit(series: tuple[IndicatorFacts, ...]) -> tuple[SeriesFacts, ...]:
    units = list(dict.fromkeys(item.unit for item in series))
    return tuple(
        SeriesFacts(
            key=f"einheit_{number}",
            unit_suffix=group[0].unit_suffix,
            indicator_ids=tuple(item.indicator_id for item in group),
            labels=", ".join(item.label for item in group),
            d3_format=f",.{max(item.decimals for item in group)}f",
            # Shares start at zero, else a change of half a point looks like a cliff; large counts do not.
            truncate=group[0].unit not in {"%", "Prozent"},
            x_axis="berichtsjahr" if all(item.periods == item.years for item in group) else "period_end",
        )
        for number, unit in enumerate(units, start=1)
        for group in [[item for item in series if item.unit == unit]]
    )


def _german_date(moment: datetime | str) -> str:
    value = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return value.strftime("%d.%m.%Y")
