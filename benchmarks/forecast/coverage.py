"""Coverage of the 80 % intervals over all series a release forecasts, refused ones included.

    .venv/bin/python benchmarks/forecast/coverage.py musterkreis berlin

Reads the current release of each instance. `alle`: every panel that could be judged, whether its forecast was given or
refused; `gegeben`: the panels whose forecast stands in the release. Figures in docs/forecasts.md.
"""

from __future__ import annotations

import sys
from unittest import mock

import duckdb
import numpy as np
import pandas as pd

from analysis import forecast
from analysis.frames.indicator_forecast import forecasts
from lagebild.paths import InstancePaths

POINTS = """
    select indicator_id, area_key, period_end, value, obs_status = 'B' as is_break,
        cast(date_diff('day', date '1970-01-01', period_end) as double) as start_day,
        cast(date_diff('day', date '1970-01-01', period_end) as double) as end_day
    from mart_forecast where kind = 'beobachtet'
"""
SERIES = """
    select distinct indicator_id, area_system, area_level, 5 as horizon, 0 as position from mart_forecast
"""


def records(name: str) -> pd.DataFrame:
    """Record of every panel of the release, refused or not: indicator_id, area_level, coverage, coverage_points."""
    with duckdb.connect(str(InstancePaths(name).published / "current.duckdb"), read_only=True) as release:
        tables = [release.sql(query).df() for query in (SERIES, POINTS)]
        areas = release.table("dim_area").df()
        indicators = release.table("dim_indicator").filter("is_active").df()
    with mock.patch.object(forecast, "LEAST_COVERAGE", 0.0):
        found = forecasts(*tables, areas, indicators)
    found = found[(found["horizon"] == 0) & found["is_forecast"]].merge(areas[["area_key", "area_level"]])
    panels = found.groupby(["indicator_id", "area_level"])[
        ["coverage", "coverage_points", "mase", "mase_naive"]
    ]
    return panels.agg(
        {"coverage": "max", "coverage_points": "max", "mase": "mean", "mase_naive": "mean"}
    ).reset_index()


def main(names: list[str]) -> None:
    """Prints one line per panel and the shares over all instances."""
    every = pd.concat([records(name).assign(instance=name) for name in names])
    print(every.round(3).to_string(index=False))
    refused = (every["coverage_points"] >= forecast.JUDGED_FOR_REFUSAL) & (
        every["coverage"] < forecast.LEAST_COVERAGE
    )
    for word, rows in (("alle", every), ("gegeben", every[~refused])):
        judged = rows.dropna(subset="coverage")
        share = np.average(judged["coverage"], weights=judged["coverage_points"])
        print(f"{word}: {100 * share:.1f} % von {judged['coverage_points'].sum()}")


if __name__ == "__main__":
    main(sys.argv[1:])
