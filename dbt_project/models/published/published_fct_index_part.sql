{{ config(alias="fct_index_part") }}
-- Grain: index x area x period x part. The value of a part stands also where the index itself is empty.
select
    entered.index_id,
    entered.area_key,
    entered.period_key,
    entered.indicator_id,
    entered.value,
    found.standardised,
    found.weight,
    found.contribution,
    entered.change_value,
    found.change_contribution,
    entered.source_period_key,
    entered.obs_status,
    entered.conf_status
from {{ ref("int_analysis__index_input") }} as entered
inner join
    {{ ref("int_analysis__index_part") }} as found
    on found.index_id = entered.index_id
    and found.area_key = entered.area_key
    and found.period_key = entered.period_key
    and found.indicator_id = entered.indicator_id
