{{ config(alias="fct_forecast_quality") }}
-- Grain: indicator x area: record of the back-test, or why there is no forecast.
select
    indicator_id,
    area_key,
    method,
    points,
    origins,
    mase,
    mase_naive,
    coverage,
    coverage_points,
    is_forecast,
    reason
from {{ ref("int_analysis__forecast") }}
where horizon = 0
