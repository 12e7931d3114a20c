{{ config(alias="mart_measure_intern", schema="tiers") }}
-- Grain: audience x reader x measure x period x area x group: what a reader of the internal tier gets
-- beyond the public.
-- PROTECTED: everybody's figures side by side; publishing cuts it into one file per reader. Internal
-- figures that this
-- reader may not see either are listed without a value.
with
    audiences as (select audience from {{ ref("stg_catalogue__audience") }}),
    shown as (
        select audience, measure_id, period_key, area_key, group_key
        from {{ ref("stg_proof__pattern") }}
        where is_published and audience <> 'public'
    ),
    candidates as (
        select cell.*, audiences.audience, decision.is_published as is_public
        from {{ ref("int_disclosure__cell") }} as cell
        inner join
            {{ ref("int_disclosure__decision") }} as decision
            on decision.measure_id = cell.measure_id
            and decision.period_key = cell.period_key
            and decision.area_key = cell.area_key
            and decision.group_key = cell.group_key
        cross join audiences
        where cell.policy <> 'withhold'
    ),
    decided as (
        select
            candidate.audience,
            candidate.measure_id,
            candidate.period_key,
            candidate.period_end,
            candidate.area_key,
            candidate.group_key,
            candidate.value,
            candidate.obs_status,
            candidate.conf_status,
            candidate.tier,
            coalesce(shown.measure_id is not null or candidate.policy = 'source_released', false) as is_shown
        from candidates as candidate
        left join
            shown
            on shown.audience = candidate.audience
            and shown.measure_id = candidate.measure_id
            and shown.period_key = candidate.period_key
            and shown.area_key = candidate.area_key
            and shown.group_key = candidate.group_key
        where not candidate.is_public
    ),
    parents as (
        select child_key, parent_key
        from {{ ref("int_area_edge") }}
        qualify row_number() over (partition by child_key order by valid_from desc) = 1
    ),
    read as (
        select
            decided.*,
            reader.reader_code,
            case when decided.is_shown and decided.conf_status = 'F' then decided.value end as shown_value,
            case
                when decided.conf_status = 'F' and (decided.is_shown or decided.obs_status in ('O', 'L', 'M'))
                then 'F'
                else 'C'
            end as shown_status
        from decided
        inner join
            {{ ref("int_disclosure__audience_area") }} as reader
            on reader.audience = decided.audience
            and reader.area_key = decided.area_key
            and {{ valid_on("decided.period_end", "reader.valid_from", "reader.valid_to") }}
        -- Of the public tier only what is shown on top.
        where decided.tier = 'internal' or decided.is_shown
    )
select
    fact.audience,
    fact.reader_code,
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
    parent.area_name as parent_area_name,
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
    fact.shown_value as value,
    fact.obs_status,
    fact.shown_status as conf_status,
    fact.tier,
    {{ empty_reason("fact.shown_value", "fact.obs_status", "fact.shown_status") }} as empty_reason
from read as fact
inner join {{ ref("stg_catalogue__measure") }} as measure on measure.measure_id = fact.measure_id
inner join {{ ref("dim_area") }} as area on area.area_key = fact.area_key
inner join {{ ref("dim_period") }} as period on period.period_key = fact.period_key
inner join {{ ref("dim_group") }} as grouping_member on grouping_member.group_key = fact.group_key
left join parents on parents.child_key = fact.area_key
left join {{ ref("dim_area") }} as parent on parent.area_key = parents.parent_key
