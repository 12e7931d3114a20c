"""Rows of the catalogue export that say what an instance forecasts: series, population, scenarios, needs.

Pure functions on loaded settings (`lagebild.forecasting`). Does not belong here: the forecasts (`analysis`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from analysis.vital import SCENARIOS, Scenario
from lagebild.forecasting import ForecastSettings, Need, PlannerScenario
from lagebild.instance import Instance, InstanceConfig
from semantic_layer.catalogue.resolve import ResolvedIndicator

Row = dict[str, Any]

_TEXT, _INT, _FLOAT, _BOOL = pa.string(), pa.int32(), pa.float64(), pa.bool_()


def _schema(**fields: pa.DataType) -> pa.Schema:
    return pa.schema([pa.field(name, kind) for name, kind in fields.items()])


SCHEMAS: Final[Mapping[str, pa.Schema]] = {
    "forecast_series": _schema(
        indicator_id=_TEXT, area_system=_TEXT, area_level=_TEXT, horizon=_INT, position=_INT
    ),
    "forecast_population": _schema(area_system=_TEXT, area_level=_TEXT, until_year=_INT, base_years=_INT),
    "scenario": _schema(
        scenario=_TEXT,
        label=_TEXT,
        description=_TEXT,
        position=_INT,
        is_planner=_BOOL,
        fertility=_FLOAT,
        expectancy_gain=_FLOAT,
        in_migration=_FLOAT,
        years_until=_INT,
    ),
    "scenario_change": _schema(
        scenario=_TEXT,
        position=_INT,
        kind=_TEXT,
        label=_TEXT,
        area_level=_TEXT,
        area_code=_TEXT,
        year=_INT,
        years=_INT,
        persons=_FLOAT,
        within_kreis=_FLOAT,
        profile_json=_TEXT,
    ),
    "need": _schema(
        need_id=_TEXT,
        label=_TEXT,
        definition=_TEXT,
        unit=_TEXT,
        population_label=_TEXT,
        theme_id=_TEXT,
        decimals=_INT,
        position=_INT,
    ),
    "need_part": _schema(
        need_id=_TEXT,
        position=_INT,
        age_from=_INT,
        age_to=_INT,
        measure_id=_TEXT,
        group_key=_TEXT,
        rate=_FLOAT,
        reached=_INT,
    ),
}


def table(name: str, rows: list[Row]) -> pa.Table:
    """Rows of one of the tables with its types, columns they lack empty."""
    schema = SCHEMAS[name]
    return pa.Table.from_pylist([dict.fromkeys(schema.names) | row for row in rows], schema=schema)


def rows(instance: Instance, resolved: Sequence[ResolvedIndicator]) -> dict[str, list[Row]]:
    """All tables of an instance; empty without `prognosen.yml`, as nothing can be needed of an unknown population."""
    settings = instance.forecasts
    if settings is None:
        return {name: [] for name in SCHEMAS}
    return {
        "forecast_series": list(_series(settings, instance.config, resolved)),
        "forecast_population": population_rows(settings, instance.config),
        **scenario_rows(instance.scenarios if settings.population else None),
        **need_rows(instance.needs if settings.population else ()),
    }


def levels_of(settings: ForecastSettings, config: InstanceConfig) -> tuple[str, ...]:
    """Levels whose indicators are forecast: as set, else the coarsest one and the ranking level."""
    root = config.area_system(config.main_area_system).levels[0].code
    return settings.levels or tuple(dict.fromkeys([root, config.dashboard.ranking_level]))


def indicators_of(settings: ForecastSettings, config: InstanceConfig) -> tuple[str, ...]:
    """Indicators that are forecast: as set, else headline and series indicators of the dashboard."""
    shown = (*config.dashboard.headline_indicators, *config.dashboard.series_indicators)
    return settings.indicators or tuple(dict.fromkeys(shown))


def _series(
    settings: ForecastSettings, config: InstanceConfig, resolved: Sequence[ResolvedIndicator]
) -> Iterator[Row]:
    active = {item.indicator.id for item in resolved if item.status == "active" and item.tier == "public"}
    chosen = [name for name in indicators_of(settings, config) if name in active]
    for position, (name, level) in enumerate(
        (name, level) for name in chosen for level in levels_of(settings, config)
    ):
        yield {
            "indicator_id": name,
            "area_system": config.main_area_system,
            "area_level": level,
            "horizon": settings.horizon,
            "position": position,
        }


def population_rows(settings: ForecastSettings, config: InstanceConfig) -> list[Row]:
    """`forecast_population`: one row, or none where the population is not forecast."""
    if settings.population is None:
        return []
    return [
        {
            "area_system": config.main_area_system,
            "area_level": settings.population.level or config.dashboard.ranking_level,
            "until_year": settings.population.until,
            "base_years": settings.population.base_years,
        }
    ]


_DESCRIPTIONS: Final = {
    "niedrig": "Geburtenrate und Zuzüge sinken, die Lebenserwartung steigt langsam.",
    "mittel": "Geburtenrate und Wanderungen wie in den letzten Jahren, die Lebenserwartung steigt weiter.",
    "hoch": "Geburtenrate und Zuzüge steigen, die Lebenserwartung steigt schnell.",
}


def scenario_rows(planned: tuple[PlannerScenario, ...] | None) -> dict[str, list[Row]]:
    """`scenario` and `scenario_change`: the three of the house, then the planners'; None: no population forecast."""
    if planned is None:
        return {"scenario": [], "scenario_change": []}
    own = [_scenario(item, position) for position, item in enumerate(SCENARIOS)]
    more = [_planned(item, position) for position, item in enumerate(planned, start=len(own))]
    changes = [row for item in planned for row in _changes(item)]
    return {"scenario": own + more, "scenario_change": changes}


