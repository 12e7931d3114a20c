"""Analysis for decisions: indices, statistics of small areas, forecasts. Pure functions on arrays, no I/O.

Belongs here: what a planner would compute from released figures. Does not belong here: which indicators enter an index
(recipes of the instance), what may be published (`disclosure`), files, dbt, Dagster.
"""
