"""Rows of the mock release for the pages Lage, Handlungsfelder and Datenlage.

Belongs here: the tables only those pages read.
Does not belong here: figures (`mock_release`), dimensions (`mock_profile`).
"""

from __future__ import annotations

import duckdb

_ROWS = """
insert into bridge_area by name
select descendant.area_key as descendant_area_key, ancestor.area_key as ancestor_area_key,
    descendant.level_rank - ancestor.level_rank as depth, date '2010-01-01' as valid_from
from dim_area as descendant inner join dim_area as ancestor on starts_with(descendant.area_code, ancestor.area_code);
insert into mart_attention by name
select area_system, area_level, area_level_label, level_rank, area_key, area_code, area_name, parent_area_name,
    2024 as year, true as is_latest,
    case when area_code like '%S03' then 4 when area_code like '%S02' then 1 end as burdens, 0 as strong_burdens,
    6 as indicators_judged,
    case when area_code like '%S03' then 2 when area_code like '%S02' then 1 end as degree,
    case when area_code like '%S03' then 'hoch'
        when area_code like '%S02' then 'leicht erhöht' else 'nicht beurteilbar' end as degree_label,
    'SGB-II-Quote' as burdens_text
from dim_area where level_rank = 2;
insert into mart_release_change by name
select 'r1' as release_id, 'r0' as previous_release_id, timestamp '2024-09-01 02:00:00' as previous_released_at,
    indicator_id, indicator_label,
    'Soziale Lage' as theme_label, area_system, area_level, area_level_label, level_rank, period_key, period_label,
    period_end,
    case when max(year) = 2024 then count(value) else 0 end as values_new,
    case when max(year) = 2023 then 1 else 0 end as values_changed,
    0 as values_withdrawn, case when max(year) = 2023 then 'Altensiel: 5,0 → 5,1 %' end as largest_text,
    case when max(year) = 2023 then 0.02 end as largest_share
from mart_indicator where year >= 2023 group by all;
insert into mart_delivery by name
select source.source_id, source.source_label, 'Amt' as supplier, kommune.code as kommune_code,
    kommune.name as kommune_name,
    'stichtag' as period_type, make_date(year, 1, 1) as period_start, make_date(year, 12, 31) as period_end,
    year::varchar as period_label,
    make_date(year + 1, 3, 31) as due_on, case when not missing then make_date(year + 1, 3, 1) end as arrived_on,
    case when not missing then -30 end as days_after_due,
    case when missing then 'overdue' else 'arrived' end as status,
    case when missing then 'überfällig' else 'eingegangen' end as status_label, not missing as is_there,
    source.expected as kommunen_expected,
    case when source.expected = 1 then 1 when year = 2024 then 3 else 4 end as kommunen_there,
    '3 von 4' as coverage_label,
    source.expected = 1 or year < 2024 as is_complete, 1 as deliveries,
    case when year = 2023 then 1 else 0 end as refused, '' as missing_parts
from (values ('register', 'Einwohnerregister', 1), ('hze', 'Jugendämter', 4)) as source(source_id, source_label,
    expected)
inner join (select null as code, null as name, 1 as expected
    union all select area_code, area_name, 4 from dim_area where area_level = 'gemeinde') as kommune using (expected)
cross join (values (2022), (2023), (2024)) as years(year)
cross join lateral (select kommune.code = '99901004' and year = 2024 as answer) as late
cross join lateral (select coalesce(answer, false) as missing) as missing;
"""


def fill(db: duckdb.DuckDBPyConnection) -> None:
    """Write the rows; the dimensions and `mart_indicator` have to be there."""
    for statement in _ROWS.split(";\n"):
        if statement.strip():
            db.execute(statement)
