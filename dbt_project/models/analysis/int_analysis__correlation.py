"""Grain: kind x scope (level) x pair of indicators. Rank correlation at the latest common year, or over the years.

A Python model because ranks of pairwise complete values are no SQL; the arithmetic is `analysis/frames/correlation.py`.
"""

import pandas as pd

from analysis.frames.comparable import comparable_pairs
from analysis.frames.correlation import correlations, yearly_changes


def model(dbt, session):
    dbt.config(materialized="table")
    indicators = (
        dbt.ref("published_dim_indicator")
        .filter("is_active")
        .project("indicator_key, indicator_id, kind, theme_id")
        .df()
    )
    parts = dbt.ref("published_dim_indicator_part").project("indicator_key, part, measure_id, group_key").df()
    measures = dbt.ref("stg_catalogue__measure").project("measure_id, part_of").df()
    pairs = comparable_pairs(indicators, parts, measures)
    values = dbt.ref("int_analysis__correlation_value")
    over_areas = (
        values.filter("kind = 'areas'")
        .project("kind, scope, area_key as unit_key, year, indicator_key, value")
        .df()
    )
    over_time = yearly_changes(
        values.filter("kind = 'time'").project("scope, indicator_key, year, value, is_break").df()
    )
    return correlations(pairs, pd.concat([over_areas, over_time], ignore_index=True))
