{{ config(alias="mart_population_forecast") }}
-- Grain: area x year x scenario, flat; the years before the base as scenario `beobachtet`, so that one line
-- chart shows
-- where the future begins.
with
    observed as (
        select fact.area_key, period.year, 'beobachtet' as scenario, fact.value as population, fact.obs_status
        from {{ ref("published_fct_measure") }} as fact
        inner join {{ ref("published_dim_period") }} as period using (period_key)
        where
            fact.measure_id = 'population'
            and fact.group_key = 'total'
            and fact.value is not null
            and month(period.period_end) = 12
    ),
    forecast as (select * from {{ ref("published_fct_population_component") }}),
    base as (
        select
            area_key, min(year) as base_year, max(year) as last_year, arg_min(population, year) as population
        from forecast
        group by area_key
    ),
    both_kinds as (
        select forecast.*
        from forecast
        union all by name
        select observed.*
        from observed
        inner join base on base.area_key = observed.area_key and observed.year <= base.base_year
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
    both_kinds.year,
    case when both_kinds.year <= base.base_year then 'beobachtet' else 'Prognose' end as kind,
    both_kinds.scenario,
    coalesce(scenario.label, 'beobachtet') as scenario_label,
    coalesce(scenario.is_planner, false) as is_planner,
    coalesce(scenario.position, -1) as scenario_position,
    both_kinds.population,
    {{ german_number("both_kinds.population", "0") }} as population_label,
    both_kinds.births,
    both_kinds.deaths,
    both_kinds.births - both_kinds.deaths as natural_balance,
    both_kinds.net_migration,
    both_kinds.planned,
    both_kinds.population * both_kinds.children_share / 100 as children,
    both_kinds.population * both_kinds.seniors_share / 100 as seniors,
    both_kinds.children_share,
    both_kinds.seniors_share,
    base.base_year,
    base.population as base_population,
    both_kinds.population - base.population as change,
    100 * (both_kinds.population - base.population) / nullif(base.population, 0) as change_pct,
    case when both_kinds.population > base.population then '+' else '' end
    ||
    {{ german_number("100 * (both_kinds.population - base.population) / nullif(base.population, 0)", "1") }}
    || ' %' as change_pct_label,
    both_kinds.year = base.last_year as is_last_year,
    both_kinds.method,
    both_kinds.obs_status
from both_kinds
inner join base on base.area_key = both_kinds.area_key
inner join
    {{ ref("published_dim_area") }} as area on area.area_key = both_kinds.area_key and not area.is_unassigned
left join {{ ref("published_dim_scenario") }} as scenario on scenario.scenario = both_kinds.scenario
