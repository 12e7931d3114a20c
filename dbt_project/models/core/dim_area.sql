-- Grain: area system x level x code x start of validity.
-- The member "räumlich nicht zuordenbar" is added below every area that has a finer published level, so
-- that totals close.
with
    levels as (
        select
            area_system,
            area_system_label,
            level,
            level_label,
            level_rank,
            max(level_rank) over (partition by area_system) as finest_rank
        from {{ ref("stg_catalogue__area_level") }}
    ),
    delivered as (
        select area_system, area_level, area_code, area_name, parent_code, valid_from, valid_to, geometry
        from {{ ref("int_area_validity") }}
    ),
    unassigned as (
        select
            delivered.area_system,
            child_level.level as area_level,
            delivered.area_code || '-NZ' as area_code,
            'räumlich nicht zuordenbar (' || delivered.area_name || ')' as area_name,
            delivered.area_code as parent_code,
            delivered.valid_from,
            delivered.valid_to,
            cast(null as varchar) as geometry
        from delivered
        inner join
            levels as own_level
            on own_level.area_system = delivered.area_system
            and own_level.level = delivered.area_level
        inner join
            levels as child_level
            on child_level.area_system = delivered.area_system
            and child_level.level_rank = own_level.level_rank + 1
    ),
    members as (
        select *, false as is_unassigned
        from delivered
        union all
        select *, true as is_unassigned
        from unassigned
    )
select
    members.area_system
    || '|'
    || members.area_level
    || '|'
    || members.area_code
    || '|'
    || strftime(members.valid_from, '%Y-%m-%d') as area_key,
    members.area_system,
    levels.area_system_label,
    members.area_level,
    levels.level_label as area_level_label,
    cast(levels.level_rank as integer) as level_rank,
    members.area_code,
    members.area_name,
    members.parent_code,
    members.valid_from,
    members.valid_to,
    members.valid_to is null as is_current,
    members.is_unassigned,
    members.geometry as geometry_geojson
from members
inner join levels on levels.area_system = members.area_system and levels.level = members.area_level
