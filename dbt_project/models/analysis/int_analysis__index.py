"""Grain: index x period x area. The composite indices of the recipes, with rank, class and development.

A Python model because standardisation over areas, rank spreads and quantile classes are array arithmetic.
"""

from analysis.frames.index import index_frame


def model(dbt, session):
    dbt.config(materialized="table")
    return index_frame(
        dbt.ref("int_analysis__index_input").df(),
        dbt.ref("stg_catalogue__index").df(),
        dbt.ref("stg_catalogue__index_part").df(),
        dbt.ref("stg_catalogue__index_class").df(),
    )
