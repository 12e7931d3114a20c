{{ config(alias="mart_statistic") }}
-- Grain: indicator x area at the latest period of the indicator, flat, released values only.
select
    fact.indicator_id,
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
    fact.area_key,
    area.area_code,
    area.area_name,
    area.parent_area_name,
    fact.period_key,
    period.period_label,
    period.period_end,
    period.year,
    fact.is_latest,
    fact.numerator,
    fact.denominator,
    fact.value,
    {{ german_number("fact.value", "indicator.decimals") }}
    || case when indicator.unit in ('', 'Anzahl') then '' else ' ' || indicator.unit end as value_label,
    statistic.interval_low,
    statistic.interval_high,
    statistic.confidence,
    statistic.interval_method,
    {{ german_number("statistic.interval_low", "indicator.decimals") }}
    || ' bis '
    || {{ german_number("statistic.interval_high", "indicator.decimals") }}
    || case when indicator.unit in ('', 'Anzahl') then '' else ' ' || indicator.unit end as interval_label,
    words.interval_method_label,
    statistic.benchmark_value,
    words.benchmark_label,
    statistic.p_value,
    statistic.p_adjusted,
    statistic.comparison,
    statistic.comparison_label,
    words.comparison_assessment,
    statistic.funnel_low,
    statistic.funnel_high,
    statistic.is_outside_funnel,
    statistic.shrunk_value,
    statistic.is_reliable,
    coalesce(words.reliability_label, 'nicht prüfbar') as reliability_label,
    case
        when statistic.area_key is not null
        then statistic.note
        else coalesce(basis.note, basis.note_otherwise)
    end as note
from {{ ref("published_fct_indicator") }} as fact
inner join {{ ref("published_dim_indicator") }} as indicator using (indicator_key)
inner join {{ ref("published_dim_area") }} as area using (area_key)
inner join {{ ref("published_dim_period") }} as period using (period_key)
inner join {{ ref("int_analysis__basis") }} as basis using (indicator_key)
left join
    {{ ref("published_fct_indicator_statistic") }} as statistic
    on statistic.indicator_key = fact.indicator_key
    and statistic.area_key = fact.area_key
    and statistic.period_key = fact.period_key
left join
    {{ ref("int_analysis__count") }} as counted
    on counted.indicator_key = fact.indicator_key
    and counted.area_key = fact.area_key
    and counted.period_key = fact.period_key
left join {{ ref("int_analysis__statistic") }} as words on words.count_id = counted.count_id
where fact.is_latest and fact.value is not null and not area.is_unassigned
