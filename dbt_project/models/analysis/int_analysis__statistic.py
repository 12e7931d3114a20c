"""Grain: counted value (`count_id` of int_analysis__count). Interval, comparison, funnel limits, shrinkage.

A Python model because SQL has no binomial and Poisson quantiles; the arithmetic is `analysis/frames/statistic.py`.
"""

from analysis.frames.statistic import statistics

_COLUMNS = """
    count_id, group_id, method, numerator, denominator, factor, min_denominator, benchmark_value, root_level, polarity
"""


def model(dbt, session):
    dbt.config(materialized="table")
    return statistics(dbt.ref("int_analysis__count").project(_COLUMNS).df())
