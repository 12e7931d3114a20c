-- Grain: atom area x area it lies in x common validity. An atom area that is no area of its own (`~rest`,
-- `&`) also
-- covers itself, below everything else.
with
    atom_area as (select distinct atom_area from {{ ref("int_disclosure__leaf") }}),
    -- The areas an atom area lies in directly.
    place as (
        select atom_area, replace(part.area_key, '~rest', '') as area_key
        from atom_area
        cross join lateral(select unnest(string_split(atom_area, '&')) as area_key) as part
    ),
    covered as (
        select
            place.atom_area,
            bridge.ancestor_area_key as area_key,
            area.level_rank,
            bridge.valid_from,
            bridge.valid_to
        from place
        inner join {{ ref("bridge_area") }} as bridge on bridge.descendant_area_key = place.area_key
        inner join {{ ref("dim_area") }} as area on area.area_key = bridge.ancestor_area_key
    ),
    itself as (
        select atom_area, atom_area as area_key, 1000 as level_rank, valid_from, valid_to
        from covered
        where contains(atom_area, '&') or contains(atom_area, '~rest')
    )
select *
from covered
union
select *
from itself
