"""Grain: index x period x other way to compute it. How much the index depends on its recipe.

A Python model because every variant is computed and ranked again.
"""

from analysis.frames.index import sensitivity_frame


def model(dbt, session):
    dbt.config(materialized="table")
    return sensitivity_frame(
        dbt.ref("int_analysis__index_input").df(),
        dbt.ref("stg_catalogue__index").df(),
        dbt.ref("stg_catalogue__index_part").df(),
        dbt.ref("stg_catalogue__index_class").df(),
    )
