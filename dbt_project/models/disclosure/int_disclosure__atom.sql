-- Grain: atom of a linked table: a number nobody can split further. `base` is its value, NULL where a
-- supplier has
-- hidden it; `ceiling` the largest number the supplier's star leaves open, NULL without limit.
with
    atom as (
        select table_id, measure_id, clique, atom_area, atom_group, base, ceiling
        from {{ ref("int_disclosure__leaf") }}
        union all
        select table_id, measure_id, clique, atom_area, atom_group, base, cast(null as bigint) as ceiling
        from {{ ref("int_disclosure__rest") }}
    )
select
    atom.table_id,
    table_of.table_group,
    table_of.period_key,
    table_of.period_end,
    cast(
        row_number() over (
            partition by atom.table_id order by atom.measure_id, atom.clique, atom.atom_area, atom.atom_group
        )
        - 1 as integer
    ) as atom_id,
    atom.measure_id as atom_measure,
    atom.clique,
    atom.atom_area,
    atom.atom_group,
    atom.base,
    atom.ceiling
from atom
inner join {{ ref("int_disclosure__table") }} as table_of using (table_id)
where table_of.is_consistent
