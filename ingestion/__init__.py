"""Takes deliveries of source systems to landing tables.

Belongs here: connectors, format adapters, anonymisation at source, landing, the delivery registry,
the synthetic sources.
Does not belong here: indicator logic, disclosure decisions, anything that knows Dagster or dbt.
"""
