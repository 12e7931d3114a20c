{{ config(alias="mart_population_pyramid") }}
-- Grain: area x year x scenario x sex x age band, flat: population pyramids.
with
    forecast as (
        select
            *,
            min(year) over () as base_year,
            max(year) over () as last_year,
            sum(value) over (partition by area_key, year, scenario) as persons
        from {{ ref("published_fct_population_forecast") }}
    )
select
    area.area_system,
    area.area_level,
    area.area_level_label,
    area.level_rank,
    area.area_key,
    area.area_code,
    area.area_name,
    area.parent_area_name,
    forecast.year,
    forecast.year = forecast.base_year as is_base_year,
    forecast.year = forecast.last_year as is_last_year,
    forecast.scenario,
    scenario.label as scenario_label,
    scenario.is_planner,
    scenario.position as scenario_position,
    forecast.sex,
    case forecast.sex when 'm' then 'männlich' when 'f' then 'weiblich' else 'alle' end as sex_label,
    forecast.age_band,
    case
        when forecast.age_to is null
        then forecast.age_from || ' Jahre und älter'
        when forecast.age_from = 0
        then 'unter ' || (forecast.age_to + 1) || ' Jahre'
        else forecast.age_from || '–' || forecast.age_to || ' Jahre'
    end as age_label,
    forecast.age_from,
    forecast.value,
    case when forecast.sex = 'm' then - forecast.value else forecast.value end as value_signed,
    100 * forecast.value / nullif(forecast.persons, 0) as share
from forecast
inner join
    {{ ref("published_dim_area") }} as area on area.area_key = forecast.area_key and not area.is_unassigned
inner join {{ ref("published_dim_scenario") }} as scenario on scenario.scenario = forecast.scenario
