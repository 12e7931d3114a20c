{{ config(alias="fct_target") }}
-- Grain: indicator x area x year: what was agreed to be reached. Actual values stand in fct_indicator.
select
    indicator.indicator_key,
    target.indicator_id,
    area.area_key,
    cast(target.year as integer) as target_year,
    target.value,
    target.decision,
    target.recommendation_id
from {{ ref("stg_catalogue__target") }} as target
inner join
    {{ ref("published_dim_indicator") }} as indicator
    on indicator.indicator_id = target.indicator_id
    and indicator.is_active
inner join
    {{ ref("stg_catalogue__indicator") }} as resolved on resolved.indicator_key = indicator.indicator_key
inner join
    {{ ref("published_dim_area") }} as area
    on area.area_system = resolved.area_system
    and area.area_level = target.area_level
    and area.area_code = target.area_code
    and area.is_current
