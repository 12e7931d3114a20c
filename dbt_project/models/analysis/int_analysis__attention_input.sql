-- Grain: area x year x indicator of the rule. The values that are compared: of the latest period of the
-- year each.
-- A year is judged where enough of the indicators have figures; its areas are those that stand at its end.
with
    rule as (select * from {{ ref("stg_catalogue__attention") }}),
    areas as (
        select area.area_key, area.valid_from, area.valid_to
        from {{ ref("published_dim_area") }} as area
        inner join rule on rule.area_system = area.area_system and rule.area_level = area.area_level
        where not area.is_unassigned
    ),
    figures as (
        select
            fact.indicator_id,
            fact.area_key,
            fact.period_key,
            period.period_end,
            year(period.period_end) as year,
            fact.value,
            fact.kreis_value,
            fact.numerator,
            fact.denominator,
            fact.empty_reason
        from {{ ref("published_fct_indicator") }} as fact
        inner join {{ ref("stg_catalogue__attention_indicator") }} as chosen using (indicator_id)
        inner join areas using (area_key)
        inner join {{ ref("published_dim_period") }} as period using (period_key)
    ),
    periods as (
        select indicator_id, year, arg_max(period_key, period_end) as period_key
        from figures
        group by indicator_id, year
    ),
    years as (
        select periods.year
        from periods
        cross join rule
        group by periods.year, rule.minimum_judged
        having count(*) >= rule.minimum_judged
    )
select
    areas.area_key,
    cast(years.year as integer) as year,
    chosen.indicator_id,
    indicator.short_label as indicator_label,
    indicator.unit,
    indicator.decimals,
    indicator.factor,
    basis.method,
    chosen.position,
    chosen.unfavourable,
    chosen.burden,
    chosen.strong,
    figures.period_key,
    figures.value,
    figures.kreis_value,
    figures.numerator,
    figures.denominator,
    case when figures.value is null then coalesce(figures.empty_reason, 'nicht erhoben') end as empty_reason
from years
inner join
    areas
    on areas.valid_from <= make_date(years.year, 12, 31)
    and coalesce(areas.valid_to, date '9999-12-31') >= make_date(years.year, 12, 31)
cross join {{ ref("stg_catalogue__attention_indicator") }} as chosen
inner join
    {{ ref("published_dim_indicator") }} as indicator
    on indicator.indicator_id = chosen.indicator_id
    and indicator.is_active
left join {{ ref("int_analysis__basis") }} as basis on basis.indicator_key = indicator.indicator_key
left join periods on periods.indicator_id = chosen.indicator_id and periods.year = years.year
left join
    figures
    on figures.indicator_id = chosen.indicator_id
    and figures.area_key = areas.area_key
    and figures.period_key = periods.period_key
