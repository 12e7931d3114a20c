{{ config(alias="fct_population_component") }}
-- Grain: area x year x scenario: the balance of the year; the first year is the base and has a stock only.
select
    area_key,
    year,
    scenario,
    sum(population) as population,
    {% for term in ["births", "deaths", "arrivals", "departures", "reconciliation", "planned"] -%}
        sum({{ term }}) as {{ term }},
    {% endfor -%}
    sum(arrivals - departures + reconciliation + planned) as net_migration,
    100 * sum(population) filter (where age_from < 18) / nullif(sum(population), 0) as children_share,
    100 * sum(population) filter (where age_from >= 60) / nullif(sum(population), 0) as seniors_share,
    min(method) as method,
    min(obs_status) as obs_status
from {{ ref("int_analysis__population") }}
group by area_key, year, scenario
