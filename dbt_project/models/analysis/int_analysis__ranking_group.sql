-- Grain: indicator x period x level with at least two released areas. `group_id` leads to the counts behind
-- them.
with
    groups as (
        select
            fact.indicator_key,
            area.area_system,
            area.area_level,
            fact.period_key,
            max(counted.group_id) as group_id,
            count(fact.value) as areas,
            count(*) - count(fact.value) as areas_without_value
        from {{ ref("published_fct_indicator") }} as fact
        inner join
            {{ ref("published_dim_area") }} as area
            on area.area_key = fact.area_key
            and not area.is_unassigned
        left join
            {{ ref("int_analysis__count") }} as counted
            on counted.indicator_key = fact.indicator_key
            and counted.area_key = fact.area_key
            and counted.period_key = fact.period_key
        group by all
        having count(fact.value) > 1
    )
select
    cast(
        row_number() over (order by indicator_key, area_system, area_level, period_key) as bigint
    ) as rank_id,
    *
from groups
