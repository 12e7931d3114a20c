"""Needs: rates of the Kreis x the population forecast of every area.

Rates are those of the latest released figure and go on unchanged, or lead in equal steps to a rate that was decided.
Their
interval is that of the naive method, from the changes between the released figures: a rate that moved by s a year is
known
to within 1.28 · s · √h after h years (80 %). Where fewer than three changes are known, or the rate was decided, the
rate
has no interval and the need carries the range of the scenarios only.

Belongs here: rates and the product. Not here: the population (`population`), the arithmetic of intervals
(`analysis.need`).
Source: Hyndman & Athanasopoulos (2021), Forecasting: Principles and Practice, 5.5 (interval of the naive method).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from analysis.frames.population import MIDDLE
from analysis.frames.released import Released
from analysis.frames.stocks import Stocks
from analysis.need import Estimate, need

Values = NDArray[np.float64]
Years = NDArray[np.int64]

OPEN_END = 100
CONFIDENCE = 0.8
LEAST_CHANGES = 3
TYPES = {
    "need_id": "string",
    "area_key": "string",
    "year": "int32",
    "scenario": "string",
    "value": "float64",
    "value_low": "float64",
    "value_high": "float64",
    "population": "float64",
}


@dataclass(frozen=True)
class Part:
    """One age range of a need, see `lagebild.forecasting.NeedPart`."""

    age_from: int
    age_to: int
    measure: str | None
    group: str | None
    rate: float | None
    reached: int | None

    @classmethod
    def of(cls, row: Mapping[Hashable, Any]) -> Part:
        """From a row of the catalogue; what is missing there is None here."""
        given = {str(name): None if pd.isna(value) else value for name, value in row.items()}
        return cls(
            int(given["age_from"] or 0),
            OPEN_END if given["age_to"] is None else int(given["age_to"]),
            given["measure_id"],
            given["group_key"],
            None if given["rate"] is None else float(given["rate"]),
            None if given["reached"] is None else int(given["reached"]),
        )


@dataclass(frozen=True)
class Rate:
    """Rate per person in every year of the horizon, with its interval."""

    value: Values
    lower: Values
    upper: Values


def needs(
    parts: pd.DataFrame, population: pd.DataFrame, figures: pd.DataFrame, stocks: Stocks
) -> pd.DataFrame:
    """One row per need, area, year and scenario.

    `parts`: need_id, position, age_from, age_to, measure_id, group_key, rate, reached; `population`: area_key,
    scenario,
    year, age_from, population (both sexes), its ranges cut where the needs ask; `figures`: measure_id, group_key,
    year, value of the whole Kreis. A need one of
    whose rates has no released figure is left out.
    """
    if parts.empty or population.empty:
        return pd.DataFrame(columns=list(TYPES)).astype(TYPES)
    cube = population.pivot_table(
        index=["area_key", "scenario", "year"],
        columns="age_from",
        values="population",
        aggfunc="sum",
        observed=True,
    )
    years = np.array(sorted(population["year"].unique()), dtype=np.int64)
    areas = cube.index.get_level_values("area_key").unique()
    scenarios = list(cube.index.get_level_values("scenario").unique())
    order = pd.MultiIndex.from_product([areas, scenarios, years], names=["area_key", "scenario", "year"])
    ages = cube.reindex(order).to_numpy(dtype=np.float64).reshape(len(areas), len(scenarios), years.size, -1)
    first = cube.columns.to_numpy(dtype=np.int64)
    tables = []
    for need_id, own in parts.sort_values(["need_id", "position"]).groupby("need_id", sort=False):
        ranges = [Part.of(row) for row in own.to_dict("records")]
        rates = [_rate(part, figures, stocks, years) for part in ranges]
        if any(item is None for item in rates):
            continue
        known = [item for item in rates if item is not None]
        inside = [(first >= part.age_from) & (first <= part.age_to) for part in ranges]
        persons = np.stack([ages[..., place].sum(axis=-1) for place in inside], axis=-1)
        tables.append(_table(str(need_id), persons, known, areas, scenarios, years))
    found = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(TYPES))
    return found.astype(TYPES)


def of_release(
    released: Released,
    settings: pd.DataFrame,
    parts: pd.DataFrame,
    population: pd.DataFrame,
    counts: pd.DataFrame,
) -> pd.DataFrame:
    """The table of a release; `settings` as for `population.of_release`, `counts`: measure_id, group_key, period_end,
    area_key, value of the measures the parts name."""
    for item in settings.to_dict("records"):
        stocks = released.stocks(str(item["area_system"]), str(item["area_level"]))
        if stocks is not None and not population.empty:
            root = released.areas[(released.areas["level_rank"] == 0) & released.areas["is_current"]]
            whole = counts[counts["area_key"].isin(root["area_key"])]
            # The Kreis of one area system is the Kreis of the other: one figure per year.
            latest = whole.dropna(subset="value").sort_values("period_end")
            years = pd.to_datetime(latest["period_end"]).dt.year
            figures = latest.assign(year=years).drop_duplicates(
                ["measure_id", "group_key", "year"], keep="last"
            )
            return needs(parts, population, figures, stocks)
    return pd.DataFrame(columns=list(TYPES)).astype(TYPES)


def _rate(part: Part, figures: pd.DataFrame, stocks: Stocks, years: Years) -> Rate | None:
    """The rate of one age range over the years; None where no figure is released."""
    if part.measure is None:
        decided = np.full(years.size, (part.rate or 0.0) / 100)
        return Rate(decided, decided, decided)
    own = figures[(figures["measure_id"] == part.measure) & (figures["group_key"] == part.group)]
    own = own[own["value"].notna() & own["year"].isin(stocks.years)].sort_values("year")
    if own.empty:
        return None
    counted = own["year"].to_numpy(dtype=np.int64)
    inside = slice(part.age_from, part.age_to + 1)
    persons = np.array([stocks.single(int(year))[..., inside].sum() for year in counted])
    observed = own["value"].to_numpy(dtype=np.float64) / np.maximum(persons, 1e-9)
    latest, since = observed[-1], np.maximum(years - counted[-1], 0).astype(np.float64)
    if part.reached is not None and part.rate is not None:
        way = np.clip(since / max(part.reached - int(counted[-1]), 1), 0.0, 1.0)
        planned = latest + (part.rate / 100 - latest) * way
        return Rate(planned, planned, planned)
    value = np.full(years.size, latest)
    if observed.size <= LEAST_CHANGES:
        return Rate(value, value, value)
    # Root mean square of the yearly changes: those over several years are shared out like a random walk.
    spread = np.sqrt(np.mean(np.diff(observed) ** 2 / np.diff(counted)))
    reach = float(norm.ppf(0.5 + CONFIDENCE / 2)) * spread * np.sqrt(since)
    return Rate(value, np.maximum(value - reach, 0.0), value + reach)


def _table(
    need_id: str, persons: Values, rates: list[Rate], areas: pd.Index, scenarios: list[str], years: Years
) -> pd.DataFrame:
    """`persons`: areas x scenarios x years x parts. The middle scenario carries the range of the scenarios of the
    house."""
    rate = Estimate(
        *(np.stack([getattr(item, name) for item in rates], axis=-1) for name in ("value", "lower", "upper"))
    )
    houses = [index for index, name in enumerate(scenarios) if name in ("niedrig", MIDDLE, "hoch")]
    frames = []
    for index, name in enumerate(scenarios):
        own = persons[:, index]
        low = persons[:, houses].min(axis=1) if name == MIDDLE else own
        high = persons[:, houses].max(axis=1) if name == MIDDLE else own
        wide = Estimate(*(np.broadcast_to(item, own.shape) for item in (rate.value, rate.lower, rate.upper)))
        found = need(wide, Estimate(own, low, high), CONFIDENCE, independent=False)
        frames.append(
            pd.DataFrame(
                {
                    "need_id": need_id,
                    "area_key": np.repeat(np.asarray(areas, dtype=object), years.size),
                    "year": np.tile(years, len(areas)),
                    "scenario": name,
                    "value": found.value.ravel(),
                    "value_low": found.lower.ravel(),
                    "value_high": found.upper.ravel(),
                    "population": own.sum(axis=-1).ravel(),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


__all__ = ["TYPES", "needs", "of_release"]
