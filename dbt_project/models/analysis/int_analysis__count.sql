-- Grain: released indicator value that rests on counted persons or cases. `group_id` numbers what is
-- compared together: the areas of one
-- indicator, period and level. Estimated counts (obs_status E, not whole) stay out. The benchmark is formed
-- from its parts: the released value is rounded, which is much for a rare event.
with
    roots as (
        select
            fact.indicator_key,
            fact.period_key,
            area.area_system,
            area.area_level,
            fact.numerator,
            fact.denominator
        from {{ ref("published_fct_indicator") }} as fact
        inner join
            {{ ref("published_dim_area") }} as area on area.area_key = fact.area_key and area.level_rank = 0
        where fact.value is not null
    )
select
    cast(
        row_number() over (order by fact.indicator_key, fact.period_key, fact.area_key) as bigint
    ) as count_id,
    cast(
        dense_rank() over (
            order by fact.indicator_key, fact.period_key, area.area_system, area.area_level
        ) as bigint
    ) as group_id,
    fact.indicator_key,
    fact.area_key,
    fact.period_key,
    basis.method,
    fact.numerator,
    fact.denominator,
    indicator.factor,
    indicator.min_denominator,
    indicator.polarity,
    case
        when area.level_rank > 0 then indicator.factor * roots.numerator / roots.denominator
    end as benchmark_value,
    roots.area_level as root_level
from {{ ref("published_fct_indicator") }} as fact
inner join
    {{ ref("int_analysis__basis") }} as basis
    on basis.indicator_key = fact.indicator_key
    and basis.method is not null
inner join {{ ref("published_dim_indicator") }} as indicator on indicator.indicator_key = fact.indicator_key
inner join {{ ref("published_dim_area") }} as area on area.area_key = fact.area_key
left join
    roots
    on roots.indicator_key = fact.indicator_key
    and roots.period_key = fact.period_key
    and roots.area_system = area.area_system
where
    fact.value is not null
    and not area.is_unassigned
    and fact.obs_status <> 'E'
    and fact.numerator >= 0
    and fact.numerator = floor(fact.numerator)
    and (fact.denominator > 0 or (indicator.kind = 'count' and fact.denominator is null))
    and (indicator.kind <> 'share' or fact.numerator <= fact.denominator)
