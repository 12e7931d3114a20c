{{ config(alias="fct_population_quality") }}
-- Grain: area level x base year x target year of a back-test.
select
    area_system,
    area_level,
    base_year,
    target_year,
    method,
    areas,
    mape,
    mape_naive,
    weighted,
    weighted_naive,
    total_error
from {{ ref("int_analysis__population_record") }}
