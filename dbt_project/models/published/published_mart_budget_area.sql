{{ config(alias="mart_budget_area") }}
-- Grain: product x year x area: what a Fachverfahren knows of the spending behind a product, area by area.
-- Released figures only: a withheld amount, number of cases or population gives no ratio.
with
    figures as (
        select
            fact.measure_id,
            fact.group_key,
            fact.area_key,
            year(period.period_end) as year,
            period.period_end,
            fact.value,
            {{ empty_reason("fact.value", "fact.obs_status", "fact.conf_status") }} as empty_reason
        from {{ ref("published_fct_measure") }} as fact
        inner join {{ ref("published_dim_period") }} as period using (period_key)
        qualify
            row_number() over (
                partition by fact.measure_id, fact.group_key, fact.area_key, year(period.period_end)
                order by period.period_end desc
            )
            = 1
    ),
    products as (
        select
            product_code,
            max(product_name order by year desc) as product_name,
            max(theme order by year desc) as theme
        from {{ ref("published_fct_budget") }}
        group by product_code
    )
select
    spending.year,
    link.product_code,
    products.product_name,
    products.theme as theme_id,
    coalesce(theme.label, products.theme) as theme_label,
    area.area_system,
    area.area_level,
    area.area_level_label,
    area.level_rank,
    spending.area_key,
    area.area_code,
    area.area_name,
    area.parent_area_name,
    spending.year = max(spending.year) over (partition by link.product_code) as is_latest,
    measure.label as spending_label,
    spending.value as amount_eur,
    coalesce({{ german_number("spending.value", 0) }} || ' EUR', spending.empty_reason) as amount_label,
    round(spending.value / nullif(people.value, 0), 2) as per_inhabitant_eur,
    cases.value as cases,
    round(spending.value / nullif(cases.value, 0), 2) as per_case_eur,
    spending.empty_reason
from {{ ref("stg_catalogue__budget_link") }} as link
inner join products using (product_code)
inner join
    figures as spending on spending.measure_id = link.spending_measure_id and spending.group_key = 'total'
inner join {{ ref("published_dim_measure") }} as measure on measure.measure_id = link.spending_measure_id
inner join
    {{ ref("published_dim_area") }} as area on area.area_key = spending.area_key and not area.is_unassigned
left join {{ ref("published_dim_theme") }} as theme on theme.theme_id = products.theme
left join
    figures as cases
    on cases.measure_id = link.case_measure_id
    and cases.group_key = link.case_group_key
    and cases.area_key = spending.area_key
    and cases.year = spending.year
left join
    figures as people
    on people.measure_id = 'population'
    and people.group_key = 'total'
    and people.area_key = spending.area_key
    and people.year = spending.year
