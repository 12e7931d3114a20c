-- Grain: cell of a solved linked table: its value in the base world, where figures the supplier has hidden
-- are filled
-- with numbers that fit.
with
    by_area as (
        select
            base.table_id,
            atom.table_group,
            atom.atom_measure,
            atom.clique,
            area_cover.area_key,
            atom.atom_group,
            sum(base.base) as base
        from {{ ref("stg_proof__base") }} as base
        inner join
            {{ ref("int_disclosure__atom") }} as atom
            on atom.table_id = base.table_id
            and atom.atom_id = base.atom_id
        inner join
            {{ ref("int_disclosure__area_cover") }} as area_cover
            on area_cover.atom_area = atom.atom_area
            and {{ valid_on("atom.period_end", "area_cover.valid_from", "area_cover.valid_to") }}
        group by
            base.table_id,
            atom.table_group,
            atom.atom_measure,
            atom.clique,
            area_cover.area_key,
            atom.atom_group
    )
select
    by_area.table_id,
    group_cover.measure_id,
    by_area.area_key,
    group_cover.group_key,
    cast(sum(by_area.base) as bigint) as base_units
from by_area
inner join
    {{ ref("int_disclosure__group_cover") }} as group_cover
    on group_cover.table_group = by_area.table_group
    and group_cover.atom_measure = by_area.atom_measure
    and group_cover.clique = by_area.clique
    and group_cover.atom_group = by_area.atom_group
group by by_area.table_id, group_cover.measure_id, by_area.area_key, group_cover.group_key
