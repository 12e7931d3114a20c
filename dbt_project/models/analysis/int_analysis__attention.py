"""Grain: area x year x indicator of the rule of Aufmerksamkeitsbedarf. Deviation from the Kreis, judged and in words.

A Python model because the intervals that tell a deviation from chance are array arithmetic.
"""

from analysis.frames.attention import attention_frame


def model(dbt, session):
    dbt.config(materialized="table")
    return attention_frame(
        dbt.ref("int_analysis__attention_input").df(), dbt.ref("stg_catalogue__attention").df()
    )
