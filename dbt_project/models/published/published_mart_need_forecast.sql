{{ config(alias="mart_need_forecast") }}
-- Grain: need x area x year x scenario, flat.
with
    base as (
        select
            need_id,
            area_key,
            scenario,
            min(year) as year,
            arg_min(value, year) as value,
            max(year) as last_year
        from {{ ref("published_fct_need_forecast") }}
        group by need_id, area_key, scenario
    )
select
    forecast.need_id,
    need.label as need_label,
    need.definition,
    need.unit,
    need.population_label,
    need.theme_id,
    need.theme_label,
    need.decimals,
    area.area_system,
    area.area_level,
    area.area_level_label,
    area.level_rank,
    area.area_key,
    area.area_code,
    area.area_name,
    area.parent_area_name,
    forecast.year,
    forecast.scenario,
    scenario.label as scenario_label,
    scenario.is_planner,
    scenario.position as scenario_position,
    forecast.value,
    forecast.value_low,
    forecast.value_high,
    {{ german_number("forecast.value", "need.decimals") }}
    || ' '
    || need.unit
    || case
        when forecast.value_low < forecast.value_high
        then
            ' ('
            || {{ german_number("forecast.value_low", "need.decimals") }}
            || ' bis '
            || {{ german_number("forecast.value_high", "need.decimals") }}
            || ')'
        else ''
    end as value_label,
    forecast.population,
    forecast.rate,
    base.year as base_year,
    base.value as base_value,
    forecast.value - base.value as change,
    100 * (forecast.value - base.value) / nullif(base.value, 0) as change_pct,
    forecast.year = base.last_year as is_last_year
from {{ ref("published_fct_need_forecast") }} as forecast
inner join base using (need_id, area_key, scenario)
inner join {{ ref("published_dim_need") }} as need on need.need_id = forecast.need_id
inner join
    {{ ref("published_dim_area") }} as area on area.area_key = forecast.area_key and not area.is_unassigned
inner join {{ ref("published_dim_scenario") }} as scenario on scenario.scenario = forecast.scenario
