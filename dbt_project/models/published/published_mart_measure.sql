{{ config(alias="mart_measure") }}
-- Grain: measure x period x area x group, flat: for free cross tables.
with
    -- Where a fine group is withheld, the reader learns which published coarser one contains it.
    merged as (
        select
            coarser.measure_id,
            fact.area_key,
            fact.period_key,
            coarser.fine_group_id as group_key,
            min(grouping_member.group_label) as group_label
        from {{ ref("stg_catalogue__group_coarser") }} as coarser
        inner join
            {{ ref("published_fct_measure") }} as fact
            on fact.measure_id = coarser.measure_id
            and fact.group_key = coarser.group_id
            and fact.value is not null
        inner join
            {{ ref("published_dim_group") }} as grouping_member
            on grouping_member.group_key = coarser.group_id
        group by coarser.measure_id, fact.area_key, fact.period_key, coarser.fine_group_id
    )
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
    case
        when fact.value is null and fact.conf_status = 'C' and merged.group_label is not null
        then 'gesperrt, zusammengefasst in „' || merged.group_label || '“'
        else {{ empty_reason("fact.value", "fact.obs_status", "fact.conf_status") }}
    end as empty_reason
from {{ ref("published_fct_measure") }} as fact
inner join {{ ref("published_dim_measure") }} as measure using (measure_id)
inner join {{ ref("published_dim_area") }} as area using (area_key)
inner join {{ ref("published_dim_period") }} as period using (period_key)
inner join {{ ref("published_dim_group") }} as grouping_member using (group_key)
left join
    merged
    on merged.measure_id = fact.measure_id
    and merged.area_key = fact.area_key
    and merged.period_key = fact.period_key
    and merged.group_key = fact.group_key
