"""The figures of one release up to a year, as the reports ask for them.

Belongs here: queries on the star and the choice of period. Does not belong here: sentences, charts, optional topics
(each section reads its own tables).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from lagebild.instance import InstanceConfig
from lagebild.map_classes import QUANTILES, MapClass, map_classes
from reports.facts import Area, Figure, Indicator, Theme
from reports.release import NothingReleased, Release

_COLUMNS = """indicator_id, area_key, area_name, period_label, period_type, period_end, year, value, value_label,
    empty_reason, kreis_value, previous_value, change, change_reason, tendency"""


class Reader:
    """Figures of the main area system of an instance, nothing after `year` (None: everything released).

    Raises NothingReleased where the release has no figure up to that year.
    """

    def __init__(self, release: Release, config: InstanceConfig, year: int | None = None) -> None:
        self.release = release
        self.config = config
        self.system = config.main_area_system
        newest = release.rows(
            "select max(year) as year from mart_indicator where area_system = ? and value is not null"
            " and level_rank = 0 and year <= ?",
            [self.system, year or 9999],
        )[0]["year"]
        if newest is None:
            raise NothingReleased(
                f"Für {year} und früher ist nichts veröffentlicht."
                if year
                else "Es ist nichts veröffentlicht."
            )
        self.year: int = year or int(newest)

    @cached_property
    def areas(self) -> tuple[Area, ...]:
        """Areas of today, coarsest level first; without what cannot be assigned to any area."""
        rows = self.release.rows(
            """select * from dim_area where area_system = ? and is_current and not is_unassigned
               order by level_rank, area_code""",
            [self.system],
        )
        return tuple(
            Area(
                key=row["area_key"],
                code=row["area_code"],
                name=row["area_name"],
                level=row["area_level"],
                level_label=row["area_level_label"],
                rank=row["level_rank"],
                parent_key=row["parent_area_key"] or "",
                parent_name=row["parent_area_name"] or "",
            )
            for row in rows
        )

    @cached_property
    def area_by_key(self) -> Mapping[str, Area]:
        return {area.key: area for area in self.areas}

    @cached_property
    def root(self) -> Area:
        found = [area for area in self.areas if area.rank == 0]
        if not found:
            raise NothingReleased("Die Veröffentlichung nennt kein Gesamtgebiet.")
        return found[0]

    def at_level(self, level: str) -> tuple[Area, ...]:
        return tuple(area for area in self.areas if area.level == level)

    def above(self, area: Area) -> tuple[Area, ...]:
        """Areas that contain it, nearest first; of those of one name the nearest; without the root."""
        chain: list[Area] = []
        parent = self.area_by_key.get(area.parent_key)
        while parent is not None and parent.rank > 0:
            chain.append(parent)
            parent = self.area_by_key.get(parent.parent_key)
        named = {item.name: item for item in reversed(chain)}
        return tuple(item for item in chain if item.name != area.name and named[item.name] is item)

    def plural(self, level: str) -> str:
        """Name of a level in the plural, e.g. `Sozialräume`."""
        levels = self.config.area_system(self.system).levels
        return next(item.plural for item in levels if item.code == level)

    def singular(self, level: str) -> str:
        levels = self.config.area_system(self.system).levels
        return next(item.label for item in levels if item.code == level)

    @cached_property
    def profile_level(self) -> str:
        """Finest level with areas of today: the one that gets profiles."""
        return self.areas[-1].level

    @cached_property
    def indicators(self) -> Mapping[str, Indicator]:
        """Active indicators with a released value up to the year."""
        rows = self.release.rows("select * from dim_indicator where is_active order by theme_id, label")
        known = set(self._period_of)
        related = {
            row["indicator_key"]
            for row in self.release.rows(
                "select indicator_key from dim_indicator_part where part = 'denominator'"
            )
        }
        return {
            row["indicator_id"]: Indicator(
                id=row["indicator_id"],
                label=row["label"],
                short_label=row["short_label"] or row["label"],
                definition=row["definition"] or "",
                theme_id=row["theme_id"],
                theme_label=row["theme_label"],
                kind=row["kind"],
                unit=row["unit"] or "",
                decimals=row["decimals"] or 0,
                polarity=row["polarity"] or "neutral",
                source_label=row["source_label"] or "",
                legal_basis=row["legal_basis"] or "",
                caveats=row["caveats"] or "",
                breaks=row["breaks"] or "",
                is_absolute=row["kind"] == "count"
                or (row["kind"] == "money" and row["indicator_key"] not in related),
            )
            for row in rows
            if row["indicator_id"] in known
        }

    @cached_property
    def _period_of(self) -> Mapping[str, str]:
        """Latest period of every indicator: the newest the whole territory has a value for, else any area."""
        rows = self.release.rows(
            """select indicator_id, coalesce(
                   arg_max(period_key, period_end) filter (where level_rank = 0),
                   arg_max(period_key, period_end)) as period_key
               from mart_indicator where area_system = ? and year <= ? and value is not null group by all""",
            [self.system, self.year],
        )
        return {row["indicator_id"]: row["period_key"] for row in rows}

    @cached_property
    def _latest(self) -> Mapping[tuple[str, str], Figure]:
        chosen = ", ".join("(?, ?)" for _ in self._period_of)
        if not chosen:
            return {}
        flat = [item for pair in self._period_of.items() for item in pair]
        rows = self.release.rows(
            f"""select {_COLUMNS} from mart_indicator
                where area_system = ? and is_current_area and (indicator_id, period_key) in ({chosen})""",
            [self.system, *flat],
        )
        return {(row["indicator_id"], row["area_key"]): _figure(row) for row in rows}

    def latest(self, indicator_id: str, area: Area) -> Figure | None:
        """The figure of the indicator's latest period; None where the area has no row."""
        return self._latest.get((indicator_id, area.key))

    def spread(self, indicator_id: str, level: str) -> list[tuple[Area, Figure | None]]:
        """The latest figure of every area of a level, in the order of the areas."""
        return [(area, self.latest(indicator_id, area)) for area in self.at_level(level)]

    def series(self, area: Area) -> Mapping[str, list[Figure]]:
        """All periods up to the latest, per indicator."""
        found: dict[str, list[Figure]] = defaultdict(list)
        for row in self.release.rows(
            f"""select {_COLUMNS} from mart_indicator
                where area_system = ? and area_key = ? and year <= ? order by indicator_id, period_end""",
            [self.system, area.key, self.year],
        ):
            found[row["indicator_id"]].append(_figure(row))
        return found

    @cached_property
    def root_series(self) -> Mapping[str, list[Figure]]:
        return self.series(self.root)

    @cached_property
    def themes(self) -> tuple[Theme, ...]:
        """Themes in the order of the catalogue; what the dashboards put first comes first here, too."""
        wanted = self.config.dashboard
        first = list(
            dict.fromkeys(
                (
                    *wanted.headline_indicators,
                    wanted.map_indicator,
                    *wanted.series_indicators,
                    wanted.ranking_indicator,
                )
            )
        )

        def order(item: Indicator) -> tuple[int, bool, bool, str]:
            place = first.index(item.id) if item.id in first else len(first)
            return (place, item.polarity == "neutral", item.is_absolute, item.label)

        rows = self.release.rows("select theme_id, label from dim_theme order by sort_key")
        themes = []
        for row in rows:
            members = [item for item in self.indicators.values() if item.theme_id == row["theme_id"]]
            # A figure of the whole territory opens every theme: without one there is nothing to say about it.
            shown = [item for item in members if self._has_value(item.id, self.root)]
            if shown:
                themes.append(Theme(row["theme_id"], row["label"], tuple(sorted(shown, key=order))))
        return tuple(themes)

    @cached_property
    def headlines(self) -> tuple[Indicator, ...]:
        """Leading indicators of the instance that the release has a value of."""
        return tuple(
            self.indicators[name]
            for name in self.config.dashboard.headline_indicators
            if name in self.indicators and self._has_value(name, self.root)
        )

    def _has_value(self, indicator_id: str, area: Area) -> bool:
        figure = self.latest(indicator_id, area)
        return figure is not None and figure.value is not None

    def classes(self, indicator: Indicator, level: str) -> tuple[MapClass, ...]:
        """Map classes by quantiles over all released periods of the level."""
        rows = self.release.rows(
            """select quantile_cont(value, ?) as quantiles from mart_indicator
               where indicator_id = ? and area_system = ? and area_level = ? and value is not null""",
            [list(QUANTILES), indicator.id, self.system, level],
        )
        return map_classes(rows[0]["quantiles"] or [], indicator.decimals)

    @cached_property
    def rings(self) -> Mapping[str, list[str]]:
        """Outlines of the areas of today: area key to rings as JSON (a ring, or an outer ring with its holes)."""
        found: dict[str, list[str]] = defaultdict(list)
        keys = set(self.area_by_key)
        for row in self.release.rows(
            "select area_key, ring_json from dim_area_polygon order by area_key, part"
        ):
            if row["area_key"] in keys:
                found[row["area_key"]].append(row["ring_json"])
        return found

    def map_level(self, indicator_id: str, least: float = 0.4) -> str | None:
        """Finest level with outlines where enough areas have a value; None where no level has."""
        best = None
        for level in dict.fromkeys(area.level for area in self.areas if area.rank > 0):
            drawn = [area for area in self.at_level(level) if area.key in self.rings]
            known = sum(self._has_value(indicator_id, area) for area in drawn)
            if drawn and known >= max(3, least * len(drawn)):
                best = level
        return best


