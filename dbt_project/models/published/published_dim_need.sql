{{ config(alias="dim_need") }}
-- Grain: need.
select
    need.need_id,
    need.label,
    need.definition,
    need.unit,
    need.population_label,
    need.theme_id,
    theme.label as theme_label,
    need.decimals,
    need.position
from {{ ref("stg_catalogue__need") }} as need
left join {{ ref("published_dim_theme") }} as theme on theme.theme_id = need.theme_id
