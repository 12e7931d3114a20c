-- Grain: table group x measure x group x atom group: which atoms of an area a cell of this group adds up.
-- Every
-- breakdown has one clique it is read from.
with
    atom_group as (
        select distinct table_group, measure_id, clique, atom_group
        from {{ ref("int_disclosure__leaf") }}
        union
        select distinct table_group, measure_id, clique, atom_group
        from {{ ref("int_disclosure__rest") }}
    ),
    -- A rest has the coarser scales of its part.
    coarser as (
        select member.measure_id, scale.breakdown, scale.group_id, scale.fine_breakdown, scale.fine_group_id
        from {{ ref("stg_catalogue__group_coarser") }} as scale
        inner join
            {{ ref("stg_catalogue__table_member") }} as member
            on coalesce(member.part_id, member.measure_id) = scale.measure_id
    ),
    by_member as (
        select
            home.*,
            {{ project_group("atom_group.atom_group", "home.breakdown") }} as group_key,
            atom_group.atom_group
        from {{ ref("stg_catalogue__table_home") }} as home
        inner join atom_group using (table_group, measure_id, clique)
        anti join coarser using (measure_id, breakdown)
    ),
    by_coarser_member as (
        select home.*, coarser.group_id as group_key, atom_group.atom_group
        from {{ ref("stg_catalogue__table_home") }} as home
        inner join atom_group using (table_group, measure_id, clique)
        inner join
            coarser
            on coarser.measure_id = home.measure_id
            and coarser.breakdown = home.breakdown
            and coarser.fine_group_id = {{ project_group("atom_group.atom_group", "coarser.fine_breakdown") }}
    )
select table_group, measure_id, group_key, breakdown, measure_id as atom_measure, clique, atom_group
from by_member
union all
select table_group, measure_id, group_key, breakdown, measure_id as atom_measure, clique, atom_group
from by_coarser_member
