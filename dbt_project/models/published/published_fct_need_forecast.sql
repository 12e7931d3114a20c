{{ config(alias="fct_need_forecast") }}
-- Grain: need x area x year x scenario.
select
    need_id,
    area_key,
    year,
    scenario,
    value,
    value_low,
    value_high,
    population,
    100 * value / nullif(population, 0) as rate,
    case when year = min(year) over () then 'E' else 'F' end as obs_status
from {{ ref("int_analysis__need") }}
