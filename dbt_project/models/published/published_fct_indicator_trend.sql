{{ config(alias="fct_indicator_trend") }}
-- Grain: indicator x area of today with any released value.
select
    series.indicator_key,
    indicator.indicator_id,
    series.area_key,
    trend.points,
    first_point.period_key as first_period,
    last_point.period_key as last_period,
    trend.slope_per_year,
    trend.p_value,
    trend.p_adjusted,
    trend.direction,
    trend.assessment,
    trend.wording,
    trend.is_warning,
    trend.warning_kind,
    trend.warning_text,
    trend.reason
from {{ ref("int_analysis__series") }} as series
inner join {{ ref("int_analysis__trend") }} as trend using (series_id)
inner join {{ ref("published_dim_indicator") }} as indicator using (indicator_key)
left join
    {{ ref("int_analysis__series_point") }} as first_point
    on first_point.series_id = series.series_id
    and first_point.end_day = trend.first_day
left join
    {{ ref("int_analysis__series_point") }} as last_point
    on last_point.series_id = series.series_id
    and last_point.end_day = trend.last_day
