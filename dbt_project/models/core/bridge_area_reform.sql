-- Grain: area before x area after x reform. Weights say which share of the old area went to the new one.
select
    reform.area_system,
    old_area.area_key as from_area_key,
    new_area.area_key as to_area_key,
    reform.reform_date,
    reform.weight,
    reform.method,
    reform.method <> 'exact' as is_estimate
from {{ ref("stg_landing__area_crosswalk") }} as reform
inner join
    {{ ref("dim_area") }} as old_area
    on old_area.area_system = reform.area_system
    and old_area.area_level = reform.area_level
    and old_area.area_code = reform.from_code
    and {{ valid_on("reform.reform_date - 1", "old_area.valid_from", "old_area.valid_to") }}
inner join
    {{ ref("dim_area") }} as new_area
    on new_area.area_system = reform.area_system
    and new_area.area_level = reform.area_level
    and new_area.area_code = reform.to_code
    and {{ valid_on("reform.reform_date", "new_area.valid_from", "new_area.valid_to") }}
