-- Grain: period that any measure was delivered for.
with
    periods as (
        select distinct period_key, period_type, period_start, period_end from {{ ref("fct_measure") }}
    )
select
    period_key,
    period_type,
    {{ period_label("period_type", "period_start", "period_end") }} as period_label,
    period_start,
    period_end,
    cast(year(period_end) as integer) as year,
    cast(row_number() over (order by period_end, period_type) as integer) as sort_key
from periods
