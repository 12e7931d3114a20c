{{ config(alias="dim_area", schema="tiers") }}
-- Grain: area and validity with figures of the internal tier.
select
    area_key,
    area_system,
    area_system_label,
    area_level,
    area_level_label,
    level_rank,
    area_code,
    area_name,
    valid_from,
    valid_to,
    is_current,
    is_unassigned,
    geometry_geojson
from {{ ref("dim_area") }}
where area_key in (select area_key from {{ ref("tier_mart_measure_intern") }})
