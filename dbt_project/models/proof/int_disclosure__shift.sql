-- Grain: audience x table x witness x cell that the witness moves: by how much its world differs from the
-- base there.
-- Areas first, groups second: a witness touches few atoms, and both joins go outward from them.
with
    moved as (
        select
            witness.audience,
            witness.table_id,
            witness.witness_id,
            atom.table_group,
            atom.period_end,
            atom.atom_measure,
            atom.clique,
            atom.atom_area,
            atom.atom_group,
            witness.delta
        from {{ ref("stg_proof__witness") }} as witness
        inner join
            {{ ref("int_disclosure__atom") }} as atom
            on atom.table_id = witness.table_id
            and atom.atom_id = witness.atom_id
    ),
    by_area as (
        select
            moved.audience,
            moved.table_id,
            moved.witness_id,
            moved.table_group,
            moved.atom_measure,
            moved.clique,
            area_cover.area_key,
            moved.atom_group,
            sum(moved.delta) as delta
        from moved
        inner join
            {{ ref("int_disclosure__area_cover") }} as area_cover
            on area_cover.atom_area = moved.atom_area
            and {{ valid_on("moved.period_end", "area_cover.valid_from", "area_cover.valid_to") }}
        group by
            moved.audience,
            moved.table_id,
            moved.witness_id,
            moved.table_group,
            moved.atom_measure,
            moved.clique,
            area_cover.area_key,
            moved.atom_group
        having sum(moved.delta) <> 0
    )
select
    by_area.audience,
    by_area.table_id,
    by_area.witness_id,
    group_cover.measure_id,
    by_area.area_key,
    group_cover.group_key,
    cast(sum(by_area.delta) as bigint) as shift
from by_area
inner join
    {{ ref("int_disclosure__group_cover") }} as group_cover
    on group_cover.table_group = by_area.table_group
    and group_cover.atom_measure = by_area.atom_measure
    and group_cover.clique = by_area.clique
    and group_cover.atom_group = by_area.atom_group
group by
    by_area.audience,
    by_area.table_id,
    by_area.witness_id,
    group_cover.measure_id,
    by_area.area_key,
    group_cover.group_key
having sum(by_area.delta) <> 0
