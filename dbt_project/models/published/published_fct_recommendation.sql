{{ config(alias="fct_recommendation") }}
select
    recommendation_id,
    title,
    theme,
    goal,
    indicator_id,
    gemeinde_code,
    decided_on,
    due_year,
    cost_plan_eur,
    cost_actual_eur,
    status,
    product_code
from {{ ref("stg_landing__recommendation") }}
