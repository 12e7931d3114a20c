"""What a release says that the dashboards need: labels, units, periods, classes of the map.

Belongs here: read-only queries on one released file. Does not belong here: YAML, Superset, indicator logic.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb

from lagebild.instance import InstanceConfig

CLASS_COLOURS = ("#f0f3bd", "#a5d5b5", "#4fa9b5", "#2a6f9e", "#1f3a70")
"""Colour-blind safe from light to dark; also the sequential scheme of `superset_config`."""

_GRID_COLUMNS = 12
_TILES_PER_ROW = 4


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
        """Unit for titles: `` in %``; nothing for plain counts of persons, which need no unit."""
        if not self.unit or self.unit == "Personen":
            return ""
        if self.unit.startswith("je "):
            return f" {self.unit}"
        return f" in {self.unit.replace('EUR', '€')}"

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
class HeadlineRow:
    keys: tuple[str, ...]
    width: int


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

    @property
    def headline_ids(self) -> list[str]:
        return [item.indicator_id for item in self.headlines]

    @property
    def headline_rows(self) -> list[HeadlineRow]:
        """Tiles in rows of equal length as far as possible, each row filling the grid."""
        keys = [f"kennzahl_{item.indicator_id}" for item in self.headlines]
        count = math.ceil(len(keys) / _TILES_PER_ROW)
        rows = [keys[round(i * len(keys) / count) : round((i + 1) * len(keys) / count)] for i in range(count)]
        return [HeadlineRow(tuple(row), _GRID_COLUMNS // len(row)) for row in rows]

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

    @property
    def table_indicator_label(self) -> str | None:
        chosen = self.rankings or self.maps or self.headlines
        return chosen[0].label if chosen else None

    @property
    def table_year(self) -> int | None:
        chosen = self.rankings or self.maps or self.headlines
        return chosen[0].latest_year if chosen else None


def read_facts(config: InstanceConfig, release: Path, map_style: str) -> Facts:
    """Facts of the release file for the dashboards of the instance.

    Raises LookupError when the release lacks the root area or its own description.
    """
    connection = duckdb.connect(str(release), read_only=True)
    try:
        return _read(connection, config, release, map_style)
    finally:
        connection.close()


def _read(db: duckdb.DuckDBPyConnection, config: InstanceConfig, release: Path, map_style: str) -> Facts:
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
        found = _indicator(db, system.code, indicator_id, level)
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
        map_classes=_map_classes(db, system.code, wanted.map_level, maps),
        viewport=_viewport(db, system.code, wanted.map_level),
        map_style=map_style,
        missing=tuple(missing),
    )


def _indicator(
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


def _map_classes(
    db: duckdb.DuckDBPyConnection, system: str, level: str, maps: tuple[IndicatorFacts, ...]
) -> tuple[dict[str, Any], ...]:
    """Five classes by quantiles over all released periods, so that maps of different years compare."""
    if not maps:
        return ()
    steps = len(CLASS_COLOURS)
    row = db.execute(
        """select quantile_cont(value, ?) from mart_indicator
           where indicator_id = ? and area_system = ? and area_level = ? and value is not null""",
        [[step / steps for step in range(steps + 1)], maps[0].indicator_id, system, level],
    ).fetchone()
    quantiles: list[float] = row[0] if row and row[0] else []
    return class_breaks(quantiles, maps[0].decimals)


def class_breaks(quantiles: list[float], decimals: int) -> tuple[dict[str, Any], ...]:
    """Map classes between rounded quantiles; equal breaks are merged. Outer ends are rounded outwards."""
    if not quantiles:
        return ()
    scale = 10**decimals
    inner = [round(value, decimals) for value in quantiles[1:-1]]
    ends = (math.floor(quantiles[0] * scale) / scale, math.ceil(quantiles[-1] * scale) / scale)
    breaks = sorted({ends[0], *inner, ends[1]})
    if len(breaks) == 1:
        breaks = [breaks[0], breaks[0]]
    intervals = list(pairwise(breaks))
    # Fewer classes than colours: spread over the scale, so that light and dark stay apart.
    last = len(CLASS_COLOURS) - 1
    picked = [round(index * last / max(len(intervals) - 1, 1)) for index in range(len(intervals))]
    return tuple(
        {
            "id": number,
            "minValue": _plain(low),
            "maxValue": _plain(high),
            "color": {**_rgb(CLASS_COLOURS[colour]), "a": 1},
        }
        for number, ((low, high), colour) in enumerate(zip(intervals, picked, strict=True))
    )


def _plain(value: float) -> float | int:
    return int(value) if value == int(value) else value


def _rgb(colour: str) -> dict[str, int]:
    return {name: int(colour[start : start + 2], 16) for name, start in (("r", 1), ("g", 3), ("b", 5))}


def _viewport(db: duckdb.DuckDBPyConnection, system: str, level: str) -> dict[str, float]:
    """Centre and zoom that show all areas of the level; the chart zooms closer by itself."""
    rows = db.execute(
        """select distinct ring_json from mart_map where area_system = ? and area_level = ? and is_latest""",
        [system, level],
    ).fetchall()
    points = [point for (ring,) in rows if ring for point in _points(json.loads(ring))]
    if not points:
        return {"longitude": 10.0, "latitude": 51.0, "zoom": 5, "bearing": 0, "pitch": 0}
    west, east = min(p[0] for p in points), max(p[0] for p in points)
    south, north = min(p[1] for p in points), max(p[1] for p in points)
    span = max(east - west, (north - south) * 1.6, 0.01)
    return {
        "longitude": round((west + east) / 2, 4),
        "latitude": round((south + north) / 2, 4),
        "zoom": round(math.log2(360 / span) - 0.3, 1),
        "bearing": 0,
        "pitch": 0,
    }


def _points(ring: list[Any]) -> list[list[float]]:
    """Points of a ring, or of an outer ring followed by its holes."""
    if ring and isinstance(ring[0][0], list):
        return [point for part in ring for point in part]
    return ring


def _german_date(moment: datetime | str) -> str:
    value = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return value.strftime("%d.%m.%Y")
