"""Population forecast of an area system: stocks and assumptions in, the balance of every area and year out.

Cohort-component where ages by sex, births and deaths are released; Hamilton-Perry where there are only stocks by age.
Levels above the projected one are its sums, so that everything adds up to the Kreis.

Belongs here: choice of the method, scenarios, the long table. Not here: reading of released figures (`stocks`), the
steps themselves (`cohort`, `hamilton_perry`), back-tests (`population_record`).
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis import hamilton_perry
from analysis.ages import Bands, Flags, Values
from analysis.cohort import Change, Rates, fold, paths, project
from analysis.frames.released import Released
from analysis.frames.stocks import SURVIVAL, Stocks
from analysis.migration import ObservedYear, estimate_rates
from analysis.vital import Scenario, fertility_schedule

COHORT = "Kohorten-Komponenten-Methode"
HAMILTON_PERRY = "Hamilton-Perry-Verfahren"
HALF_WEIGHT = 4000.0
"""Person-years of an area's band and sex after which its own migration counts half; as for Hamilton-Perry."""
MIDDLE = "mittel"
TERMS = ("population", "births", "deaths", "arrivals", "departures", "reconciliation", "planned")
COLUMNS = ("area_key", "scenario", "year", "sex", "age_from", *TERMS, "method", "obs_status")
ASKED = (18, 60)
"""Ages at which children end and the old begin: shares are asked of every population."""


@dataclass(frozen=True)
class Assumption:
    """A scenario with the changes a planner knows of."""

    scenario: Scenario
    changes: tuple[Change, ...] = ()
    is_planner: bool = False


@dataclass(frozen=True)
class Course:
    """Balance of one scenario. T years, n areas, S sexes (2, or 1 for both together), A ages at the end of the year."""

    first_year: int
    stock: Values
    """(T + 1) x n x S x A, the base first."""
    terms: Values
    """6 x T x n x S x A in the order of `TERMS` without the stock; signed where they may be."""


def observed_years(stocks: Stocks, base: int, years: int) -> list[ObservedYear]:
    """The years up to the stock `base` for which both ends and the Kreis' births and deaths are released."""
    found = []
    for year in range(base - years + 1, base + 1):
        ends = year - 1 in stocks.stock and year in stocks.stock
        if not ends or any(year not in stocks.kreis_flows.get(name, {}) for name in ("births", "deaths")):
            continue
        found.append(
            ObservedYear(
                start=stocks.single(year - 1),
                end=stocks.single(year),
                births=stocks.kreis_flows["births"][year],
                deaths=stocks.kreis_flows["deaths"][year],
                area_births=stocks.flows["births"].get(year),
                area_deaths=stocks.flows["deaths"].get(year),
                departures=_departing(stocks, year),
            )
        )
    return found


