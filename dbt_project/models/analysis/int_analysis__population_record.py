"""Grain: area level x base year x target year. Back-test of the population forecast.

A Python model because the projection is numpy (`analysis.cohort`, `analysis.hamilton_perry`).
"""

from analysis.frames.population_record import of_release
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
    return of_release(tables, dbt.ref("stg_catalogue__forecast_population").df())
