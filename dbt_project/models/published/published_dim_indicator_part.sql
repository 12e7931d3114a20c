{{ config(alias="dim_indicator_part") }}
-- Grain: indicator x part x measure x group. The definition travels with the figures: the query compiler
-- reads nothing but the release, also when the catalogue has moved on.
select part.indicator_key, part.part, part.measure_id, part.group_id as group_key, part.sign
from {{ ref("stg_catalogue__indicator_part") }} as part
inner join {{ ref("published_dim_indicator") }} as indicator using (indicator_key)
where indicator.is_active and indicator.tier = 'public'
