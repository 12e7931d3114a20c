{{ config(alias="fct_target") }}
-- Grain: indicator x area x year: what was agreed to be reached. Actual values stand in fct_indicator.
-- Targets are set in the instance (targets.yml) or by a Handlungsempfehlung; where both name a value, the
-- instance's counts, of two recommendations the later decision.
with
    agreed as (
        select
            target.indicator_id,
            target.area_level,
            target.area_code,
            cast(target.year as integer) as target_year,
            target.value,
            target.decision,
            coalesce(target.decided_on, recommendation.decided_on) as decided_on,
            target.recommendation_id,
            0 as position
        from {{ ref("stg_catalogue__target") }} as target
        left join {{ ref("published_fct_recommendation") }} as recommendation using (recommendation_id)
        union all
        select
            recommendation.indicator_id,
            area.area_level,
            area.area_code,
            recommendation.target_year,
            recommendation.target_value as value,
            concat_ws(
                ', ', recommendation.decision, strftime(recommendation.decided_on, '%d.%m.%Y')
            ) as decision,
            recommendation.decided_on,
            recommendation.recommendation_id,
            1 as position
        from {{ ref("published_fct_recommendation") }} as recommendation
        inner join {{ ref("published_dim_area") }} as area using (area_key)
        where recommendation.target_value is not null and recommendation.target_year is not null
    )
select
    indicator.indicator_key,
    agreed.indicator_id,
    area.area_key,
    agreed.target_year,
    agreed.value,
    agreed.decision,
    agreed.decided_on,
    agreed.recommendation_id
from agreed
inner join
    {{ ref("published_dim_indicator") }} as indicator
    on indicator.indicator_id = agreed.indicator_id
    and indicator.is_active
inner join
    {{ ref("stg_catalogue__indicator") }} as resolved on resolved.indicator_key = indicator.indicator_key
inner join
    {{ ref("published_dim_area") }} as area
    on area.area_system = resolved.area_system
    and area.area_level = agreed.area_level
    and area.area_code = agreed.area_code
    and area.is_current
qualify
    row_number() over (
        partition by indicator.indicator_key, area.area_key, agreed.target_year
        order by agreed.position, agreed.decided_on desc nulls last, agreed.recommendation_id
    )
    = 1
