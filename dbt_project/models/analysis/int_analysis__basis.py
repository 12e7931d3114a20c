"""Grain: active indicator. Whether its values rest on counted persons or cases, and which interval that allows.

A Python model because the German reasons are built in one place, `analysis/frames/wording.py`.
"""

from analysis.frames.basis import basis


def model(dbt, session):
    dbt.config(materialized="table")
    indicators = dbt.ref("published_dim_indicator").filter("is_active").project("indicator_key, kind").df()
    parts = dbt.ref("published_dim_indicator_part").df()
    measures = dbt.ref("published_dim_measure").project("measure_id, unit, value_kind").df()
    return basis(indicators, parts, measures)
