-- Grain: location (block or Gemeinde code as it stands in microdata) x area that contains it x validity.
-- Lets a person or case be placed on any level of any area system.
select
    bridge.area_system,
    location.area_level as location_kind,
    location.area_code as location_code,
    area.level_rank,
    bridge.ancestor_area_key as area_key,
    bridge.valid_from,
    coalesce(bridge.valid_to, date '9999-12-31') as valid_until
from {{ ref("bridge_area") }} as bridge
inner join {{ ref("dim_area") }} as location on location.area_key = bridge.descendant_area_key
inner join {{ ref("dim_area") }} as area on area.area_key = bridge.ancestor_area_key
where location.area_level in ('block', 'gemeinde') and not location.is_unassigned
