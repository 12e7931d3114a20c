{{ config(alias="dim_area") }}
-- Grain: area x validity, on levels that hold released figures.
with
    parents as (
        select child_key, parent_key
        from {{ ref("int_area_edge") }}
        qualify row_number() over (partition by child_key order by valid_from desc) = 1
    ),
    used as (select distinct area_key from {{ ref("published_fct_measure") }})
select
    area.area_key,
    area.area_system,
    area.area_system_label,
    area.area_level,
    area.area_level_label,
    area.level_rank,
    area.area_code,
    area.area_name,
    parents.parent_key as parent_area_key,
    parent.area_name as parent_area_name,
    area.valid_from,
    area.valid_to,
    area.is_current,
    area.is_unassigned,
    area.geometry_geojson
from {{ ref("dim_area") }} as area
left join parents on parents.child_key = area.area_key
left join {{ ref("dim_area") }} as parent on parent.area_key = parents.parent_key
where
    area.area_key in (select area_key from used)
    or (
        not area.is_unassigned
        and area.level_rank <= (
            select max(used_area.level_rank)
            from {{ ref("dim_area") }} as used_area
            where
                used_area.area_system = area.area_system and used_area.area_key in (select area_key from used)
        )
    )
