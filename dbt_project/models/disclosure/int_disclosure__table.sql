-- Grain: linked table (table group x period). `contradiction` names why its figures cannot come from one
-- world: such a
-- table has no atoms, nothing about it can be proven.
with
    cell_sum as (
        select
            leaf.table_id,
            leaf.measure_id,
            area_cover.area_key,
            group_cover.group_key,
            sum(leaf.base) as known_sum,
            count(*) filter (where leaf.base is null) as hidden
        from {{ ref("int_disclosure__leaf") }} as leaf
        inner join
            {{ ref("int_disclosure__group_cover") }} as group_cover
            on group_cover.atom_measure = leaf.measure_id
            and group_cover.clique = leaf.clique
            and group_cover.atom_group = leaf.atom_group
        inner join
            {{ ref("int_disclosure__area_cover") }} as area_cover
            on area_cover.atom_area = leaf.atom_area
            and {{ valid_on("leaf.period_end", "area_cover.valid_from", "area_cover.valid_to") }}
        group by leaf.table_id, leaf.measure_id, area_cover.area_key, group_cover.group_key
    ),
    found as (
        select figure.table_id, 'sum' as contradiction
        from {{ ref("int_disclosure__figure") }} as figure
        left join cell_sum using (table_id, measure_id, area_key, group_key)
        where
            case
                when coalesce(cell_sum.hidden, 0) = 0
                then figure.value_units <> coalesce(cell_sum.known_sum, 0)
                else figure.value_units < coalesce(cell_sum.known_sum, 0)
            end
        union all
        select table_id, 'negative' as contradiction
        from {{ ref("int_disclosure__leaf") }}
        where base < 0
        union all
        select table_id, 'part' as contradiction
        from {{ ref("int_disclosure__rest") }}
        where base < 0
        union all
        select term.table_id, 'margin' as contradiction
        from {{ ref("int_disclosure__link_term") }} as term
        anti join
            (
                select atom_area, table_id, member_link.link_id
                from {{ ref("int_disclosure__rest") }} as rest
                inner join
                    {{ ref("stg_catalogue__table_link") }} as member_link
                    on member_link.measure_id = rest.measure_id
                    and member_link.clique = rest.clique
            ) as rest_link
            on rest_link.link_id = term.link_id
            and rest_link.table_id = term.table_id
        group by term.table_id, term.link_id, term.member, term.link_area
        having count(*) = count(term.base) and sum(term.coefficient * term.base) <> 0
    ),
    contradictions as (
        select table_id, string_agg(distinct contradiction, ', ' order by contradiction) as contradiction
        from found
        group by table_id
    )
select
    figure.table_id,
    figure.table_group,
    figure.period_key,
    figure.period_end,
    contradictions.contradiction is null as is_consistent,
    contradictions.contradiction,
    bool_or(figure.is_primary) as has_primary
from {{ ref("int_disclosure__figure") }} as figure
left join contradictions using (table_id)
group by
    figure.table_id, figure.table_group, figure.period_key, figure.period_end, contradictions.contradiction
