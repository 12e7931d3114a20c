-- Grain: table x rest of a part x margin x area x member: what is left of a whole without the part. Never
-- tabulated, but
-- everybody can subtract. NULL where whole or part is hidden at its source.
select
    term.table_group,
    term.table_id,
    term.period_key,
    term.period_end,
    rest.measure_id,
    rest.clique,
    term.link_area as atom_area,
    term.member as atom_group,
    case when count(*) = count(term.base) then cast(- sum(term.coefficient * term.base) as bigint) end as base
from {{ ref("int_disclosure__link_term") }} as term
inner join
    (
        select link.link_id, link.measure_id, link.clique
        from {{ ref("stg_catalogue__table_link") }} as link
        inner join
            {{ ref("stg_catalogue__table_member") }} as member
            on member.measure_id = link.measure_id
            and member.part_id is not null
    ) as rest
    on rest.link_id = term.link_id
group by
    term.table_group,
    term.table_id,
    term.period_key,
    term.period_end,
    rest.measure_id,
    rest.clique,
    term.link_area,
    term.member
