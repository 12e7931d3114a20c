{{ config(alias="fct_ranking") }}
-- Grain: indicator x level x period with at least two released areas.
select
    groups.indicator_key,
    indicator.indicator_id,
    groups.area_system,
    groups.area_level,
    groups.period_key,
    ranking.is_rankable,
    ranking.reason,
    cast(groups.areas as integer) as areas,
    cast(groups.areas_without_value as integer) as areas_without_value,
    ranking.pairs_distinguishable
from {{ ref("int_analysis__ranking_group") }} as groups
inner join {{ ref("int_analysis__ranking") }} as ranking using (rank_id)
inner join {{ ref("published_dim_indicator") }} as indicator using (indicator_key)
