{{ config(alias="mart_index_map") }}
-- Grain: index x area x period x polygon part.
select
    mart.index_id,
    mart.index_label,
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
    mart.rank,
    mart.class_number,
    mart.class_label,
    mart.change_class_number,
    mart.change_class_label,
    mart.empty_reason,
    polygon.part,
    polygon.ring_json
from {{ ref("published_mart_index") }} as mart
inner join {{ ref("published_dim_area_polygon") }} as polygon using (area_key)
