-- Grain: measure x period x area x group of figures that suppliers delivered aggregated.
-- A level the supplier did not deliver is rolled up from the finest delivered level that is complete below
-- the
-- area (INKAR: Gemeinden for a Gemeindeverband, Kreise for a Land); where none is, a missing or hidden part
-- of the
-- finest makes the sum NULL, never the sum of the survivors.
with
    measures as (select * from {{ ref("stg_catalogue__measure") }} where input = 'observation'),
    delivered as (
        select
            observation.measure_id,
            observation.period_type,
            observation.period_start,
            observation.period_end,
            area.area_key,
            area.area_system,
            area.level_rank,
            area.is_unassigned,
            observation.group_id as group_key,
            observation.value,
            observation.obs_status,
            observation.conf_status,
            observation.contributors,
            observation.largest,
            observation.second_largest
        from {{ ref("stg_landing__observation") }} as observation
        inner join measures using (measure_id)
        inner join
            {{ ref("dim_area") }} as area
            on area.area_system = observation.area_system
            and area.area_level = observation.area_level
            and area.area_code = observation.area_code
            and {{ valid_on("observation.period_end", "area.valid_from", "area.valid_to") }}
        -- Two sources may carry the same figure (a total repeated in a second table): the measure names
        -- which one counts.
        qualify
            row_number() over (
                partition by
                    observation.measure_id,
                    observation.period_type,
                    observation.period_end,
                    area.area_key,
                    observation.group_id
                order by observation.source_id = measures.source_id desc, observation.delivery_id desc
            )
            = 1
    ),
    delivered_levels as (
        select distinct measure_id, period_type, period_end, group_key, area_system, level_rank
        from delivered
        where not is_unassigned
    ),
    base as (
        select delivered.*
        from delivered
        inner join
            delivered_levels using (measure_id, period_type, period_end, group_key, area_system, level_rank)
    ),
    expected_parts as (
        select
            delivered_levels.measure_id,
            delivered_levels.period_type,
            delivered_levels.period_end,
            delivered_levels.group_key,
            delivered_levels.level_rank,
            bridge.ancestor_area_key as area_key,
            count(*) as parts
        from delivered_levels
        inner join
            {{ ref("dim_area") }} as part
            on part.area_system = delivered_levels.area_system
            and part.level_rank = delivered_levels.level_rank
            and not part.is_unassigned
            and {{ valid_on("delivered_levels.period_end", "part.valid_from", "part.valid_to") }}
        inner join
            {{ ref("bridge_area") }} as bridge
            on bridge.descendant_area_key = part.area_key
            and bridge.depth > 0
            and {{ valid_on("delivered_levels.period_end", "bridge.valid_from", "bridge.valid_to") }}
        group by all
    ),
    rolled_up as (
        select
            base.measure_id,
            base.period_type,
            base.period_start,
            base.period_end,
            base.level_rank,
            bridge.ancestor_area_key as area_key,
            base.group_key,
            -- Rounded far below any delivered digit: the order of a parallel sum must not show.
            round(sum(base.value), 6) as value,
            count(base.value) filter (where not base.is_unassigned) as parts_present,
            count(*) filter (where base.value is null) as parts_without_value,
            bool_or(base.conf_status = 'C') as has_hidden_part,
            bool_or(base.obs_status = 'E') as has_estimated_part,
            cast(sum(base.contributors) as bigint) as contributors,
            list_reverse_sort(flatten(list([base.largest, base.second_largest]))) as top_parts
        from base
        inner join measures on measures.measure_id = base.measure_id and measures.additive_over_areas
        inner join
            {{ ref("bridge_area") }} as bridge
            on bridge.descendant_area_key = base.area_key
            and bridge.depth > 0
            and {{ valid_on("base.period_end", "bridge.valid_from", "bridge.valid_to") }}
        group by all
    ),
    completed as (
        select
            rolled_up.measure_id,
            rolled_up.period_type,
            rolled_up.period_start,
            rolled_up.period_end,
            rolled_up.area_key,
            rolled_up.group_key,
            case when is_complete then rolled_up.value end as value,
            case
                when is_complete and has_estimated_part
                then 'E'
                when is_complete or has_hidden_part
                then 'A'
                else 'O'
            end as obs_status,
            case when has_hidden_part then 'C' else 'F' end as conf_status,
            rolled_up.contributors,
            top_parts[1] as largest,
            top_parts[2] as second_largest
        from
            (
                select
                    rolled_up.*,
                    coalesce(rolled_up.parts_present = expected_parts.parts, true)
                    and rolled_up.parts_without_value = 0 as is_complete
                from rolled_up
                left join
                    expected_parts using (
                        measure_id, period_type, period_end, group_key, area_key, level_rank
                    )
                qualify
                    row_number() over (
                        partition by measure_id, period_type, period_end, group_key, area_key
                        order by is_complete desc, level_rank desc
                    )
                    = 1
            ) as rolled_up
        anti join delivered using (measure_id, period_type, period_end, area_key, group_key)
    )
select
    measure_id,
    period_type,
    period_start,
    period_end,
    area_key,
    group_key,
    value,
    obs_status,
    conf_status,
    contributors,
    largest,
    second_largest
from delivered
union all
select *
from completed
