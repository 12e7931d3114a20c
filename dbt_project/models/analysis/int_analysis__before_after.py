"""Grain: Handlungsempfehlung that has begun. Before and after, with areas without the measure beside it.

A Python model because the windows and the comparison areas differ from row to row; the arithmetic is
`analysis.frames.before_after`.
"""

import pandas as pd

from analysis.frames.before_after import before_after


def model(dbt, session):
    dbt.config(materialized="table")
    status = dbt.ref("published_fct_recommendation_status").df()
    recommendations = dbt.ref("published_fct_recommendation").df()
    areas = dbt.ref("published_dim_area").df()
    series = dbt.ref("int_analysis__goal_series").df()
    peers = dbt.ref("published_bridge_peer").df()
    for name in ("period_start", "period_end"):
        series[name] = pd.to_datetime(series[name])
    measures = recommendations[recommendations["status"].isin(["in Umsetzung", "umgesetzt"])]
    measures = measures.merge(_days(status), on="recommendation_id")
    measures = _placed(measures[measures["indicator_id"].notna()], areas, series)
    found = before_after(measures, series, peers)
    return found


def _days(status):
    """Begin and end by recommendation; one done without a begin on record began when it was done."""
    begun = (
        status[status["status"].isin(["in Umsetzung", "umgesetzt"])]
        .groupby("recommendation_id")["since"]
        .min()
    )
    done = (
        status[status["is_current"] & (status["status"] == "umgesetzt")]
        .groupby("recommendation_id")["since"]
        .max()
    )
    days = pd.DataFrame({"begun_on": begun, "done_on": done})
    return days.apply(pd.to_datetime).rename_axis("recommendation_id").reset_index()


def _placed(measures, areas, series):
    """The area of the measure in the area system of its indicator: same level and code."""
    own = areas.set_index("area_key")[["area_level", "area_code"]]
    wanted = measures.join(own, on="area_key").drop(columns="area_key")
    there = areas[areas["is_current"]][["area_key", "area_system", "area_level", "area_code"]]
    systems = series[["indicator_id", "area_system"]].drop_duplicates()
    return wanted.merge(systems, on="indicator_id").merge(
        there, on=["area_system", "area_level", "area_code"]
    )
