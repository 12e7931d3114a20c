"""One dashboard per Handlungsfeld: which indicators it has, which of them stand on maps, which levels are compared.

Belongs here: what the pages of the Handlungsfelder need beyond the base. Does not belong here: templates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from lagebild.instance import AreaLevel, InstanceConfig
from superset_assets.facts import Facts, IndicatorFacts, indicator_facts
from superset_assets.maps import map_classes, viewport

_MAPS = 2
"""Side by side on a page; more maps are not compared but scrolled past."""
_WORTH_A_MAP = 0.4
"""A map of which less than this share of the areas has a value shows gaps, not a pattern."""
NEWEST = "neuester Stand"
"""Value of the column `zeitraum` for the newest figures; the other values are years."""


@dataclass(frozen=True)
class ThemeIndicator:
    """An indicator of a Handlungsfeld with the levels it is released on."""

    indicator_id: str
    label: str
    polarity: str
    area_system: str
    middle: str
    """Level that is compared: the one of the ranking in the main area system, else the coarsest below the root."""
    fine: str
    """Finest level with a value; the same as `middle` or empty where there is none below it."""
    fine_share: float
    """Share of the areas with a border on the finest level that have a value."""
    middle_values: int


@dataclass(frozen=True)
class ThemeMap:
    """A choropleth: one indicator on its finest level."""

    key: str
    fact: IndicatorFacts
    area_system: str
    level: str
    plural: str
    classes: tuple[dict[str, Any], ...]
    viewport: dict[str, float]


@dataclass(frozen=True)
class Theme:
    """One Handlungsfeld with released figures."""

    key: str
    label: str
    indicators: tuple[ThemeIndicator, ...]
    lead: str
    """Label of the indicator the page opens with."""
    middle_label: str
    """Label of the level that is compared, of the indicator the page opens with."""
    map_keys: tuple[str, ...]
    has_fine: bool


@dataclass(frozen=True)
class ThemenFacts:
    themes: tuple[Theme, ...]
    maps: tuple[ThemeMap, ...]
    levels: tuple[ThemeIndicator, ...]
    """All indicators of all Handlungsfelder."""
    middle_of: dict[str, str]
    """Area system -> the level that is compared and that leads down to the areas below it."""
    middle_label: str
    middle_plural: str
    fine_plural: str
    newest: str = NEWEST

    @property
    def with_fine(self) -> list[Theme]:
        """Handlungsfelder with figures below the level that is compared."""
        return [theme for theme in self.themes if theme.has_fine]


def read(db: duckdb.DuckDBPyConnection, config: InstanceConfig, base: Facts) -> ThemenFacts | None:
    """Handlungsfelder in the order of the catalogue; None when no figure below the root is released."""
    middle_of = {item.code: _middle(config, item.code, item.levels) for item in config.area_systems}
    found = _indicators(db, config, middle_of)
    labels = db.execute("select theme_id, label from dim_theme order by sort_key, theme_id").fetchall()
    views: dict[tuple[str, str], dict[str, float]] = {}
    themes: list[Theme] = []
    maps: list[ThemeMap] = []
    for theme_id, label in labels:
        indicators = found.get(theme_id, [])
        if not indicators:
            continue
        ordered = _by_weight(indicators, config.dashboard.theme_indicators.get(theme_id, ()))
        chosen = [
            item for item in ordered if item.fine_share >= _WORTH_A_MAP or _is_named(config, theme_id, item)
        ]
        own = [_map(db, config, item, theme_id, views) for item in chosen[:_MAPS]]
        lead = next((item for item in ordered if item.middle_values), ordered[0])
        themes.append(
            Theme(
                key=theme_id,
                label=label,
                indicators=tuple(indicators),
                lead=lead.label,
                middle_label=_level(config, lead.area_system, lead.middle).label,
                map_keys=tuple(f"themen_karte_{item.key}" for item in own if item is not None),
                has_fine=any(item.fine and item.fine != item.middle for item in indicators),
            )
        )
        maps += [item for item in own if item is not None]
    if not themes:
        return None
    main = config.main_area_system
    return ThemenFacts(
        themes=tuple(themes),
        maps=tuple(maps),
        levels=tuple(item for theme in themes for item in theme.indicators),
        middle_of=middle_of,
        middle_label=_level(config, main, middle_of[main]).label,
        middle_plural=_level(config, main, middle_of[main]).plural,
        fine_plural=_level(config, main, config.dashboard.map_level).plural,
    )


def _middle(config: InstanceConfig, system: str, levels: tuple[AreaLevel, ...]) -> str:
    if system == config.main_area_system:
        return config.dashboard.ranking_level
    return levels[min(1, len(levels) - 1)].code


def _level(config: InstanceConfig, system: str, code: str) -> AreaLevel:
    return next(item for item in config.area_system(system).levels if item.code == code)


def _indicators(
    db: duckdb.DuckDBPyConnection, config: InstanceConfig, middle_of: dict[str, str]
) -> dict[str, list[ThemeIndicator]]:
    """Released indicators by Handlungsfeld, each in one area system: the main one where it has figures there."""
    rows = db.execute(
        """
        with bordered as (
            select area_level, area_system, count(distinct area_key) as areas
            from dim_area where area_key in (select area_key from dim_area_polygon) and is_current group by all
        )
        select theme_id, indicator_id, any_value(indicator_label), any_value(polarity), area_system, area_level,
            max(level_rank), count(distinct area_key) filter (value is not null and is_latest),
            coalesce(any_value(areas), 0)
        from mart_indicator left join bordered using (area_system, area_level)
        group by theme_id, indicator_id, area_system, area_level
        having count(value) > 0
        order by indicator_id
        """
    ).fetchall()
    by_indicator: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        by_indicator.setdefault(row[1], []).append(row)
    themes: dict[str, list[ThemeIndicator]] = {}
    for indicator_id, levels in by_indicator.items():
        systems = {row[4]: sum(1 for item in levels if item[4] == row[4] and item[6] > 0) for row in levels}
        known = [item.code for item in config.area_systems if item.code in systems]
        if not known:
            continue
        main_first = sorted(known, key=lambda code: (code != config.main_area_system, -systems[code]))
        system = next((code for code in main_first if systems[code]), main_first[0])
        own = [row for row in levels if row[4] == system]
        fine = max((row for row in own if row[6] > 0), key=lambda row: int(row[6]), default=None)
        middle = next((row for row in own if row[5] == middle_of[system]), None)
        theme_id, _, label, polarity = own[0][:4]
        themes.setdefault(theme_id, []).append(
            ThemeIndicator(
                indicator_id=indicator_id,
                label=label,
                polarity=polarity or "neutral",
                area_system=system,
                middle=middle_of[system],
                fine=fine[5] if fine else "",
                fine_share=min(1.0, fine[7] / fine[8]) if fine and fine[8] else 0.0,
                middle_values=int(middle[7]) if middle else 0,
            )
        )
    return themes


def _by_weight(indicators: list[ThemeIndicator], named: tuple[str, ...]) -> list[ThemeIndicator]:
    """Indicators the instance names first, then those that can be judged, then those known for most areas."""
    return sorted(
        indicators,
        key=lambda item: (
            named.index(item.indicator_id) if item.indicator_id in named else len(named),
            item.polarity == "neutral",
            -item.fine_share,
            item.indicator_id,
        ),
    )


def _is_named(config: InstanceConfig, theme_id: str, item: ThemeIndicator) -> bool:
    return item.fine_share > 0 and item.indicator_id in config.dashboard.theme_indicators.get(theme_id, ())


def _map(
    db: duckdb.DuckDBPyConnection,
    config: InstanceConfig,
    item: ThemeIndicator,
    theme_id: str,
    views: dict[tuple[str, str], dict[str, float]],
) -> ThemeMap | None:
    fact = indicator_facts(db, item.area_system, item.indicator_id, item.fine)
    if fact is None:
        return None
    place = (item.area_system, item.fine)
    if place not in views:
        views[place] = viewport(db, *place)
    return ThemeMap(
        key=f"{theme_id}_{item.indicator_id}",
        fact=fact,
        area_system=item.area_system,
        level=item.fine,
        plural=_level(config, *place).plural,
        classes=map_classes(db, *place, item.indicator_id, fact.decimals),
        viewport=views[place],
    )
