{{ config(alias="fct_indicator_statistic") }}
-- Grain: indicator x area x period with a released value that rests on counted persons or cases.
select
    counted.indicator_key,
    indicator.indicator_id,
    counted.area_key,
    counted.period_key,
    statistic.interval_low,
    statistic.interval_high,
    statistic.confidence,
    statistic.interval_method,
    statistic.benchmark_value,
    statistic.p_value,
    statistic.p_adjusted,
    statistic.comparison,
    statistic.comparison_label,
    statistic.funnel_low,
    statistic.funnel_high,
    statistic.is_outside_funnel,
    statistic.shrunk_value,
    statistic.is_reliable,
    statistic.note
from {{ ref("int_analysis__count") }} as counted
inner join {{ ref("int_analysis__statistic") }} as statistic using (count_id)
inner join {{ ref("published_dim_indicator") }} as indicator using (indicator_key)
