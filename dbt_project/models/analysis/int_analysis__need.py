"""Grain: need x area of today x year x scenario.

A Python model because the intervals of the products are numpy (`analysis.need`).
"""

from analysis.frames.need_forecast import of_release
from analysis.frames.released import released


def model(dbt, session):
    dbt.config(materialized="table")
    tables = released(
        dbt.ref("published_fct_measure"),
        dbt.ref("published_fct_measure_as_is"),
        dbt.ref("published_dim_group"),
        dbt.ref("published_dim_period"),
        dbt.ref("published_dim_area"),
        dbt.ref("published_bridge_area"),
    )
    population = dbt.ref("int_analysis__population").aggregate(
        "area_key, scenario, year, age_from, sum(population) as population",
        "area_key, scenario, year, age_from",
    )
    counts = (
        dbt.ref("published_fct_measure")
        .join(dbt.ref("stg_catalogue__need_part"), "measure_id, group_key", how="semi")
        .join(dbt.ref("published_dim_period").project("period_key, period_end"), "period_key")
        .project("measure_id, group_key, period_end, area_key, value")
    )
    return of_release(
        tables,
        dbt.ref("stg_catalogue__forecast_population").df(),
        dbt.ref("stg_catalogue__need_part").df(),
        population.df(),
        counts.df(),
    )
