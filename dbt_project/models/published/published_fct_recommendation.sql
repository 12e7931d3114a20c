{{ config(alias="fct_recommendation") }}
-- Grain: Handlungsempfehlung, in the state of the register in use (stated_on). Its area is the one the
-- register names, else its Gemeinde, else the whole.
with
    placed as (
        select
            delivered.*,
            cast(delivery.file_modified_at as date) as stated_on,
            case
                when delivered.area_code is not null
                then delivered.area_level
                when delivered.gemeinde_code is not null
                then 'gemeinde'
                else whole.area_level
            end as level_named,
            coalesce(delivered.area_code, delivered.gemeinde_code, whole.area_code) as code_named
        from {{ ref("stg_landing__recommendation") }} as delivered
        inner join {{ ref("stg_registry__delivery") }} as delivery using (delivery_id)
        cross join
            (
                select
                    any_value(area_level order by valid_from desc) as area_level,
                    any_value(area_code order by valid_from desc) as area_code
                from {{ ref("published_dim_area") }}
                where
                    area_system = {{ text_literal(var("main_area_system")) }}
                    and level_rank = 0
                    and is_current
            ) as whole
    ),
    -- The boundaries of today; an area that is no more keeps its last ones.
    areas as (
        select area_key, area_level, area_code
        from {{ ref("published_dim_area") }}
        where area_system = {{ text_literal(var("main_area_system")) }}
        qualify
            row_number() over (partition by area_level, area_code order by is_current desc, valid_from desc)
            = 1
    ),
    latest as (
        select recommendation_id, since from {{ ref("published_fct_recommendation_status") }} where is_current
    )
select
    placed.recommendation_id,
    placed.title,
    placed.theme,
    placed.origin,
    placed.goal,
    placed.operative_goal,
    placed.indicator_id,
    placed.gemeinde_code,
    areas.area_key,
    placed.target_value,
    placed.target_year,
    placed.decided_on,
    placed.decision,
    placed.responsible,
    placed.due_year,
    placed.cost_plan_eur,
    placed.cost_actual_eur,
    placed.status,
    latest.since as status_since,
    placed.product_code,
    placed.stated_on
from placed
left join areas on areas.area_level = placed.level_named and areas.area_code = placed.code_named
left join latest on latest.recommendation_id = placed.recommendation_id
