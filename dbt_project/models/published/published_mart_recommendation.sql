{{ config(alias="mart_recommendation") }}
-- Grain: Handlungsempfehlung, flat. The traffic light compares with the day of the register, not with
-- today: it knows what the register knew.
with
    histories as (
        select
            recommendation_id,
            count(*) as steps,
            min(since) filter (where status = 'in Umsetzung') as begun_on,
            max(since) filter (where status = 'umgesetzt' and is_current) as done_on,
            string_agg(
                strftime(since, '%d.%m.%Y') || ' ' || status || coalesce(' (' || note || ')', ''),
                '; '
                order by since
            ) as history_text
        from {{ ref("published_fct_recommendation_status") }}
        group by recommendation_id
    ),
    products as (
        select
            product_code,
            max(product_name order by year desc) as product_name,
            max(year) as product_year,
            arg_max(plan_eur, year) as product_plan_eur
        from {{ ref("published_fct_budget") }}
        group by product_code
    ),
    -- Its own target first, then of several that name it the one that is due next.
    targets as (
        select target.*
        from {{ ref("published_mart_target") }} as target
        inner join {{ ref("published_fct_recommendation") }} as recommendation using (recommendation_id)
        qualify
            row_number() over (
                partition by target.recommendation_id
                order by
                    coalesce(
                        target.target_year = recommendation.target_year
                        and target.indicator_id = recommendation.indicator_id,
                        false
                    ) desc,
                    target.is_open desc,
                    target.target_year,
                    target.area_key,
                    target.indicator_id
            )
            = 1
    ),
    lit as (
        select
            recommendation.*,
            case
                when status = 'umgesetzt'
                then 'umgesetzt'
                when status = 'zurückgestellt'
                then 'zurückgestellt'
                when due_year is null
                then 'ohne Frist'
                when due_year < year(stated_on)
                then 'überfällig'
                when status = 'geplant' and due_year = year(stated_on)
                then 'Achtung'
                when cost_actual_eur > cost_plan_eur
                then 'Achtung'
                else 'im Plan'
            end as light_label
        from {{ ref("published_fct_recommendation") }} as recommendation
    )
select
    lit.recommendation_id,
    lit.title,
    lit.theme as theme_id,
    coalesce(theme.label, lit.theme) as theme_label,
    lit.origin,
    lit.goal,
    lit.operative_goal,
    indicator.indicator_id,
    indicator.label as indicator_label,
    area.area_system,
    area.area_level,
    area.area_level_label,
    area.level_rank,
    lit.area_key,
    area.area_code,
    area.area_name,
    area.parent_area_name,
    lit.target_year,
    targets.target_value_label,
    targets.latest_value_label,
    targets.state_label as target_state_label,
    targets.derivation as target_derivation,
    lit.decision,
    lit.decided_on,
    year(lit.decided_on) as year,
    lit.responsible,
    lit.due_year,
    lit.status,
    case
        lit.status when 'in Umsetzung' then 1 when 'geplant' then 2 when 'umgesetzt' then 3 else 4
    end as status_rank,
    lit.status_since,
    histories.begun_on,
    histories.done_on,
    histories.steps as status_changes,
    histories.history_text,
    case
        lit.light_label
        when 'überfällig'
        then 'rot'
        when 'Achtung'
        then 'gelb'
        when 'umgesetzt'
        then 'blau'
        when 'im Plan'
        then 'grün'
        else 'grau'
    end as light,
    lit.light_label,
    case
        lit.light_label
        when 'überfällig'
        then 1
        when 'Achtung'
        then 2
        when 'im Plan'
        then 3
        when 'umgesetzt'
        then 4
        else 5
    end as light_rank,
    case
        when lit.light_label = 'überfällig'
        then 'Frist ' || lit.due_year || ' überschritten, Stand ' || strftime(lit.stated_on, '%d.%m.%Y')
        when lit.light_label = 'Achtung' and lit.status = 'geplant'
        then 'Beginn steht aus, Frist ' || lit.due_year
        when lit.light_label = 'Achtung'
        then 'Kosten über dem Plan, noch nicht umgesetzt'
        when lit.light_label = 'umgesetzt' and year(histories.done_on) > lit.due_year
        then 'umgesetzt, später als geplant (Frist ' || lit.due_year || ')'
        when lit.light_label in ('umgesetzt', 'zurückgestellt')
        then lit.light_label || ' seit ' || strftime(lit.status_since, '%d.%m.%Y')
        when lit.light_label = 'ohne Frist'
        then 'keine Frist vereinbart'
        else lit.status || ', Frist ' || lit.due_year
    end as light_reason,
    lit.cost_plan_eur,
    lit.cost_actual_eur,
    lit.cost_actual_eur / nullif(lit.cost_plan_eur, 0) as cost_share,
    case
        when lit.cost_plan_eur is not null
        then 'geplant ' || {{ german_number("lit.cost_plan_eur", 0) }} || ' EUR'
    end || coalesce(
        ', '
        || case when lit.status = 'umgesetzt' then 'abgerechnet ' else 'bisher ' end
        || {{ german_number("lit.cost_actual_eur", 0) }}
        || ' EUR ('
        || {{ german_number("100 * lit.cost_actual_eur / nullif(lit.cost_plan_eur, 0)", 0) }}
        || ' %)',
        ''
    ) as cost_text,
    lit.product_code,
    products.product_name,
    products.product_year,
    products.product_plan_eur,
    lit.stated_on
from lit
left join {{ ref("published_dim_theme") }} as theme on theme.theme_id = lit.theme
left join
    {{ ref("published_dim_indicator") }} as indicator
    on indicator.indicator_id = lit.indicator_id
    and indicator.is_active
left join {{ ref("published_dim_area") }} as area on area.area_key = lit.area_key
left join histories on histories.recommendation_id = lit.recommendation_id
left join products on products.product_code = lit.product_code
left join targets on targets.recommendation_id = lit.recommendation_id
