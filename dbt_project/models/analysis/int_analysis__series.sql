-- Grain: indicator x area of today: the series a trend is asked of. `month_end` picks one day of the year
-- where an
-- indicator has several (half-yearly stocks differ by season); `group_id` numbers the areas tested together.
with
    rhythm as (
        select
            fact.indicator_key,
            max(period.period_end) as latest_end,
            count(distinct period.period_key) > count(distinct period.year) as is_more_than_yearly
        from {{ ref("published_fct_indicator") }} as fact
        inner join {{ ref("published_dim_period") }} as period using (period_key)
        where fact.value is not null
        group by fact.indicator_key
    ),
    known as (
        select distinct indicator_key, area_key
        from {{ ref("published_fct_indicator") }}
        where value is not null
    )
select
    cast(row_number() over (order by known.indicator_key, known.area_key) as bigint) as series_id,
    cast(
        dense_rank() over (order by known.indicator_key, area.area_system, area.area_level) as bigint
    ) as group_id,
    known.indicator_key,
    known.area_key,
    indicator.polarity,
    indicator.unit,
    indicator.decimals,
    indicator.factor,
    basis.method,
    rhythm.latest_end,
    case when rhythm.is_more_than_yearly then month(rhythm.latest_end) end as month_end
from known
inner join {{ ref("published_dim_indicator") }} as indicator on indicator.indicator_key = known.indicator_key
inner join {{ ref("int_analysis__basis") }} as basis on basis.indicator_key = known.indicator_key
inner join
    {{ ref("published_dim_area") }} as area
    on area.area_key = known.area_key
    and area.is_current
    and not area.is_unassigned
inner join rhythm on rhythm.indicator_key = known.indicator_key
