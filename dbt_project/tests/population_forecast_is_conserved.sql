-- Nobody is lost: the stock of the year before + births - deaths + net migration is the stock; sex and age
-- bands add up to
-- it; the areas of a level add up to the Kreis. Persons are real numbers, so the tolerance is that of the
-- arithmetic.
with
    component as (select * from {{ ref("published_fct_population_component") }}),
    broken_balance as (
        select following.area_key, following.year, following.scenario, 'Bilanz' as what
        from component as following
        inner join
            component as before
            on before.area_key = following.area_key
            and before.scenario = following.scenario
            and before.year = following.year - 1
        where
            not coalesce(
                abs(
                    before.population
                    + following.births
                    - following.deaths
                    + following.arrivals
                    - following.departures
                    + following.reconciliation
                    + following.planned
                    - following.population
                )
                < 1e-6,
                false
            )
    ),
    without_balance as (
        select component.area_key, component.year, component.scenario, 'Vorjahr fehlt' as what
        from component
        where
            component.year > (select min(year) from component)
            and not exists (
                select 1
                from component as before
                where
                    before.area_key = component.area_key
                    and before.scenario = component.scenario
                    and before.year = component.year - 1
            )
    ),
    bands as (
        select area_key, year, scenario, sum(value) as persons
        from {{ ref("published_fct_population_forecast") }}
        group by area_key, year, scenario
    ),
    lost_bands as (
        select component.area_key, component.year, component.scenario, 'Altersgruppen' as what
        from component
        left join bands using (area_key, year, scenario)
        where not coalesce(abs(bands.persons - component.population) < 1e-6, false)
    ),
    level_sums as (
        select
            area.area_system,
            area.area_level,
            component.year,
            component.scenario,
            sum(component.population) as persons
        from component
        inner join {{ ref("published_dim_area") }} as area using (area_key)
        group by area.area_system, area.area_level, component.year, component.scenario
    ),
    lost_areas as (
        select area_level as area_key, year, scenario, 'Gebiete' as what
        from level_sums
        qualify max(persons) over (partition by area_system, year, scenario) - persons > 1e-6
    )
select *
from broken_balance
union all
select *
from without_balance
union all
select *
from lost_bands
union all
select *
from lost_areas
