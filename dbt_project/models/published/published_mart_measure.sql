{{ config(alias="mart_measure") }}
-- Grain: measure x period x area x group, flat: for free cross tables.
select
    fact.measure_id,
    measure.label as measure_label,
    measure.unit,
    area.area_system,
    area.area_system_label,
    area.area_level,
    area.area_level_label,
    area.level_rank,
    fact.area_key,
    area.area_code,
    area.area_name,
    area.parent_area_name,
    fact.period_key,
    period.period_type,
    period.period_label,
    period.period_end,
    period.year,
    grouping_member.breakdown,
    fact.group_key,
    grouping_member.group_label,
    grouping_member.age_from,
    grouping_member.age_to,
    grouping_member.sex,
    grouping_member.nationality,
    grouping_member.migration,
    grouping_member.category,
    fact.value,
    fact.obs_status,
    fact.conf_status,
    {{ empty_reason("fact.value", "fact.obs_status", "fact.conf_status") }} as empty_reason
from {{ ref("published_fct_measure") }} as fact
inner join {{ ref("published_dim_measure") }} as measure using (measure_id)
inner join {{ ref("published_dim_area") }} as area using (area_key)
inner join {{ ref("published_dim_period") }} as period using (period_key)
inner join {{ ref("published_dim_group") }} as grouping_member using (group_key)
