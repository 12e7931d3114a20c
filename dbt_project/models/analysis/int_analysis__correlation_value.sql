-- Grain: indicator x area x calendar year (the last period of it) with a released value, plus the series of
-- the
-- whole area. `scope` numbers the level; the root is a scope of its own, compared over its years.
with
    scopes as (
        select
            area_system,
            area_level,
            level_rank,
            cast(row_number() over (order by area_system, level_rank) as bigint) as scope
        from (select distinct area_system, area_level, level_rank from {{ ref("published_dim_area") }})
    ),
    last_of_year as (
        select
            fact.indicator_key,
            fact.area_key,
            period.year,
            arg_max(fact.period_key, period.period_end) as period_key,
            arg_max(fact.value, period.period_end) as value
        from {{ ref("published_fct_indicator") }} as fact
        inner join {{ ref("published_dim_period") }} as period using (period_key)
        where fact.value is not null
        group by all
    )
select
    'areas' as kind,
    scopes.scope,
    scopes.area_system,
    scopes.area_level,
    last_of_year.area_key,
    last_of_year.indicator_key,
    last_of_year.year,
    last_of_year.period_key,
    last_of_year.value,
    false as is_break
from last_of_year
inner join {{ ref("published_dim_area") }} as area using (area_key)
inner join scopes using (area_system, area_level)
where area.level_rank > 0 and not area.is_unassigned
union all
select
    'time' as kind,
    scopes.scope,
    scopes.area_system,
    scopes.area_level,
    series.area_key,
    series.indicator_key,
    period.year,
    arg_max(point.period_key, period.period_end) as period_key,
    arg_max(point.value, period.period_end) as value,
    bool_or(point.is_break) as is_break
from {{ ref("int_analysis__series_point") }} as point
inner join {{ ref("int_analysis__series") }} as series using (series_id)
inner join {{ ref("published_dim_period") }} as period on period.period_key = point.period_key
inner join {{ ref("published_dim_area") }} as area on area.area_key = series.area_key
inner join scopes on scopes.area_system = area.area_system and scopes.area_level = area.area_level
where area.level_rank = 0
group by all
