"""Grain: series (`series_id` of int_analysis__series). Trend, its wording, early warning.

A Python model because rank tests are no SQL; the arithmetic is `analysis/frames/trend.py`.
"""

from analysis.frames.trend import trends


def model(dbt, session):
    dbt.config(materialized="table")
    series = dbt.ref("int_analysis__series").project(
        """series_id, group_id, polarity, unit, decimals, factor, method,
           cast(date_diff('day', date '1970-01-01', latest_end) as double) as latest_day"""
    )
    points = dbt.ref("int_analysis__series_point").project(
        "series_id, start_day, end_day, value, numerator, denominator, is_break"
    )
    periods = dbt.ref("published_dim_period").project(
        """cast(date_diff('day', date '1970-01-01', period_start) as double) as start_day,
           cast(date_diff('day', date '1970-01-01', period_end) as double) as end_day, period_label"""
    )
    return trends(series.df(), points.df(), periods.df())
