{{ config(alias="mart_budget") }}
-- Grain: product x year, flat, with the cases and indicators the instance links to the product
-- (haushalt.yml). Cases and indicators are released values of the whole area; of a year the last period
-- counts.
with
    years as (
        select
            *,
            row_number() over (partition by measure_id, group_key, year order by period_end desc) as position
        from
            (
                select
                    fact.measure_id,
                    fact.group_key,
                    year(period.period_end) as year,
                    period.period_end,
                    fact.value,
                    {{ empty_reason("fact.value", "fact.obs_status", "fact.conf_status") }} as empty_reason
                from {{ ref("published_fct_measure") }} as fact
                inner join {{ ref("published_dim_area") }} as area using (area_key)
                inner join {{ ref("published_dim_period") }} as period using (period_key)
                where area.level_rank = 0
            ) as figures
    ),
    indicators as (
        select
            fact.indicator_id,
            year(period.period_end) as year,
            max_by(
                coalesce(
                    {{ german_number("fact.value", "indicator.decimals") }}
                    || case when indicator.unit in ('', 'Anzahl') then '' else ' ' || indicator.unit end,
                    fact.empty_reason
                ),
                period.period_end
            ) as value_label
        from {{ ref("published_fct_indicator") }} as fact
        inner join {{ ref("published_dim_indicator") }} as indicator using (indicator_key)
        inner join {{ ref("published_dim_area") }} as area using (area_key)
        inner join {{ ref("published_dim_period") }} as period using (period_key)
        where area.level_rank = 0 and indicator.is_active
        group by all
    ),
    linked as (
        select
            budget.product_code,
            budget.year,
            string_agg(indicator.short_label, '; ' order by link.position) as indicator_labels,
            string_agg(
                indicator.short_label || ': ' || coalesce(indicators.value_label, 'kein Wert in diesem Jahr'),
                '; '
                order by link.position
            ) as indicator_values
        from {{ ref("published_fct_budget") }} as budget
        inner join {{ ref("stg_catalogue__budget_indicator") }} as link using (product_code)
        inner join
            {{ ref("published_dim_indicator") }} as indicator
            on indicator.indicator_id = link.indicator_id
            and indicator.is_active
        left join indicators on indicators.indicator_id = link.indicator_id and indicators.year = budget.year
        group by all
    ),
    tied as (
        select product_code, cast(count(*) as integer) as recommendations
        from {{ ref("published_fct_recommendation") }}
        group by product_code
    )
select
    budget.year,
    budget.year = max(budget.year) filter (where budget.actual_eur is not null) over () as is_latest,
    budget.product_code,
    budget.product_name,
    budget.product_code || ' ' || budget.product_name as product,
    budget.theme as theme_id,
    coalesce(theme.label, budget.theme) as theme_label,
    budget.plan_eur,
    budget.actual_eur,
    budget.actual_eur - budget.plan_eur as deviation_eur,
    100 * (budget.actual_eur - budget.plan_eur) / nullif(budget.plan_eur, 0) as deviation_pct,
    budget.per_inhabitant_eur,
    measure.label as case_label,
    years.value as cases,
    round(budget.actual_eur / nullif(years.value, 0), 2) as per_case_eur,
    case
        when budget.actual_eur is null
        then 'Jahr noch nicht abgeschlossen'
        when link.case_measure_id is null
        then 'keine Fallzahl zugeordnet'
        when years.value is null
        then coalesce(years.empty_reason, 'kein Wert in diesem Jahr')
    end as per_case_empty_reason,
    linked.indicator_labels,
    linked.indicator_values,
    coalesce(tied.recommendations, 0) as recommendations,
    link.note
from {{ ref("published_fct_budget") }} as budget
left join {{ ref("published_dim_theme") }} as theme on theme.theme_id = budget.theme
left join {{ ref("stg_catalogue__budget_link") }} as link on link.product_code = budget.product_code
left join {{ ref("published_dim_measure") }} as measure on measure.measure_id = link.case_measure_id
left join
    years
    on years.measure_id = link.case_measure_id
    and years.group_key = link.case_group_key
    and years.year = budget.year
    and years.position = 1
left join linked on linked.product_code = budget.product_code and linked.year = budget.year
left join tied on tied.product_code = budget.product_code
