{{ config(alias="mart_trend") }}
-- Grain: indicator x area of today, flat.
with
    described as (
        select
            series.series_id,
            trend.*,
            latest.value as last_value,
            first_period.period_label as first_period_label,
            last_period.period_label as last_period_label,
            last_period.period_end,
            last_period.year
        from {{ ref("published_fct_indicator_trend") }} as trend
        inner join {{ ref("int_analysis__series") }} as series using (indicator_key, area_key)
        left join
            {{ ref("int_analysis__series_point") }} as latest
            on latest.series_id = series.series_id
            and latest.period_key = trend.last_period
        left join
            {{ ref("published_dim_period") }} as first_period on first_period.period_key = trend.first_period
        left join
            {{ ref("published_dim_period") }} as last_period on last_period.period_key = trend.last_period
    )
select
    described.indicator_id,
    indicator.label as indicator_label,
    indicator.short_label,
    indicator.theme_id,
    indicator.theme_label,
    indicator.unit,
    indicator.decimals,
    indicator.polarity,
    area.area_system,
    area.area_level,
    area.area_level_label,
    area.level_rank,
    described.area_key,
    area.area_code,
    area.area_name,
    area.parent_area_name,
    described.points,
    described.first_period_label,
    described.last_period_label,
    described.period_end,
    described.year,
    described.last_value,
    {{ german_number("described.last_value", "indicator.decimals") }}
    || case when indicator.unit in ('', 'Anzahl') then '' else ' ' || indicator.unit end as last_value_label,
    described.slope_per_year,
    words.slope_label,
    described.p_value,
    described.direction,
    words.direction_label,
    described.assessment,
    words.assessment_label,
    described.wording,
    described.is_warning,
    words.warning_kind_label,
    described.warning_text,
    described.reason
from described
inner join {{ ref("int_analysis__trend") }} as words using (series_id)
inner join {{ ref("published_dim_indicator") }} as indicator using (indicator_key)
inner join {{ ref("published_dim_area") }} as area using (area_key)
