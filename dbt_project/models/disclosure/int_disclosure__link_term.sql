-- Grain: table x link x member of its margin x area at which it holds x atom: the summands of every link
-- between
-- delivered measures. What is left over of a whole (int_disclosure__rest) is not yet among them.
with
    atom_group as (
        select distinct table_group, measure_id, clique, atom_group from {{ ref("int_disclosure__leaf") }}
    ),
    term_group as (
        select
            link.table_group,
            link.link_id,
            link.measure_id,
            link.clique,
            atom_group.atom_group,
            {{ project_group("atom_group.atom_group", "link.margin") }} as member,
            link.coefficient
        from {{ ref("stg_catalogue__table_link") }} as link
        inner join atom_group using (table_group, measure_id, clique)
        where {{ group_has_member("atom_group.atom_group", "link.only_members") }}
    ),
    term as (
        select
            leaf.table_group,
            leaf.table_id,
            leaf.period_key,
            leaf.period_end,
            term_group.link_id,
            term_group.member,
            leaf.measure_id,
            leaf.clique,
            leaf.atom_area,
            leaf.atom_group,
            term_group.coefficient,
            leaf.base
        from {{ ref("int_disclosure__leaf") }} as leaf
        inner join term_group using (table_group, measure_id, clique, atom_group)
    ),
    {{ meeting_areas("term") }}
select term.*, meeting.link_area
from term
inner join meeting using (table_id, link_id, atom_area)
