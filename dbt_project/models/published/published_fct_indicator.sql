{{ config(alias="fct_indicator") }}
-- Grain: indicator x period x area. Computed from released parts only: what is hidden in a part is hidden
-- here.
with
    facts as (
        select fact.*, area.area_level, area.area_code, period.period_end
        from {{ ref("published_fct_measure") }} as fact
        inner join {{ ref("published_dim_area") }} as area using (area_key)
        inner join {{ ref("published_dim_period") }} as period using (period_key)
    ),
    {{ indicator_values("facts") }},
    placed as (
        select
            indicator_values.*,
            area.area_system,
            area.area_level,
            area.area_code,
            area.level_rank,
            area.parent_area_key,
            period.period_type,
            max(indicator_values.period_end) filter (where indicator_values.value is not null) over (
                partition by indicator_values.indicator_key
            ) as latest_period_end
        from indicator_values
        inner join {{ ref("published_dim_area") }} as area using (area_key)
        inner join {{ ref("published_dim_period") }} as period using (period_key)
    ),
    roots as (
        select indicator_key, area_system, period_key, value as kreis_value from placed where level_rank = 0
    )
select
    placed.indicator_key,
    placed.indicator_id,
    placed.area_key,
    placed.period_key,
    placed.numerator,
    placed.denominator,
    placed.value,
    placed.obs_status,
    placed.conf_status,
    {{ empty_reason("placed.value", "placed.obs_status", "placed.conf_status") }} as empty_reason,
    roots.kreis_value,
    parent.value as parent_value,
    lag(placed.value) over same_day_before as previous_value,
    placed.value - lag(placed.value) over same_day_before as change,
    placed.period_end = placed.latest_period_end as is_latest
from placed
left join roots using (indicator_key, area_system, period_key)
left join
    placed as parent
    on parent.indicator_key = placed.indicator_key
    and parent.period_key = placed.period_key
    and parent.area_key = placed.parent_area_key
window
    same_day_before as (
        partition by
            placed.indicator_key,
            placed.area_system,
            placed.area_level,
            placed.area_code,
            placed.period_type,
            month(placed.period_end)
        order by placed.period_end
    )