def _scenario(item: Scenario, position: int) -> Row:
    return {
        "scenario": item.name,
        "label": item.name,
        "description": _DESCRIPTIONS[item.name],
        "position": position,
        "is_planner": False,
        "fertility": item.fertility,
        "expectancy_gain": item.expectancy_gain,
        "in_migration": item.in_migration,
        "years_until": item.years_until,
    }


def _planned(item: PlannerScenario, position: int) -> Row:
    numbers = item.model_dump(include={"fertility", "expectancy_gain", "in_migration", "years_until"})
    return {
        "scenario": item.id,
        "label": item.label,
        "description": item.description,
        "position": position,
        "is_planner": True,
        **numbers,
    }


def _changes(item: PlannerScenario) -> Iterator[Row]:
    for position, change in enumerate(item.changes):
        yield {
            "scenario": item.id,
            "position": position,
            **change.model_dump(
                include={"kind", "label", "area_level", "area_code", "year", "years", "within_kreis"}
            ),
            "persons": change.persons,
            "profile_json": json.dumps([[p.age_from, p.age_to, p.share] for p in change.profile]),
        }


def need_rows(needs: tuple[Need, ...]) -> dict[str, list[Row]]:
    """`need` and `need_part`."""
    return {
        "need": [
            {
                "need_id": item.id,
                **item.model_dump(include={"label", "definition", "unit", "population_label", "decimals"}),
                "theme_id": item.theme,
                "position": position,
            }
            for position, item in enumerate(needs)
        ],
        "need_part": [
            {
                "need_id": item.id,
                "position": position,
                **part.model_dump(include={"age_from", "age_to", "rate", "reached"}),
                "measure_id": part.measure or None,
                "group_key": part.group if part.measure else None,
            }
            for item in needs
            for position, part in enumerate(item.parts)
        ],
    }


__all__ = [
    "SCHEMAS",
    "indicators_of",
    "levels_of",
    "need_rows",
    "population_rows",
    "rows",
    "scenario_rows",
    "table",
]
