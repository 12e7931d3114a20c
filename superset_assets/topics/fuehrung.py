"""What the executive page says beyond the numbers of the base: lights, changes, areas in need, the month, freshness.

Belongs here: facts of the page "Lage auf einen Blick", each from one published table and left out where the release
lacks it. Does not belong here: sentences longer than a line (the dashboard holds them), any rule on what is good.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from lagebild.instance import InstanceConfig
from superset_assets.facts import Facts, IndicatorFacts

GOOD, BAD, NONE = "#009e73", "#d55e00", "#767676"
"""Okabe and Ito; told apart with every kind of colour vision, and never without the word beside it."""
_TILES = 4
"""Tiles above the fold: with date, changes, areas in need and the month that makes eight elements."""
_AREAS_NAMED = 5
_WORTH_NAMING = 0.01
"""A correction by less than a hundredth of the value is rounding, not news."""
_MONTHS = (
    "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
    "Dezember",
)  # fmt: skip


@dataclass(frozen=True)
class Tile:
    """A headline number with its light."""

    key: str
    fact: IndicatorFacts
    light: str
    judgement: str
    """In words what the light says, e.g. `ungünstig (+0,3)`; empty where nothing can be judged."""
    target: str
    """E.g. `Ziel 7,5 % (2027): hinter Plan`; empty without a target."""

    @property
    def title(self) -> str:
        return f"{self.fact.short_label}{self.fact.unit_suffix}"

    @property
    def subtitle(self) -> str:
        # One line: Superset shrinks what does not fit. A decided target says more than the last change.
        return " · ".join(item for item in (self.fact.latest_period, self.target or self.judgement) if item)


@dataclass(frozen=True)
class Change:
    """What the release changed, over all indicators and levels."""

    previous_on: str
    """Date of the release before; empty for the first one."""
    indicators: int
    new_periods: tuple[str, ...]
    """Indicators of the whole territory with a newer figure, e.g. `SGB-II-Quote (31.12.2025)`."""
    new_indicators: int
    corrected: int
    withdrawn: int
    largest: str
    """The largest correction in proportion at the root, or the coarsest level that has one worth naming."""


@dataclass(frozen=True)
class Need:
    """Areas with heightened need (Aufmerksamkeitsbedarf) in the latest year."""

    key: str
    level: str
    year: int
    level_plural: str
    high: int
    assessed: int
    areas: tuple[str, ...]
    """The most urgent ones, with the number of their burdens."""


@dataclass(frozen=True)
class Month:
    """Kennzahl des Monats: the leading indicators take turns, month by month (same rule as the Kurzimpuls)."""

    key: str
    fact: IndicatorFacts
    month: str
    value: str
    wording: str
    extremes: str


@dataclass(frozen=True)
class Freshness:
    """How up to date the deliveries are, from the delivery calendar."""

    sources: int
    complete: int
    overdue: tuple[str, ...]
    oldest: str


@dataclass(frozen=True)
class FuehrungFacts:
    tiles: tuple[Tile, ...]
    change: Change | None
    needs: tuple[Need, ...]
    """One entry, or none where no area is in need or the instance has no rule for it."""
    month: Month
    freshness: Freshness | None

    @property
    def first_tiles(self) -> list[Tile]:
        return list(self.tiles[:_TILES])

    @property
    def further_tiles(self) -> list[Tile]:
        return list(self.tiles[_TILES:])


def read(db: duckdb.DuckDBPyConnection, config: InstanceConfig, base: Facts) -> FuehrungFacts | None:
    """Facts of the page; every part is None where its table has no rows. None without a single headline number."""
    if not base.headlines:
        return None
    filled = base.filled
    return FuehrungFacts(
        tiles=tuple(_tile(db, base, item) for item in base.headlines),
        change=_change(db) if "mart_release_change" in filled else None,
        needs=_need(db, config, base) if "mart_attention" in filled else (),
        month=_month(db, base),
        freshness=_freshness(db) if "mart_delivery" in filled else None,
    )


def _tile(db: duckdb.DuckDBPyConnection, base: Facts, fact: IndicatorFacts) -> Tile:
    row = db.execute(
        """select tendency, change_label from mart_indicator
           where indicator_id = ? and area_key = ? and period_label = ? and value is not null""",
        [fact.indicator_id, base.root_area_key, fact.latest_period],
    ).fetchone()
    tendency, change = row or (None, None)
    words = "" if tendency in (None, "ohne Bewertung") else str(tendency)
    if change:
        words = f"{words} ({change})" if words else f"{change} zum Vorwert"
    light = {"günstig": GOOD, "ungünstig": BAD}.get(tendency or "", NONE)
    target = ""
    if "mart_target" in base.filled:
        found = db.execute(
            """select target_year, target_value_label, state, state_label from mart_target
               where indicator_id = ? and area_key = ? order by target_year limit 1""",
            [fact.indicator_id, base.root_area_key],
        ).fetchone()
        if found is not None:
            target = f"Ziel {found[1]} ({found[0]}): {found[3]}"
            # A decided target says more than the last change.
            light = {"reached": GOOD, "on_track": GOOD, "missed": BAD, "behind": BAD}.get(found[2], light)
    return Tile(fact.indicator_id, fact, light, words, target)


def _change(db: duckdb.DuckDBPyConnection) -> Change:
    totals = db.execute(
        """select strftime(max(previous_released_at), '%d.%m.%Y'), count(distinct indicator_id),
               count(distinct indicator_id) filter (values_new > 0), coalesce(sum(values_changed), 0),
               coalesce(sum(values_withdrawn), 0)
           from mart_release_change"""
    ).fetchone()
    assert totals is not None
    newer = db.execute(
        """select indicator_label || ' (' || arg_max(period_label, period_end) || ')' from mart_release_change
           where level_rank = 0 and values_new > 0 and values_changed + values_withdrawn = 0
           group by indicator_label order by max(period_end) desc, indicator_label"""
    ).fetchall()
    largest = db.execute(
        """select indicator_label || ', ' || period_label || ' – ' || largest_text from mart_release_change
           where largest_share >= ? order by level_rank, largest_share desc, indicator_id limit 1""",
        [_WORTH_NAMING],
    ).fetchone()
    return Change(
        previous_on=totals[0] or "",
        indicators=totals[1],
        new_periods=tuple(str(name) for (name,) in newer),
        new_indicators=totals[2],
        corrected=int(totals[3]),
        withdrawn=int(totals[4]),
        largest=str(largest[0]) if largest else "",
    )


def _need(db: duckdb.DuckDBPyConnection, config: InstanceConfig, base: Facts) -> tuple[Need, ...]:
    level = db.execute(
        """select area_level, max(year), count(*) filter (degree >= 2), count(degree)
           from mart_attention where is_latest and area_system = ? group by area_level
           having count(*) filter (degree >= 1) > 0 order by max(level_rank) desc limit 1""",
        [base.area_system],
    ).fetchone()
    if level is None:
        return ()
    areas = db.execute(
        """select area_name || ' (' || burdens || ' von ' || indicators_judged || ')' from mart_attention
           where is_latest and area_system = ? and area_level = ? and degree >= 2
           order by degree desc, burdens desc, strong_burdens desc, area_name limit ?""",
        [base.area_system, level[0], _AREAS_NAMED],
    ).fetchall()
    plural = next(
        item.plural for item in config.area_system(base.area_system).levels if item.code == level[0]
    )
    return (
        Need("bedarf", level[0], level[1], plural, level[2], level[3], tuple(str(name) for (name,) in areas)),
    )


def _month(db: duckdb.DuckDBPyConnection, base: Facts) -> Month:
    # A head count cannot be compared between areas; it has its turn only where there is nothing else.
    turns = [item for item in base.headlines if item.unit != "Personen"] or list(base.headlines)
    _, month, year = (int(part) for part in base.released_on.split("."))
    fact = turns[(12 * year + month - 1) % len(turns)]
    value = db.execute(
        """select value_label from mart_indicator where indicator_id = ? and area_key = ? and period_label = ?""",
        [fact.indicator_id, base.root_area_key, fact.latest_period],
    ).fetchone()
    ends = db.execute(
        """select arg_min(area_name || ' (' || value_label || ')', value),
               arg_max(area_name || ' (' || value_label || ')', value)
           from mart_indicator where indicator_id = ? and area_system = ? and area_level = ? and is_latest
               and value is not null having count(*) > 1""",
        [fact.indicator_id, base.area_system, base.ranking_level],
    ).fetchone()
    wording = None
    if "mart_trend" in base.filled:
        wording = db.execute(
            "select wording from mart_trend where indicator_id = ? and area_key = ? limit 1",
            [fact.indicator_id, base.root_area_key],
        ).fetchone()
    return Month(
        key=fact.indicator_id,
        fact=fact,
        month=f"{_MONTHS[month - 1]} {year}",
        value=str(value[0]) if value else "",
        wording=str(wording[0]) if wording and wording[0] else "",
        extremes=f"Niedrigster Wert: {ends[0]}, höchster: {ends[1]}" if ends else "",
    )


def _freshness(db: duckdb.DuckDBPyConnection) -> Freshness:
    sources = db.execute(
        """
        with source as (
            select source_id, any_value(source_label) as label,
                bool_or(status = 'overdue') as is_overdue,
                max(period_end) filter (is_there) as newest,
                arg_max(period_label, period_end) filter (is_there) as newest_label
            from mart_delivery group by source_id
        )
        select count(*), count(*) filter (not is_overdue and newest is not null),
            list(label order by label) filter (is_overdue),
            arg_min(label || ' (' || newest_label || ')', newest)
        from source
        """
    ).fetchone()
    assert sources is not None
    return Freshness(sources[0], sources[1], tuple(sources[2] or ()), sources[3] or "")
