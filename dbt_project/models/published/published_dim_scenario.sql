{{ config(alias="dim_scenario") }}
-- Grain: scenario of the population forecast.
select
    scenario, label, description, position, is_planner, fertility, expectancy_gain, in_migration, years_until
from {{ ref("stg_catalogue__scenario") }}
