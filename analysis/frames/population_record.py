"""Back-test of the population forecast: from an earlier stock to the latest one, against naive rivals.

Only figures up to the base of the back-test are used. Method and naive rival are brought to the same persons per age
band
of the whole territory, so that the errors are those of the distribution over areas; how far the territory itself,
projected
with its own rates, was off stands beside it.

Belongs here: the table of errors per level. Not here: the forecast (`population`), the error measures
(`hamilton_perry`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.ages import Values
from analysis.cohort import rake
from analysis.frames.population import (
    COHORT,
    HAMILTON_PERRY,
    Assumption,
    cohort_course,
    cohort_rates,
    hamilton_perry_course,
    has_flows,
    summation,
    transitions,
)
from analysis.frames.released import Released
from analysis.frames.stocks import Stocks
from analysis.hamilton_perry import errors, share_constant
from analysis.vital import Scenario

SPANS = (3, 5)
"""Years between base and target."""
TYPES = {
    "area_system": "string",
    "area_level": "string",
    "base_year": "int32",
    "target_year": "int32",
    "method": "string",
    "areas": "int32",
    "mape": "float64",
    "mape_naive": "float64",
    "weighted": "float64",
    "weighted_naive": "float64",
    "total_error": "float64",
}


def record(stocks: Stocks, base_years: int, areas: pd.DataFrame, ancestors: pd.DataFrame) -> pd.DataFrame:
    """One row per level and span. `areas`: area_key, area_system, area_level. The whole territory is one area and has
    no distribution: its errors per band are empty, `total_error` is not."""
    target = stocks.years[-1]
    rows = []
    for span in SPANS:
        base = target - span
        if base not in stocks.stock:
            continue
        method, projected = _projected(stocks, base, target, base_years)
        if projected is not None:
            rows += _per_level(stocks, base, target, method, projected, areas, ancestors)
    table = pd.DataFrame(rows, columns=list(TYPES))
    return table.astype(TYPES)


def of_release(released: Released, settings: pd.DataFrame) -> pd.DataFrame:
    """The table of a release; `settings` as for `population.of_release`."""
    for item in settings.to_dict("records"):
        stocks = released.stocks(str(item["area_system"]), str(item["area_level"]))
        if stocks is not None and stocks.years:
            return record(stocks, int(item["base_years"]), released.areas, released.ancestors)
    return pd.DataFrame(columns=list(TYPES)).astype(TYPES)


def _projected(stocks: Stocks, base: int, target: int, base_years: int) -> tuple[str, Values | None]:
    """Method and areas x bands of the target year; None where the history before the base is too short."""
    if has_flows(stocks, base, base_years):
        course = cohort_course(
            stocks, base, target, cohort_rates(stocks, base, base_years), Assumption(Scenario("mittel"))
        )
        return COHORT, stocks.bands.sum(course.stock[-1].sum(axis=1))
    steps = transitions(stocks, base, base_years)
    if not steps:
        return HAMILTON_PERRY, None
    course = hamilton_perry_course(stocks, base, target, steps, "mittel")
    return HAMILTON_PERRY, stocks.bands.sum(course.stock[-1].sum(axis=1))


def _per_level(
    stocks: Stocks,
    base: int,
    target: int,
    method: str,
    projected: Values,
    areas: pd.DataFrame,
    ancestors: pd.DataFrame,
) -> list[dict[str, object]]:
    keys, matrix = summation(stocks.areas, ancestors)
    place = areas.set_index("area_key").loc[keys]
    start, observed = (stocks.stock[year].sum(axis=1) for year in (base, target))
    whole = observed.sum(axis=0)
    total_error = 100 * abs(projected.sum() - whole.sum()) / whole.sum()
    met = rake(projected, whole, projected.sum(axis=1))
    naive = share_constant(start, whole)
    found = []
    for (system, level), part in place.groupby(["area_system", "area_level"], sort=False):
        sums = matrix[[keys.index(key) for key in part.index]]
        own, rival = (errors(sums @ values, sums @ observed) for values in (met, naive))
        alone = len(part) == 1
        found.append(
            {
                "area_system": system,
                "area_level": level,
                "base_year": base,
                "target_year": target,
                "method": method,
                "areas": len(part),
                "mape": np.nan if alone else own.mape,
                "mape_naive": np.nan if alone else rival.mape,
                "weighted": np.nan if alone else own.weighted,
                "weighted_naive": np.nan if alone else rival.weighted,
                "total_error": total_error,
            }
        )
    return found


__all__ = ["SPANS", "of_release", "record"]
