{{ config(alias="fct_budget") }}
-- Grain: product x year. Per inhabitant of 31 December, from the released population.
with
    inhabitants as (
        select period.year, fact.value as inhabitants
        from {{ ref("published_fct_measure") }} as fact
        inner join {{ ref("published_dim_area") }} as area using (area_key)
        inner join {{ ref("published_dim_period") }} as period using (period_key)
        where
            fact.measure_id = 'population'
            and fact.group_key = 'total'
            and area.level_rank = 0
            and month(period.period_end) = 12
    )
select
    budget.year,
    budget.product_code,
    budget.product_name,
    budget.theme,
    budget.plan_eur,
    budget.actual_eur,
    round(budget.actual_eur / nullif(inhabitants.inhabitants, 0), 2) as per_inhabitant_eur
from {{ ref("stg_landing__budget") }} as budget
left join inhabitants using (year)
