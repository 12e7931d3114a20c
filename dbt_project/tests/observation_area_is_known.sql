{{ config(severity="warn") }}
-- Delivered figures whose area no area delivery knows on that day. They do not enter the star; the sum
-- above them is
-- then incomplete and says so.
select
    observation.delivery_id,
    observation.source_row,
    observation.area_level,
    observation.area_code,
    observation.period_end
from {{ ref("stg_landing__observation") }} as observation
inner join {{ ref("stg_catalogue__measure") }} as measure using (measure_id)
left join
    {{ ref("dim_area") }} as area
    on area.area_system = observation.area_system
    and area.area_level = observation.area_level
    and area.area_code = observation.area_code
    and {{ valid_on("observation.period_end", "area.valid_from", "area.valid_to") }}
where area.area_key is null
