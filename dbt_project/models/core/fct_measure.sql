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
            counted.providers,
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
        -- Coarser scales are summed below: a zero here would stand beside the sum.
        where
            not exists (
                select 1
                from {{ ref("stg_catalogue__group_coarser") }} as coarser
                where coarser.measure_id = breakdown.measure_id and coarser.breakdown = breakdown.breakdown
            )
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
            microdata.providers,
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
            completed.providers,
            completed.largest,
            completed.second_largest
        from completed_microdata as completed
        inner join measures using (measure_id)
        left join
            {{ ref("int_coverage__missing") }} as missing
            on missing.source_id = measures.source_id
            and missing.period_end = completed.period_end
            and missing.area_key = completed.area_key
    ),
    figures as (
        select *
        from covered_microdata
        union all by name
        select *
        from {{ ref("int_measure__observation") }}
        union all by name
        select *
        from {{ ref("int_measure__reference") }}
    ),
    merged_group as (
        select
            measure_id,
            group_id,
            fine_group_id,
            count(*) over (partition by measure_id, group_id) as expected_parts
        from {{ ref("stg_catalogue__group_coarser") }}
    ),
    -- Groups of a coarser scale are the sum of the fine ones; a missing or hidden one leaves no
    -- figure. Persons and largest contributions can be put together exactly, of households and
    -- providers the largest number of a part is certain: too few of them hide the figure, which errs
    -- on the side of caution.
    coarser as (
        select
            figures.measure_id,
            figures.period_type,
            figures.period_start,
            figures.period_end,
            figures.area_key,
            merged_group.group_id as group_key,
            -- Microdata: a part without a row is a part without a case ("räumlich nicht zuordenbar" is not
            -- in the grid).
            count(figures.value) = case
                when any_value(measures.input) in ('person', 'case')
                then count(*)
                else any_value(merged_group.expected_parts)
            end as is_complete,
            round(sum(figures.value), 6) as value,
            bool_or(figures.conf_status = 'C') as has_hidden_part,
            bool_or(figures.obs_status = 'E') as has_estimated_part,
            case
                when count(figures.contributors) < count(*)
                then null
                when any_value(contributor_kind.contributor) = 'person'
                then sum(figures.contributors)
                else max(figures.contributors)
            end as contributors,
            case when count(figures.providers) = count(*) then max(figures.providers) end as providers,
            list_reverse_sort(
                list_filter(
                    flatten(list([figures.largest, figures.second_largest])), part -> part is not null
                )
            ) as top_parts
        from figures
        inner join
            merged_group
            on merged_group.measure_id = figures.measure_id
            and merged_group.fine_group_id = figures.group_key
        inner join measures on measures.measure_id = figures.measure_id
        inner join contributor_kind on contributor_kind.rule_id = measures.rule_id
        group by
            figures.measure_id,
            figures.period_type,
            figures.period_start,
            figures.period_end,
            figures.area_key,
            merged_group.group_id
    ),
    with_coarser as (
        select *
        from figures
        union all by name
        select
            measure_id,
            period_type,
            period_start,
            period_end,
            area_key,
            group_key,
            case when is_complete then value end as value,
            case
                when is_complete and has_estimated_part
                then 'E'
                when is_complete or has_hidden_part
                then 'A'
                else 'O'
            end as obs_status,
            case when has_hidden_part then 'C' else 'F' end as conf_status,
            contributors,
            providers,
            top_parts[1] as largest,
            top_parts[2] as second_largest
        from coarser
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
    cast(providers as bigint) as providers,
    largest,
    second_largest
from with_coarser
