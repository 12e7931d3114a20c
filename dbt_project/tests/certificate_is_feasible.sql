-- Numbers of a world: no atom below zero or above what a supplier's star allows, no atom that does not
-- exist, none moved
-- twice by one witness.
with
    world as (
        select
            base.table_id,
            base.atom_id,
            base.base,
            atom.ceiling,
            atom.base as delivered,
            atom.table_id is null as is_unknown
        from {{ ref("stg_proof__base") }} as base
        left join {{ ref("int_disclosure__atom") }} as atom using (table_id, atom_id)
    ),
    repeated as (
        select audience, table_id, witness_id, atom_id
        from {{ ref("stg_proof__witness") }}
        group by audience, table_id, witness_id, atom_id
        having count(*) > 1
    ),
    out_of_range as (
        select witness.audience, witness.table_id, witness.witness_id, witness.atom_id
        from {{ ref("stg_proof__witness") }} as witness
        left join world using (table_id, atom_id)
        where
            world.base is null or world.base + witness.delta < 0 or world.base + witness.delta > world.ceiling
    )
select 'base' as audience, table_id, -1 as witness_id, atom_id
from world
where is_unknown or base is null or base < 0 or base > ceiling or base <> delivered
union all
select *
from repeated
union all
select *
from out_of_range
