{{ config(alias="fct_forecast") }}
-- Grain: indicator x area x step ahead. Never an observation: obs_status is F.
select
    indicator_id,
    area_key,
    cast(period_end as date) as period_end,
    target_year,
    horizon,
    value,
    value_low,
    value_high,
    confidence,
    naive_value,
    method,
    'F' as obs_status
from {{ ref("int_analysis__forecast") }}
where horizon > 0
