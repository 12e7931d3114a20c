-- Grain: measure x period x area x group. PROTECTED: exact values, nothing hidden yet.
-- For microdata every area of a delivered period has a row: no case is a true zero, unless a Kommune is
-- still missing.
with
    measures as (select * from {{ ref("stg_catalogue__measure") }}),
    contributor_kind as (select rule_id, contributor from {{ ref("stg_catalogue__rule") }}),
    microdata as (
        select
            counted.measure_id,
            counted.period_type,
            counted.period_start,
            counted.period_end,
            counted.area_key,
            counted.group_key,
            counted.value,
            case
                contributor_kind.contributor
                when 'household'
                then counted.households
                when 'provider'
                then counted.providers
                else counted.persons
            end as contributors,
            counted.largest,
            counted.second_largest
        from {{ ref("int_measure__microdata") }} as counted
        inner join measures using (measure_id)
        inner join contributor_kind using (rule_id)
    ),
    -- Periods of the source, not of the measure: a delivery without a single case of a kind is a true zero
    -- too.
    delivered_periods as (
        select distinct
            source_id, 'stichtag' as period_type, reference_date as period_start, reference_date as period_end
        from {{ ref("stg_landing__person") }}
        union
        select distinct source_id, period_type, period_start, period_end
        from {{ ref("stg_landing__case") }}
    ),
    microdata_periods as (
        select measures.measure_id, period.period_type, period.period_start, period.period_end
        from measures
        inner join
            delivered_periods as period
            on period.source_id = measures.source_id
            and period.period_type = measures.period_type
        where measures.input in ('person', 'case')
    ),
    grid as (
        select
            period.measure_id,
            period.period_type,
            period.period_start,
            period.period_end,
            area.area_key,
            member.group_id as group_key
        from microdata_periods as period
        inner join measures using (measure_id)
        inner join
            {{ ref("stg_catalogue__area_level") }} as lowest
            on lowest.area_system = measures.area_system
            and lowest.level = measures.lowest_level
        inner join
            {{ ref("dim_area") }} as area
            on area.area_system = measures.area_system
            and area.level_rank <= lowest.level_rank
            and not area.is_unassigned
            and {{ valid_on("period.period_end", "area.valid_from", "area.valid_to") }}
        inner join
            {{ ref("stg_catalogue__measure_breakdown") }} as breakdown
            on breakdown.measure_id = period.measure_id
        inner join
            {{ ref("stg_catalogue__group_member") }} as member
            on member.breakdown = breakdown.breakdown
            and not contains(member.group_id, '=unknown')
    ),
    completed_microdata as (
        select
            measure_id,
            period_type,
            period_start,
            period_end,
            area_key,
            group_key,
            coalesce(microdata.value, 0) as value,
            -- No row means no case; a row without a number of contributors stays unknown.
            case when microdata.measure_id is null then 0 else microdata.contributors end as contributors,
            microdata.largest,
            microdata.second_largest
        from grid
        full outer join
            microdata using (measure_id, period_type, period_start, period_end, area_key, group_key)
    ),
    covered_microdata as (
        select
            completed.measure_id,
            completed.period_type,
            completed.period_start,
            completed.period_end,
            completed.area_key,
            completed.group_key,
            case when missing.area_key is null then completed.value end as value,
            case when missing.area_key is null then 'A' else 'O' end as obs_status,
            'F' as conf_status,
            completed.contributors,
            completed.largest,
            completed.second_largest
        from completed_microdata as completed
        inner join measures using (measure_id)
        left join
            {{ ref("int_coverage__missing") }} as missing
            on missing.source_id = measures.source_id
            and missing.period_end = completed.period_end
            and missing.area_key = completed.area_key
    )
select
    measure_id,
    {{ period_key("period_type", "period_start", "period_end") }} as period_key,
    period_type,
    period_start,
    period_end,
    area_key,
    case
        when group_key = 'total' then 'total' else regexp_replace(group_key, '=[^;]*', '', 'g')
    end as breakdown,
    group_key,
    value,
    obs_status,
    conf_status,
    cast(contributors as bigint) as contributors,
    largest,
    second_largest
from
    (
        select *
        from covered_microdata
        union all by name
        select *
        from {{ ref("int_measure__observation") }}
        union all by name
        select *
        from {{ ref("int_measure__reference") }}
    )
