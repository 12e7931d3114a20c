-- Grain: linked table x link row x atom: coefficient times atom, summed over a row, is 0 in every world an
-- attacker
-- thinks possible. Rows say that breakdowns of one measure have the same margins and that a part and its
-- rest are the
-- whole.
with
    atom as (select * from {{ ref("int_disclosure__atom") }}),
    delivered as (
        select term.table_id, term.link_id, term.link_area, term.member, atom.atom_id, term.coefficient
        from {{ ref("int_disclosure__link_term") }} as term
        inner join
            atom
            on atom.table_id = term.table_id
            and atom.atom_measure = term.measure_id
            and atom.clique = term.clique
            and atom.atom_area = term.atom_area
            and atom.atom_group = term.atom_group
    ),
    rest_member as (select * from {{ ref("stg_catalogue__table_member") }} where part_id is not null),
    rest_term as (
        select
            atom.table_id,
            atom.period_end,
            link.link_id,
            atom.atom_area,
            {{ project_group("atom.atom_group", "link.margin") }} as member,
            atom.atom_id,
            link.coefficient,
            starts_with(link.link_id, link.measure_id || ':') as is_own_link
        from {{ ref("stg_catalogue__table_link") }} as link
        inner join rest_member on rest_member.measure_id = link.measure_id
        inner join atom on atom.atom_measure = link.measure_id and atom.clique = link.clique
    ),
    own_rest_term as (select * from rest_term where is_own_link),
    {{ meeting_areas("own_rest_term") }},
    summand as (
        select *
        from delivered
        union all
        -- A rest is formed where its link holds.
        select table_id, link_id, atom_area as link_area, member, atom_id, coefficient
        from rest_term
        where not is_own_link
        union all
        select term.table_id, term.link_id, meeting.link_area, term.member, term.atom_id, term.coefficient
        from own_rest_term as term
        inner join meeting using (table_id, link_id, atom_area)
    )
select
    table_id,
    cast(
        dense_rank() over (partition by table_id order by link_id, link_area, member) - 1 as integer
    ) as link_row,
    atom_id,
    cast(coefficient as integer) as coefficient
from summand
