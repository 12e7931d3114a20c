"""What the pages Vergleich, Indizes and Ausblick need: opening choices, classes and views of the index maps.

Belongs here: read-only queries on a released file. Does not belong here: correlations, rankings, forecasts themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from lagebild.instance import InstanceConfig
from lagebild.map_classes import CLASS_COLOURS
from superset_assets.facts import Facts
from superset_assets.maps import rgb, viewport

_POPULATION = ("population_total", "de_population_total")
"""Indicators that count the inhabitants, in the instances there are."""
_WITHOUT_INDEX, _GREY = "ohne Index", "#c8c8c8"
"""What the dataset calls areas without a class, and their colour on the map."""


@dataclass(frozen=True)
class IndexClass:
    """One class of an index map. `label` is unique over indices with other numbers of classes."""

    number: int
    label: str
    colour: str


@dataclass(frozen=True)
class IndexFacts:
    """One index as its latest period shows it; `classes` is empty where the recipe has none or the level no borders."""

    key: str
    label: str
    definition: str
    caveats: str
    level: str
    level_plural: str
    period_label: str
    classes: tuple[IndexClass, ...]
    viewport: dict[str, float]

    @property
    def breakpoints(self) -> list[dict[str, Any]]:
        """Colours of the map by class number."""
        return [
            {"id": n, "minValue": item.number, "maxValue": item.number, "color": {**rgb(item.colour), "a": 1}}
            for n, item in enumerate(self.classes)
        ]


@dataclass(frozen=True)
class VergleichFacts:
    """Grain: one release. Which tables the release fills decides which parts of the pages exist."""

    level_label: str
    area_label: str
    """The whole area, with which the outlook opens."""
    area_level_label: str
    x_label: str
    y_label: str
    population_id: str
    """Indicator that sizes the points; empty where the release counts no inhabitants."""
    indices: tuple[IndexFacts, ...]
    forecast_label: str
    """Indicator the forecast opens with; empty without forecasts."""
    has_correlation: bool
    has_ranking: bool
    has_statistic: bool
    has_index: bool
    has_trend: bool
    has_forecast: bool
    has_population_forecast: bool
    has_need_forecast: bool

    @property
    def mapped(self) -> list[IndexFacts]:
        """Indices that are shown as a map."""
        return [item for item in self.indices if item.classes]

    @property
    def mapped_any(self) -> bool:
        return bool(self.mapped)

    @property
    def area_charts(self) -> list[str]:
        """Charts of the outlook that show the chosen area; the list of striking developments shows its whole level."""
        return [
            *(("vergleich_prognose", "vergleich_prognoseguete") if self.has_forecast else ()),
            *(
                ("vergleich_bevoelkerung", "vergleich_bevoelkerungstabelle")
                if self.has_population_forecast
                else ()
            ),
            *(("vergleich_trends",) if self.has_trend else ()),
        ]

    @property
    def class_colours(self) -> dict[str, str]:
        """Colour of each class by its label, for the bars that stand beside the maps as their legend."""
        colours = {entry.label: entry.colour for item in self.indices for entry in item.classes}
        return {**colours, _WITHOUT_INDEX: _GREY}

    @property
    def has_outlook(self) -> bool:
        return self.has_trend or self.has_forecast or self.has_population_forecast


def read(db: duckdb.DuckDBPyConnection, config: InstanceConfig, base: Facts) -> VergleichFacts | None:
    """Facts of the pages; None where the release has no flat table of profiles or no two indicators to compare."""
    if "mart_profile" not in base.filled:
        return None
    level = _level_with_most_areas(db, base)
    pair = _pair(db, config, base, level) if level else None
    if level is None or pair is None:
        return None
    filled = base.filled
    has_forecast = "mart_forecast" in filled
    return VergleichFacts(
        level_label=_scalar(
            db,
            "select any_value(area_level_label) from mart_profile where area_system = ? and area_level = ?",
            [base.area_system, level],
        ),
        area_label=_scalar(
            db,
            "select any_value(area_label) from mart_profile where area_key = ?",
            [base.root_area_key],
        ),
        area_level_label=_scalar(
            db,
            "select any_value(area_level_label) from mart_profile where area_key = ?",
            [base.root_area_key],
        ),
        x_label=pair[0],
        y_label=pair[1],
        population_id=_population_indicator(db),
        indices=_indices(db, config, base) if "mart_index" in filled else (),
        forecast_label=_forecast_label(db, config, base) if has_forecast else "",
        has_correlation="mart_correlation" in filled,
        has_ranking="fct_ranking" in filled,
        has_statistic="mart_statistic" in filled,
        has_index="mart_index" in filled,
        has_trend="mart_trend" in filled,
        has_forecast=has_forecast,
        has_population_forecast="mart_population_forecast" in filled,
        has_need_forecast="mart_need_forecast" in filled,
    )


def _scalar(db: duckdb.DuckDBPyConnection, sql: str, values: list[Any]) -> str:
    row = db.execute(sql, values).fetchone()
    return "" if row is None or row[0] is None else str(row[0])


def _level_with_most_areas(db: duckdb.DuckDBPyConnection, base: Facts) -> str | None:
    """The ranking level of the instance where it has enough areas for a cloud of points, else the map's level."""
    row = db.execute(
        """
        select area_level from mart_profile where area_system = ? and level_rank > 0 and area_level in (?, ?)
        group by area_level order by count(distinct area_key) >= 30 desc, area_level = ? desc limit 1
        """,
        [base.area_system, base.ranking_level, base.map_level, base.ranking_level],
    ).fetchone()
    return None if row is None else str(row[0])


