"""Released figures of inhabitants, births, deaths and moves as the arrays the population forecast works on.

Belongs here: from rows to areas x sex x bands, the filling of withheld bands from released totals. Not here: rates and
projections (`analysis.migration`, `analysis.cohort`), the tables that come out (`analysis.frames.population`).

Nothing but released figures enters; a withheld band gets what the released totals leave, in the Kreis' proportions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.ages import Bands, Flags, Values, disaggregate, smooth
from analysis.vital import survival_schedule, survivors

MEASURES = ("population", "births", "deaths", "moves_out")
"""Measures of the catalogue that are read."""
EXPECTANCY = (79.0, 83.5)
"""Life expectancy of the schedules whose shape spreads bands over single years, men and women; Germany's of 2022/24.
Their level is set by the counted deaths."""
SURVIVAL: Values = np.stack([survival_schedule(years) for years in EXPECTANCY])
_SEXES = ("m", "f")


@dataclass(frozen=True)
class Stocks:
    """Figures of an area system at one level. Stocks at the end of each year, flows of the year."""

    areas: tuple[str, ...]
    bands: Bands
    has_sex: bool
    stock: Mapping[int, Values]
    """Year → areas x sex x bands without gaps; areas x 1 x bands where only ages are released."""
    estimated: Mapping[int, Flags]
    """Year → areas with a band that was withheld and filled."""
    converted: Mapping[int, bool]
    """Year → figures of other boundaries were converted to those of today."""
    flows: Mapping[str, Mapping[int, Values]] = field(default_factory=dict)
    """births, deaths → year → areas, NaN where withheld."""
    kreis_flows: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    moves_bands: Bands | None = None
    departures: Mapping[int, Values] = field(default_factory=dict)
    """Year → areas x bands of the moves."""

    @property
    def years(self) -> tuple[int, ...]:
        """Years with a stock, in order."""
        return tuple(sorted(self.stock))

    @cached_property
    def _singles(self) -> dict[int, Values]:
        return {}

    def single(self, year: int) -> Values:
        """Stock by single year of age, with the Kreis' structure inside each band."""
        if year not in self._singles:
            self._singles[year] = self._spread(self.stock[year])
        return self._singles[year]

    def _spread(self, banded: Values) -> Values:
        found = []
        for sex in range(banded.shape[1]):
            alive = survivors(SURVIVAL[sex] if self.has_sex else SURVIVAL.mean(axis=0))
            structure = smooth(banded[:, sex].sum(axis=0), self.bands, alive)
            found.append(disaggregate(banded[:, sex], structure, self.bands)[0])
        return np.stack(found, axis=1)


def tidy(
    figures: pd.DataFrame, as_is: pd.DataFrame, groups: pd.DataFrame, periods: pd.DataFrame
) -> pd.DataFrame:
    """Rows of `MEASURES` with year and group; converted figures take the place of those of other boundaries.

    One stock per year: that of December, where there is none the month of the latest stock.
    """
    key = ["measure_id", "area_key", "period_key", "group_key"]
    columns = [*key, "value"]
    both = pd.concat([as_is[columns].assign(converted=True), figures[columns].assign(converted=False)])
    both = both.drop_duplicates(key).merge(periods[["period_key", "period_end"]], on="period_key")
    ends = pd.to_datetime(both["period_end"])
    both = both.assign(year=ends.dt.year, month=ends.dt.month)
    months = both.loc[both["measure_id"] == "population"].groupby("month")["year"].max()
    if months.empty:
        return both.iloc[:0].merge(groups, on="group_key")
    chosen = 12 if 12 in months.index else int(ends[both["measure_id"] == "population"].max().month)
    both = both[(both["month"] == chosen) | (both["measure_id"] != "population")]
    return both.merge(groups[["group_key", "breakdown", "age_from", "age_to", "sex"]], on="group_key")


