-- With `require_certificate` no table that could be proven goes out on the word of layer A, and every cell
-- of a solved
-- table has been decided.
with
    provable as (select * from {{ ref("int_disclosure__table") }} where is_consistent),
    verdict as (select table_id from {{ ref("stg_proof__verdict") }} where audience = 'public'),
    undecided as (
        select cell.table_id
        from {{ ref("int_disclosure__table_cell") }} as cell
        inner join verdict on verdict.table_id = cell.table_id
        left join
            (select * from {{ ref("stg_proof__pattern") }} where audience = 'public') as pattern
            on pattern.table_id = cell.table_id
            and pattern.measure_id = cell.measure_id
            and pattern.area_key = cell.area_key
            and pattern.group_key = cell.group_key
        where pattern.table_id is null
        group by cell.table_id
    ),
    incomplete_base as (
        select atom.table_id
        from {{ ref("int_disclosure__atom") }} as atom
        inner join verdict on verdict.table_id = atom.table_id
        left join
            {{ ref("stg_proof__base") }} as base
            on base.table_id = atom.table_id
            and base.atom_id = atom.atom_id
        where base.table_id is null
        group by atom.table_id
    )
select table_id, 'no verdict' as missing
from provable
anti join verdict using (table_id)
where {{ var("require_certificate") }}
union all
select table_id, 'cells without decision' as missing
from undecided
union all
select table_id, 'atoms without number' as missing
from incomplete_base
