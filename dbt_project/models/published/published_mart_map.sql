{{ config(alias="mart_map") }}
-- Grain: indicator x period x area x polygon part.
select
    mart.indicator_id,
    mart.indicator_label,
    mart.unit,
    mart.area_system,
    mart.area_level,
    mart.area_key,
    mart.area_name,
    mart.period_key,
    mart.period_label,
    mart.period_end,
    mart.is_latest,
    mart.value,
    mart.value_label,
    mart.empty_reason,
    polygon.part,
    polygon.ring_json
from {{ ref("published_mart_indicator") }} as mart
inner join {{ ref("published_dim_area_polygon") }} as polygon using (area_key)