def read(rows: pd.DataFrame, areas: pd.DataFrame, area_system: str, area_level: str) -> Stocks | None:
    """Stocks of the areas of today at a level; None where no stock by age is released there.

    `rows`: see `tidy`; `areas`: area_key, area_system, area_level, level_rank, is_current.
    """
    inside = areas[(areas["area_system"] == area_system) & areas["is_current"]]
    level = inside.loc[inside["area_level"] == area_level, "area_key"]
    root = inside.loc[inside["level_rank"] == 0, "area_key"]
    people = rows[(rows["measure_id"] == "population") & rows["area_key"].isin(level)]
    ages = people[people["breakdown"] == "age"]
    if ages.empty:
        return None
    last = int(ages["year"].max())
    keys = tuple(sorted(people.loc[people["year"] == last, "area_key"].unique()))
    lower = _tiling(ages[ages["year"] == last])
    if not keys or lower is None:
        return None
    bands = Bands(lower)
    by_age = _cells(ages, keys, lower)
    totals = _cells(people[people["breakdown"] == "total"].assign(age_from=0), keys, (0,))
    crossed = people[people["breakdown"] == "age;sex"]
    sexes = [_cells(crossed[crossed["sex"] == sex], keys, lower) for sex in _SEXES]
    has_sex = all(last in item for item in sexes)
    kept, estimated = {}, {}
    nothing = np.full((len(keys), 1), np.nan)
    for year, counts in sorted(by_age.items()):
        if has_sex and any(year not in item for item in sexes):
            continue
        total = totals.get(year, nothing)[:, 0]
        if np.isnan(counts).all(axis=1).any() or _contradicts(counts, total):
            # An area without any figure, or ages that are not all of its persons: no stock of all areas.
            continue
        filled, hidden = _filled(counts, total, bands)
        if has_sex:
            both = np.stack([item[year] for item in sexes], axis=1)
            kept[year], estimated[year] = _sexes(both, filled, hidden)
        else:
            kept[year], estimated[year] = filled[:, None], hidden.any(axis=1)
    converted = people.groupby("year")["converted"].any()
    flows, kreis_flows = {}, {}
    for name in ("births", "deaths"):
        events = rows[(rows["measure_id"] == name) & (rows["breakdown"] == "total")].assign(age_from=0)
        flows[name] = {year: cell[:, 0] for year, cell in _cells(events, keys, (0,)).items()}
        whole = _cells(events, tuple(root), (0,))
        kreis_flows[name] = {
            year: float(cell[0, 0]) for year, cell in whole.items() if cell.size and not np.isnan(cell[0, 0])
        }
    moves_bands, departures = _departures(rows, keys)
    return Stocks(
        keys,
        bands,
        has_sex,
        kept,
        estimated,
        dict(zip(converted.index.astype(int).tolist(), converted.astype(bool).tolist(), strict=True)),
        flows,
        kreis_flows,
        moves_bands,
        departures,
    )


def _tiling(rows: pd.DataFrame) -> tuple[int, ...] | None:
    """First ages of bands that follow each other without gap or overlap, the last one open; None for others."""
    bands = rows[["age_from", "age_to"]].drop_duplicates().sort_values(["age_from", "age_to"])
    first = bands["age_from"].to_numpy(dtype=np.float64)
    last = bands["age_to"].to_numpy(dtype=np.float64, na_value=np.inf)
    follows = first.size > 0 and first[0] == 0 and np.isinf(last[-1]) and (last[:-1] + 1 == first[1:]).all()
    return tuple(int(age) for age in first) if follows else None


def _contradicts(counts: Values, totals: Values) -> bool:
    """The bands of an area, all known, are not its released total."""
    known = ~np.isnan(counts).any(axis=1) & ~np.isnan(totals)
    return bool((np.abs(counts[known].sum(axis=1) - totals[known]) > 0.005 * totals[known] + 1).any())