def _departing(stocks: Stocks, year: int) -> Values | None:
    """Share of each age at the start of the year that leaves the Kreis, areas x ages; None: not counted."""
    if stocks.moves_bands is None or year not in stocks.departures:
        return None
    persons = stocks.moves_bands.sum(stocks.single(year - 1).sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(persons > 0, stocks.departures[year] / persons, 0.0)
    return stocks.moves_bands.spread(np.clip(share, 0.0, 1.0))


def has_flows(stocks: Stocks, base: int, years: int) -> bool:
    """Cohort-component is possible: ages by sex and at least two years with births and deaths."""
    return stocks.has_sex and len(observed_years(stocks, base, years)) >= 2


def cohort_rates(stocks: Stocks, base: int, years: int) -> tuple[Rates, Rates]:
    """Rates of the areas and of the Kreis from the last `years` years up to `base`."""
    return estimate_rates(
        observed_years(stocks, base, years), stocks.bands, fertility_schedule(1.45), SURVIVAL, HALF_WEIGHT
    )


def cohort_course(
    stocks: Stocks, base: int, until: int, rates: tuple[Rates, Rates], assumption: Assumption
) -> Course:
    """One scenario by cohort-component."""
    stock = stocks.single(base)
    areas, kreis = (paths(item, assumption.scenario, until - base) for item in rates)
    areas, kreis = _occupied(areas, kreis, assumption.changes, stock, base)
    found = project(stock, areas, first_year=base, kreis=kreis, changes=assumption.changes)
    births = np.zeros_like(found.in_migration)
    births[..., 0] = found.births
    terms = (births, fold(found.deaths), found.in_migration, fold(found.out_migration))
    return Course(base, found.stock, np.stack([*terms, found.reconciliation, found.planned]))


def _occupied(
    areas: tuple[Rates, ...], kreis: tuple[Rates, ...], changes: Sequence[Change], stock: Values, base: int
) -> tuple[tuple[Rates, ...], tuple[Rates, ...]]:
    """Dwellings stay occupied: whoever leaves a new housing area is followed by others, and a closed home takes nobody
    in any more. From the year after a change the area's arrivals grow or shrink like its persons; what does not come
    from the Kreis is added to the Kreis' arrivals."""
    persons = np.maximum(stock.sum(axis=(1, 2)), 1.0)
    own, whole = [], []
    for step, (area, all_areas) in enumerate(zip(areas, kreis, strict=True)):
        arrivals, outside = area.in_migration.copy(), all_areas.in_migration.copy()
        for change in changes:
            if change.year < base + 1 + step:
                share = max(change.persons.sum() / persons[change.area], -1.0)
                extra = area.in_migration[change.area] * share
                arrivals[change.area] += extra
                outside[0] += extra * (1 - change.within_kreis)
        own.append(replace(area, in_migration=np.maximum(arrivals, 0.0)))
        whole.append(replace(all_areas, in_migration=np.maximum(outside, 0.0)))
    return tuple(own), tuple(whole)


def transitions(stocks: Stocks, base: int, years: int) -> list[hamilton_perry.Transition]:
    """Steps between yearly stocks up to `base`, none of them over a reform of areas."""
    return [
        hamilton_perry.Transition(stocks.stock[year - 1].sum(axis=1), stocks.stock[year].sum(axis=1))
        for year in range(base - years + 1, base + 1)
        if year - 1 in stocks.stock
        and year in stocks.stock
        and stocks.converted.get(year - 1) == stocks.converted.get(year)
    ]


def hamilton_perry_course(
    stocks: Stocks, base: int, until: int, steps: Sequence[hamilton_perry.Transition], name: str
) -> Course:
    """One scenario without flows. `niedrig` and `hoch` lead the Kreis half of the way from the mean of the observed
    years
    to the mean of their weaker or stronger half; nothing else is known about its future."""
    standards = hamilton_perry.standard()
    ratios = hamilton_perry.change_ratios(steps, stocks.bands, standards)
    single = [hamilton_perry.change_ratios([step], stocks.bands, standards).kreis for step in steps]
    persons = [step.start.sum(axis=0) for step in steps]
    order = np.argsort(
        [float(kreis @ people / people.sum()) for kreis, people in zip(single, persons, strict=True)]
    )
    half = max(len(steps) // 2, 1)
    chosen = {"niedrig": order[:half], "hoch": order[-half:]}.get(name)
    if chosen is not None:
        aim = np.mean([single[index] for index in chosen], axis=0)
        ratios = replace(ratios, kreis=(ratios.kreis + aim) / 2)
    found = hamilton_perry.project(
        stocks.stock[base].sum(axis=1), ratios, stocks.bands, standards, until - base
    )
    births = np.zeros_like(found.net_migration)
    births[..., 0] = found.births
    net, nothing = found.net_migration, np.zeros_like(births)
    terms = (births, fold(found.deaths), np.maximum(net, 0.0), np.maximum(-net, 0.0), nothing, nothing)
    return Course(base, found.stock[:, :, None], np.stack(terms)[:, :, :, None])


def assumptions(
    scenarios: pd.DataFrame, changes: pd.DataFrame, codes: pd.DataFrame, stocks: Stocks
) -> list[Assumption]:
    """Scenarios of the catalogue in their order. `codes`: area_key, area_level, area_code of today's areas.

    Raises ValueError (German) for a change in an area that is not projected.
    """
    found = []
    for row in scenarios.sort_values("position").to_dict("records"):
        scenario = Scenario(
            str(row["scenario"]),
            float(row["fertility"]),
            float(row["expectancy_gain"]),
            float(row["in_migration"]),
            int(row["years_until"]),
        )
        own = changes[changes["scenario"] == row["scenario"]].sort_values("position")
        listed = tuple(item for change in own.to_dict("records") for item in _changes(change, codes, stocks))
        found.append(Assumption(scenario, listed, bool(row["is_planner"])))
    return found


def _changes(change: Mapping[Hashable, Any], codes: pd.DataFrame, stocks: Stocks) -> list[Change]:
    level, code = str(change["area_level"]), str(change["area_code"])
    keys = codes.loc[(codes["area_level"] == level) & (codes["area_code"] == code), "area_key"]
    places = [stocks.areas.index(key) for key in keys if key in stocks.areas]
    if not places:
        raise ValueError(
            f"Szenario „{change['scenario']}“, „{change['label']}“: Das Gebiet {code} der Ebene „{level}“ wird nicht "
            "vorausberechnet."
        )
    profile = np.zeros((2, stocks.bands.ages))
    for first, last, share in json.loads(str(change["profile_json"])):
        end = stocks.bands.top if last is None else last
        profile[:, first : end + 1] += share / (2 * (end + 1 - first))
    years = int(change["years"])
    persons = profile / profile.sum() * float(change["persons"]) / years
    first_year, within = int(change["year"]), float(change["within_kreis"])
    return [Change(places[0], first_year + offset, persons, within) for offset in range(years)]


def forecast(
    stocks: Stocks,
    base_years: int,
    until: int,
    assumed: Sequence[Assumption],
    ancestors: pd.DataFrame,
    cuts: Sequence[int] = (),
) -> pd.DataFrame:
    """Long table: area x scenario x year x sex x range of ages (at the end of the year) with all terms of the balance.

    `ancestors`: area_key (projected), ancestor_area_key; `cuts`: ages at which ranges have to begin beside those of the
    released bands and of `ASKED`; a range is named by its first age and ends before the next. The base year has a
    stock and empty flows. Without flows
    planners' scenarios are left out: Hamilton-Perry knows no rates they could change. Empty where the history is too
    short for either method, or where the horizon is over.
    """
    base = stocks.years[-1]
    parts: list[tuple[str, Course]] = []
    method = COHORT
    if until <= base:
        return empty()
    if has_flows(stocks, base, base_years):
        rates = cohort_rates(stocks, base, base_years)
        parts = [
            (item.scenario.name, cohort_course(stocks, base, until, rates, within(item, base, until)))
            for item in assumed
        ]
    else:
        steps = transitions(stocks, base, base_years)
        method = HAMILTON_PERRY
        if steps:
            names = [item.scenario.name for item in assumed if not item.is_planner]
            parts = [(name, hamilton_perry_course(stocks, base, until, steps, name)) for name in names]
    if not parts:
        return empty()
    keys, matrix = summation(stocks.areas, ancestors)
    filled = matrix @ stocks.estimated[base].astype(np.float64) > 0
    ranges = Bands(tuple(sorted({*stocks.bands.lower, *ASKED, *cuts})))
    frames = [_long(name, course, ranges, keys, matrix, filled, stocks.has_sex) for name, course in parts]
    return pd.concat(frames, ignore_index=True).assign(method=method)[list(COLUMNS)]


def of_release(
    released: Released,
    settings: pd.DataFrame,
    scenarios: pd.DataFrame,
    changes: pd.DataFrame,
    parts: pd.DataFrame,
) -> pd.DataFrame:
    """The long table of a release. `settings`: area_system, area_level, until_year, base_years – one row, or none where
    nothing is to be projected; `parts`: age_from, age_to of the needs, whose ages must be told apart. Raises
    ValueError (German) where a scenario names an unknown area."""
    for item in settings.to_dict("records"):
        stocks = released.stocks(str(item["area_system"]), str(item["area_level"]))
        if stocks is not None and stocks.years:
            codes = released.areas[released.areas["is_current"]]
            assumed = assumptions(scenarios, changes, codes, stocks)
            ends = parts["age_to"].dropna() + 1
            cuts = [int(age) for age in (*parts["age_from"], *ends) if age <= stocks.bands.top]
            years, until = int(item["base_years"]), int(item["until_year"])
            return forecast(stocks, years, until, assumed, released.ancestors, cuts)
    return empty()


def within(assumption: Assumption, base: int, until: int) -> Assumption:
    """Without the changes that are in the base stock already or lie beyond the horizon."""
    kept = tuple(change for change in assumption.changes if base < change.year <= until)
    return replace(assumption, changes=kept)


def summation(areas: tuple[str, ...], ancestors: pd.DataFrame) -> tuple[list[str], Values]:
    """Projected areas and their ancestors, and the matrix (ancestors first axis) that adds the areas up to them."""
    edges = ancestors[ancestors["area_key"].isin(areas) & ~ancestors["ancestor_area_key"].isin(areas)]
    above = sorted(edges["ancestor_area_key"].unique())
    matrix = np.vstack([np.eye(len(areas)), np.zeros((len(above), len(areas)))])
    place = {key: index for index, key in enumerate(areas)}
    for part, whole in set(zip(edges["area_key"], edges["ancestor_area_key"], strict=True)):
        matrix[len(areas) + above.index(whole), place[part]] = 1.0
    return [*areas, *above], matrix


def _long(
    name: str,
    course: Course,
    ranges: Bands,
    keys: list[str],
    matrix: Values,
    filled: Flags,
    has_sex: bool,
) -> pd.DataFrame:
    """Arrays of one scenario as rows, all levels."""

    def summed(values: Values) -> Values:
        return np.tensordot(ranges.sum(values), matrix.T, axes=([-3], [0])).transpose(0, 3, 1, 2)

    stock = summed(course.stock)
    base = np.full((1, *stock.shape[1:]), np.nan)
    columns = {"population": stock.ravel()}
    for term, values in zip(TERMS[1:], course.terms, strict=True):
        columns[term] = np.concatenate([base, summed(values)]).ravel()
    years, areas, sexes, ages = stock.shape
    shape = (years, areas, sexes, ages)
    names = np.array(["m", "f"] if has_sex else ["total"], dtype=object)
    year, area, sex, age = (axis.ravel() for axis in np.indices(shape, dtype=np.int32))
    status = np.where(year > 0, "F", np.where(filled[area], "E", "A"))
    return pd.DataFrame(
        {
            "area_key": np.array(keys, dtype=object)[area],
            "scenario": name,
            "year": (course.first_year + year).astype(np.int32),
            "sex": names[sex],
            "age_from": np.array(ranges.lower, dtype=np.int32)[age],
            **columns,
            "obs_status": status,
        }
    )


def empty() -> pd.DataFrame:
    """The table without rows, with its types."""
    numbers = dict.fromkeys(TERMS, np.float64)
    kinds = {
        "area_key": "string",
        "scenario": "string",
        "year": "int32",
        "sex": "string",
        "age_from": "int32",
    }
    types: dict[str, Any] = {**kinds, **numbers, "method": "string", "obs_status": "string"}
    return pd.DataFrame({name: pd.Series(dtype=types[name]) for name in COLUMNS})


__all__ = ["COHORT", "COLUMNS", "HAMILTON_PERRY", "MIDDLE", "assumptions", "empty", "forecast", "of_release"]
