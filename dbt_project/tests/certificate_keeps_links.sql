-- Breakdowns of one measure have the same margins, and a part and its rest are the whole: in the base world
-- and in every
-- witness.
with
    moved as (
        select witness.audience, witness.table_id, witness.witness_id, link.link_row
        from {{ ref("stg_proof__witness") }} as witness
        inner join
            {{ ref("int_disclosure__link") }} as link
            on link.table_id = witness.table_id
            and link.atom_id = witness.atom_id
        group by witness.audience, witness.table_id, witness.witness_id, link.link_row
        having sum(link.coefficient * witness.delta) <> 0
    ),
    base as (
        select 'base' as audience, base.table_id, -1 as witness_id, link.link_row
        from {{ ref("stg_proof__base") }} as base
        inner join
            {{ ref("int_disclosure__link") }} as link
            on link.table_id = base.table_id
            and link.atom_id = base.atom_id
        group by base.table_id, link.link_row
        having sum(link.coefficient * base.base) <> 0
    )
select *
from moved
union all
select *
from base
