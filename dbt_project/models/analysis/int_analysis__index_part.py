"""Grain: index x period x area x part. What each part adds to the index.

A Python model because it is the same arithmetic as `int_analysis__index`.
"""

from analysis.frames.index import part_frame


def model(dbt, session):
    dbt.config(materialized="table")
    return part_frame(
        dbt.ref("int_analysis__index_input").df(),
        dbt.ref("stg_catalogue__index").df(),
        dbt.ref("stg_catalogue__index_part").df(),
        dbt.ref("stg_catalogue__index_class").df(),
    )
