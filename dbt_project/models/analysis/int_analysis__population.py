"""Grain: area of today x scenario x year x sex x range of ages at the end of the year, with every term of the balance.

A Python model because the projection is numpy (`analysis.cohort`, `analysis.hamilton_perry`).
"""

from analysis.frames.population import of_release
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
    settings = dbt.ref("stg_catalogue__forecast_population").df()
    scenarios = dbt.ref("stg_catalogue__scenario").df()
    changes = dbt.ref("stg_catalogue__scenario_change").df()
    parts = dbt.ref("stg_catalogue__need_part").project("age_from, age_to").df()
    return of_release(tables, settings, scenarios, changes, parts)
