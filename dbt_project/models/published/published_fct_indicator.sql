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
    ),
    in_series as (
        select
            placed.*,
            lag(placed.value) over same_day_before as value_before,
            lag(placed.period_end) over same_day_before as period_end_before,
            lag(placed.period_end) over series_before as last_period_end
        from placed
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
            ),
            series_before as (
                partition by
                    placed.indicator_key,
                    placed.area_system,
                    placed.area_level,
                    placed.area_code,
                    placed.period_type
                order by placed.period_end
            )
    ),
    breaks as (
        select series.indicator_key, series.area_key, series.period_key, broken.break_on, broken.note
        from in_series as series
        inner join {{ ref("stg_catalogue__indicator_break") }} as broken using (indicator_key)
        where broken.break_on > series.period_end_before and broken.break_on <= series.period_end
        union all
        select
            series.indicator_key,
            series.area_key,
            series.period_key,
            reform.break_on,
            'Gebietsänderung zum ' || strftime(reform.break_on, '%d.%m.%Y') as note
        from in_series as series
        inner join {{ ref("int_series_break") }} as reform using (area_key)
        where reform.break_on > series.period_end_before and reform.break_on <= series.period_end
    ),
    -- A period is compared with the one of a year before, and follows the one just before it: a break
    -- within the year
    -- takes the comparison away, a break since the last period marks the period.
    broken as (
        select
            series.indicator_key,
            series.area_key,
            series.period_key,
            bool_or(breaks.break_on > series.last_period_end) as is_first_after_break,
            arg_max(breaks.note, breaks.break_on) as note
        from breaks
        inner join in_series as series using (indicator_key, area_key, period_key)
        group by all
    )
select
    series.indicator_key,
    series.indicator_id,
    series.area_key,
    series.period_key,
    series.numerator,
    series.denominator,
    series.value,
    case
        when series.obs_status = 'A' and series.value is not null and broken.is_first_after_break
        then 'B'
        else series.obs_status
    end as obs_status,
    series.conf_status,
    {{ empty_reason("series.value", "series.obs_status", "series.conf_status") }} as empty_reason,
    roots.kreis_value,
    parent.value as parent_value,
    series.value_before as previous_value,
    -- Doubles: a difference of rounded figures has noise behind the last digit.
    case
        when broken.note is null then round(series.value - series.value_before, indicator.decimals)
    end as change,
    series.period_end = series.latest_period_end as is_latest,
    case
        when series.value is not null and broken.note is not null
        then 'Bruch in der Zeitreihe: ' || broken.note
    end as change_reason
from in_series as series
left join roots using (indicator_key, area_system, period_key)
left join
    placed as parent
    on parent.indicator_key = series.indicator_key
    and parent.period_key = series.period_key
    and parent.area_key = series.parent_area_key
left join
    broken
    on broken.indicator_key = series.indicator_key
    and broken.area_key = series.area_key
    and broken.period_key = series.period_key
inner join
    {{ ref("stg_catalogue__indicator") }} as indicator on indicator.indicator_key = series.indicator_key
