"""What the Sozialraumprofil needs: the area it opens with, axes of the radar, trend lines, scale of the age pyramid.

Belongs here: read-only queries on a released file. Does not belong here: figures of an area (the datasets hold them).
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from lagebild.instance import InstanceConfig
from superset_assets.facts import Facts, IndicatorFacts, indicator_facts

_RADAR_MINIMUM = 3
"""Fewer axes do not span an area."""
_OPEN_BAND_YEARS = 15
"""Years of age an open last band (80 and over) is spread over, so that its bar compares with the others."""
_SCALE_FROM_INHABITANTS = 300
"""Smaller areas do not stretch the common axis: one person more or less is a long bar there."""


@dataclass(frozen=True)
class Pyramid:
    """How the population is broken down at its latest day."""

    breakdown: str
    """`age;sex`, or `age` where the sexes are not released."""
    period_label: str
    maximum: int
    """Upper end of the axis, the same for all areas, so that they compare: persons per year of age and 1,000."""

    @property
    def has_sexes(self) -> bool:
        return self.breakdown == "age;sex"


@dataclass(frozen=True)
class PyramidPart:
    """One chart of the age pyramid. `mirrored`: bars run from right to left."""

    key: str
    title: str
    geschlecht: str
    mirrored: bool
    with_ages: bool


@dataclass(frozen=True)
class ProfilFacts:
    """Grain: one release. `indicators` are those of the radar and the trend lines, in the order of the instance."""

    area_label: str
    level_label: str
    indicators: tuple[IndicatorFacts, ...]
    radar: tuple[IndicatorFacts, ...]
    """Axes of the radar, none below three: only indicators that compare areas of different size."""
    pyramid: Pyramid | None
    open_band_years: int
    has_index: bool
    has_attention: bool
    has_statistic: bool

    @property
    def has_radar(self) -> bool:
        return bool(self.radar)

    @property
    def trend_rows(self) -> list[list[str]]:
        """Trend lines, two in a row; on a telephone they stand below each other."""
        keys = [f"profil_entwicklung_{item.indicator_id}" for item in self.indicators]
        return [keys[start : start + 2] for start in range(0, len(keys), 2)]

    @property
    def pyramid_parts(self) -> list[PyramidPart]:
        """Men on the left, women on the right; one chart where the sexes are not released, none without ages."""
        if self.pyramid is None:
            return []
        title = f"Altersaufbau {self.pyramid.period_label}"
        if not self.pyramid.has_sexes:
            return [PyramidPart("insgesamt", title, "insgesamt", False, True)]
        return [
            PyramidPart("maenner", f"{title}: Männer", "männlich", True, False),
            PyramidPart("frauen", f"{title}: Frauen", "weiblich", False, True),
        ]

    @property
    def indicator_ids(self) -> list[str]:
        return [item.indicator_id for item in self.indicators]


def read(db: duckdb.DuckDBPyConnection, config: InstanceConfig, base: Facts) -> ProfilFacts | None:
    """Facts of the profile; None where the release has no flat table of profiles."""
    if "mart_profile" not in base.filled:
        return None
    opened = _opening_area(db, config, base)
    if opened is None:
        return None
    area_key, area_label, level, level_label = opened
    wanted = config.dashboard.profile_indicators or tuple(
        dict.fromkeys((*config.dashboard.headline_indicators, *config.dashboard.series_indicators))
    )
    found = tuple(
        item for name in wanted if (item := indicator_facts(db, base.area_system, name, level)) is not None
    )
    comparable = {
        str(name)
        for (name,) in db.execute(
            "select distinct indicator_id from mart_profile where area_system = ? and area_level = ? "
            "and position is not null and (kreis_position is not null or kreis_value is null)",
            [base.area_system, level],
        ).fetchall()
    }
    radar = tuple(item for item in found if item.indicator_id in comparable)
    return ProfilFacts(
        area_label=area_label,
        level_label=level_label,
        indicators=found,
        radar=radar if len(radar) >= _RADAR_MINIMUM else (),
        pyramid=_pyramid(db, base, area_key),
        open_band_years=_OPEN_BAND_YEARS,
        has_index="mart_index" in base.filled,
        has_attention="mart_attention" in base.filled,
        has_statistic="mart_statistic" in base.filled,
    )


def _opening_area(
    db: duckdb.DuckDBPyConnection, config: InstanceConfig, base: Facts
) -> tuple[str, str, str, str] | None:
    """(key, label, level, level label) of the area the page opens with.

    The area the instance names; else the one of the map's level with most released figures, the larger of equals.
    """
    row = db.execute(
        """
        select area_key, any_value(area_label), any_value(area_level), any_value(area_level_label)
        from mart_profile
        where area_system = ? and (area_code = ? or (? = '' and area_level = ?))
        group by area_key
        order by count(value) desc, max(value) filter (where indicator_id = 'population_total') desc, area_key
        limit 1
        """,
        [base.area_system, config.dashboard.profile_area, config.dashboard.profile_area, base.map_level],
    ).fetchone()
    return None if row is None else (str(row[0]), str(row[1]), str(row[2]), str(row[3]))


def _pyramid(db: duckdb.DuckDBPyConnection, base: Facts, area_key: str) -> Pyramid | None:
    """The finest breakdown by age that is released for the area, preferably by sex."""
    for breakdown in ("age;sex", "age"):
        row = db.execute(
            """
            with latest as (
                select m.*, max(period_end) over () as newest from mart_measure m
                where measure_id = 'population' and breakdown = ? and area_system = ? and age_from is not null
            ),
            total as (
                select area_key, period_key, value from mart_measure
                where measure_id = 'population' and breakdown = 'total' and area_system = ?
            )
            select any_value(latest.period_label),
                max(1000 * latest.value / total.value / coalesce(latest.age_to - latest.age_from + 1, ?))
                    filter (where total.value >= ?),
                bool_or(latest.area_key = ?)
            from latest join total using (area_key, period_key)
            where period_end = newest and latest.sex is distinct from 'd'
            """,
            [
                breakdown,
                base.area_system,
                base.area_system,
                _OPEN_BAND_YEARS,
                _SCALE_FROM_INHABITANTS,
                area_key,
            ],
        ).fetchone()
        if row is not None and row[1] is not None and row[2]:
            return Pyramid(breakdown, str(row[0]), _round_up(float(row[1])))
    return None


def _round_up(value: float) -> int:
    """The next even number: an axis from 0 to it has equal steps."""
    return 2 * (int(value // 2) + 1)
