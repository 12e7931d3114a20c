{{ config(severity="warn") }}
-- A Handlungsempfehlung whose area or indicator does not exist is shown without it; the register wants
-- correcting.
select recommendation.recommendation_id, recommendation.gemeinde_code, recommendation.indicator_id
from {{ ref("published_fct_recommendation") }} as recommendation
left join
    {{ ref("published_dim_indicator") }} as indicator on indicator.indicator_id = recommendation.indicator_id
where
    recommendation.area_key is null
    or (recommendation.indicator_id is not null and indicator.indicator_id is null)