def _figure(row: Mapping[str, Any]) -> Figure:
    return Figure(
        indicator_id=row["indicator_id"],
        area_key=row["area_key"],
        area_name=row["area_name"],
        period_label=row["period_label"],
        period_type=row["period_type"],
        period_end=row["period_end"],
        year=row["year"],
        value=row["value"],
        value_label=row["value_label"] or row["empty_reason"] or "keine Angabe",
        empty_reason=row["empty_reason"] or "",
        kreis_value=row["kreis_value"],
        previous_value=row["previous_value"],
        change=row["change"],
        change_reason=row["change_reason"] or "",
        tendency=row["tendency"] or "",
    )


def before(figures: Sequence[Figure], latest: Figure) -> Figure | None:
    """The figure `latest.previous_value` comes from: the nearest earlier one of that value."""
    if latest.previous_value is None:
        return None
    earlier = [
        item
        for item in figures
        if item.period_end < latest.period_end and item.value == latest.previous_value
    ]
    # Two of the same value: the one a year before, because the release compares with the same day of the year.
    same_day = [
        i
        for i in earlier
        if (i.period_end.month, i.period_end.day) == (latest.period_end.month, latest.period_end.day)
    ]
    found = same_day or earlier
    return found[-1] if found else None


__all__ = ["Reader", "before"]
