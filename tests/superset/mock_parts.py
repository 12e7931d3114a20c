"""The counts behind the mock figures, so that the query interface answers on the same file as the dashboards.

Belongs here: numerator and denominator of the shares as released measures. Does not belong here: figures (`mock_release`).
"""

from __future__ import annotations

import duckdb

_ROWS = """
delete from dim_indicator_part where indicator_key = 'sgb2_rate@1';
insert into dim_indicator_part values
    ('sgb2_rate@1', 'numerator', 'sgb2_persons', 'total', 1), ('sgb2_rate@1', 'denominator', 'residents', 'total', 1);
insert into dim_measure by name
select unnest(['sgb2_persons', 'residents']) as measure_id, unnest(['Personen im SGB II', 'Bevölkerung']) as label, 'Personen' as unit,
    'count' as value_kind, 'sozialraum' as area_system, 'sozialraum' as lowest_level, 'stichtag' as period_type,
    true as additive_over_areas, true as semi_additive_time;
insert into dim_group by name select 'total' as group_key, 'total' as breakdown, 'insgesamt' as group_label, 0 as sort_key;
insert into fct_measure by name
select 'sgb2_persons' as measure_id, area_key, period_key, 'total' as group_key, numerator as value, obs_status, conf_status
from mart_indicator where indicator_id = 'sgb2_rate';
insert into fct_measure by name
select 'residents' as measure_id, area_key, period_key, 'total' as group_key, numerator as value, obs_status, conf_status
from mart_indicator where indicator_id = 'population_total';
"""


def fill(db: duckdb.DuckDBPyConnection) -> None:
    """Write the rows; the dimensions and `mart_indicator` have to be there."""
    for statement in _ROWS.split(";\n"):
        if statement.strip():
            db.execute(statement)
