"""Grain: indicator x period x level (`rank_id` of int_analysis__ranking_group). Whether its areas may be ranked.

A Python model because the intervals behind it are no SQL; the arithmetic is `analysis/frames/ranking.py`.
"""

from analysis.frames.ranking import rankings


def model(dbt, session):
    dbt.config(materialized="table")
    groups = dbt.ref("int_analysis__ranking_group").project("rank_id, group_id, areas")
    counted = dbt.ref("int_analysis__count").project("group_id, method, numerator, denominator, factor")
    return rankings(groups.df(), counted.df())