def _cells(rows: pd.DataFrame, areas: tuple[str, ...], lower: tuple[int, ...]) -> dict[int, Values]:
    """Year → areas x bands; NaN where there is no released figure. Years with other bands are left out."""
    years, step = np.unique(rows["year"].to_numpy(dtype=np.int64), return_inverse=True)
    area = pd.Index(areas).get_indexer(pd.Index(rows["area_key"]))
    first = rows["age_from"].to_numpy(dtype=np.float64, na_value=np.nan)
    band: NDArray[np.intp] = pd.Index(lower, dtype=np.float64).get_indexer(pd.Index(first))
    cube = np.full((years.size, len(areas), len(lower)), np.nan)
    known = (area >= 0) & (band >= 0)
    cube[step[known], area[known], band[known]] = rows["value"].to_numpy(dtype=np.float64, na_value=np.nan)[
        known
    ]
    found = {int(year): cube[place] for place, year in enumerate(years)}
    if len(lower) == 1:
        return found
    expected = {(a, b - 1) for a, b in zip(lower, [*lower[1:], 0], strict=True)}
    last = rows["age_to"].to_numpy(dtype=np.float64, na_value=-1.0)
    last = np.where(np.isnan(last), -1.0, last)
    seen: dict[int, set[tuple[float, float]]] = {}
    for year, pair in set(
        zip(rows["year"].tolist(), zip(first.tolist(), last.tolist(), strict=True), strict=True)
    ):
        seen.setdefault(int(year), set()).add(pair)
    return {year: cells for year, cells in found.items() if seen[year] == expected}


def _filled(counts: Values, totals: Values, bands: Bands) -> tuple[Values, NDArray[np.bool_]]:
    """Withheld bands from what the totals leave, in the proportions of the areas that are known completely."""
    complete = ~np.isnan(counts).any(axis=1)
    known = counts[complete] if complete.any() else np.nan_to_num(counts)
    structure = smooth(np.maximum(known.sum(axis=0), 1e-9), bands, survivors(SURVIVAL.mean(axis=0)))
    single, hidden = disaggregate(counts, structure, bands, totals)
    return bands.sum(single), hidden


def _sexes(by_sex: Values, by_age: Values, hidden_age: Flags) -> tuple[Values, Flags]:
    """areas x 2 x bands that add up to the ages: what is withheld gets the rest, or the Kreis' share of the sexes."""
    known = np.nansum(by_sex, axis=0)
    share = known / np.maximum(known.sum(axis=0), 1e-9)
    share = np.where(known.sum(axis=0) > 0, share, 0.5)
    hidden = np.isnan(by_sex)
    rest = np.maximum(by_age[:, None] - np.nansum(by_sex, axis=1, keepdims=True), 0.0)
    alone = hidden & ~hidden[:, ::-1]
    filled = np.where(hidden, np.where(alone, rest, by_age[:, None] * share), by_sex)
    total = filled.sum(axis=1, keepdims=True)
    even = by_age[:, None] * share
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.where(total > 0, filled * by_age[:, None] / total, even)
    return scaled, (hidden.any(axis=1) | hidden_age).any(axis=1)


def _departures(rows: pd.DataFrame, areas: tuple[str, ...]) -> tuple[Bands | None, dict[int, Values]]:
    """Moves out of the Kreis by the age bands they are released in; none where they are not."""
    moves = rows[(rows["measure_id"] == "moves_out") & rows["age_from"].notna()]
    if moves.empty:
        return None, {}
    lower = _tiling(moves[moves["year"] == moves["year"].max()])
    if lower is None:
        return None, {}
    bands = Bands(lower)
    totals = rows[(rows["measure_id"] == "moves_out") & (rows["breakdown"] == "total")].assign(age_from=0)
    whole = _cells(totals, areas, (0,))
    found = {}
    for year, counts in _cells(moves, areas, lower).items():
        known = np.nan_to_num(whole.get(year, np.full((len(areas), 1), np.nan))[:, 0])
        # Where neither bands nor total are released, the area is taken to lose nobody beyond its net balance.
        found[year] = np.nan_to_num(_filled(counts, known, bands)[0])
    return bands, found


__all__ = ["MEASURES", "SURVIVAL", "Stocks", "read", "tidy"]
