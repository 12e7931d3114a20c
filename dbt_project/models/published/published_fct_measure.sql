{{ config(alias="fct_measure") }}
-- Grain: measure x period x area x group, as released: hidden is NULL with conf_status C, whatever the
-- reason.
select
    cell.measure_id,
    cell.area_key,
    cell.period_key,
    cell.group_key,
    case when decision.is_published and cell.conf_status = 'F' then cell.value end as value,
    cell.obs_status,
    case
        when cell.obs_status in ('O', 'L', 'M') and cell.conf_status = 'F'
        then 'F'
        when decision.is_published and cell.conf_status = 'F'
        then 'F'
        else 'C'
    end as conf_status
from {{ ref("int_disclosure__cell") }} as cell
inner join
    {{ ref("int_disclosure__decision") }} as decision using (measure_id, period_key, area_key, group_key)
where cell.tier = 'public'