def _pair(
    db: duckdb.DuckDBPyConnection, config: InstanceConfig, base: Facts, level: str
) -> tuple[str, str] | None:
    """Labels of the pair the page opens with: those of the instance, filled up with what the level has values of."""
    board = config.dashboard
    wanted = (
        *board.comparison_indicators,
        *board.profile_indicators,
        board.ranking_indicator,
        *board.series_indicators,
    )
    found = dict(
        db.execute(
            """
            select indicator_id, any_value(indicator_label) from mart_profile
            where area_system = ? and area_level = ? and value is not null
            group by indicator_id order by count(*) desc, indicator_id
            """,
            [base.area_system, level],
        ).fetchall()
    )
    chosen = list(dict.fromkeys([*(name for name in wanted if name in found), *found]))[:2]
    return (found[chosen[0]], found[chosen[1]]) if len(chosen) == len(("x", "y")) else None


def _population_indicator(db: duckdb.DuckDBPyConnection) -> str:
    return _scalar(
        db,
        "select indicator_id from mart_profile where list_contains(?, indicator_id) limit 1",
        [list(_POPULATION)],
    )


def _forecast_label(db: duckdb.DuckDBPyConnection, config: InstanceConfig, base: Facts) -> str:
    """The first indicator of the instance that has a forecast for the whole area, else any."""
    wanted = [*config.dashboard.series_indicators, *config.dashboard.headline_indicators]
    return _scalar(
        db,
        """
        select indicator_label from mart_forecast where kind = 'Prognose' and area_system = ?
        order by area_key = ? desc, coalesce(list_position(?::varchar[], indicator_id), 999), indicator_label limit 1
        """,
        [base.area_system, base.root_area_key, wanted],
    )


def _indices(db: duckdb.DuckDBPyConnection, config: InstanceConfig, base: Facts) -> tuple[IndexFacts, ...]:
    plurals = {
        (system.code, level.code): level.plural for system in config.area_systems for level in system.levels
    }
    rows = db.execute(
        """
        select d.index_id, d.label, coalesce(d.definition, ''), coalesce(d.caveats, ''), d.area_system, d.area_level,
            any_value(m.period_label)
        from dim_index as d
        inner join mart_index as m on m.index_id = d.index_id and m.is_latest and m.value is not null
        group by all order by d.label
        """
    ).fetchall()
    return tuple(
        IndexFacts(
            key=str(index_id),
            label=str(label),
            definition=str(definition),
            caveats=str(caveats),
            level=str(level),
            level_plural=plurals.get((str(system), str(level)), str(level)),
            period_label=str(period),
            classes=_classes(db, str(index_id)) if "mart_index_map" in base.filled else (),
            viewport=viewport(db, str(system), str(level)),
        )
        for index_id, label, definition, caveats, system, level, period in rows
    )


def _classes(db: duckdb.DuckDBPyConnection, index_id: str) -> tuple[IndexClass, ...]:
    """Classes of the latest map from light (little need) to dark, spread over the scale of five colours."""
    rows = db.execute(
        """
        select distinct m.class_number, m.class_label, d.polarity from mart_index as m
        inner join dim_index as d using (index_id)
        where index_id = ? and m.class_number is not null
            and index_id in (select index_id from mart_index_map where class_number is not null)
        order by m.class_number
        """,
        [index_id],
    ).fetchall()
    if not rows:
        return ()
    last = len(CLASS_COLOURS) - 1
    count = max(int(number) for number, _, _ in rows)
    picked = [round(n * last / max(count - 1, 1)) for n in range(count)]
    if rows[0][2] == "higher_better":
        picked.reverse()
    return tuple(
        IndexClass(
            int(number), class_name(int(number), count, str(label)), CLASS_COLOURS[picked[int(number) - 1]]
        )
        for number, label, _ in rows
    )


def class_name(number: int, count: int, label: str) -> str:
    """`2 von 4: mittel`: the same words of a scale with another number of classes have another colour."""
    return f"{number} von {count}: {label}"
