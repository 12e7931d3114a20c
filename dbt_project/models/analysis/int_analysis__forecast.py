"""Grain: indicator x area x step ahead; step 0 is the record of the back-test or the reason why there is no forecast.

A Python model because back-tests and fits are numpy and statsmodels (`analysis.forecast`).
"""

from analysis.frames.indicator_forecast import forecasts


def model(dbt, session):
    dbt.config(materialized="table")
    wanted = dbt.ref("stg_catalogue__forecast_series").df()
    indicators = (
        dbt.ref("published_dim_indicator")
        .filter("is_active")
        .project("indicator_key, indicator_id, kind, factor")
    )
    named = indicators.df()
    named = named[named["indicator_id"].isin(wanted["indicator_id"])]
    series = (
        dbt.ref("int_analysis__series").project("series_id, indicator_key, area_key, latest_end").df()
    ).merge(named[["indicator_key", "indicator_id"]], on="indicator_key")
    points = dbt.ref("int_analysis__series_point").project(
        "series_id, period_end, start_day, end_day, value, is_break"
    )
    points = points.df().merge(series, on="series_id")
    points = points[points["period_end"] <= points["latest_end"]]
    areas = dbt.ref("published_dim_area").project(
        "area_key, area_system, area_level, is_current, is_unassigned"
    )
    return forecasts(wanted, points, areas.df(), named)
