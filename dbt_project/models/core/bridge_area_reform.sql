-- Grain: area before x area after x reform. Weights say which share of the old area went to the new one.
-- A version of an area that follows another one without a row in a list of reforms (new name, new parent,
-- or land
-- received from elsewhere) continues it as a whole.
with
    reform as (
        select
            delivered.area_system,
            delivered.area_level,
            delivered.from_code,
            delivered.to_code,
            delivered.reform_date,
            delivered.weight,
            delivered.method
        from {{ ref("stg_landing__area_crosswalk") }} as delivered
        union all
        select
            before.area_system,
            before.area_level,
            before.area_code as from_code,
            before.area_code as to_code,
            after.valid_from as reform_date,
            1.0 as weight,
            'exact' as method
        from {{ ref("int_area_validity") }} as before
        inner join
            {{ ref("int_area_validity") }} as after
            on after.area_system = before.area_system
            and after.area_level = before.area_level
            and after.area_code = before.area_code
            and after.valid_from = before.valid_to + 1
        anti join
            {{ ref("stg_landing__area_crosswalk") }} as listed
            on listed.area_system = before.area_system
            and listed.area_level = before.area_level
            and listed.from_code = before.area_code
            and listed.reform_date = after.valid_from
        where before.is_from_states
    )
select
    reform.area_system,
    old_area.area_key as from_area_key,
    new_area.area_key as to_area_key,
    reform.reform_date,
    reform.weight,
    reform.method,
    reform.method <> 'exact' as is_estimate
from reform
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
