-- Grain: measure x period x breakdown x area: the unit that is published or hidden as a whole.
-- `parent_key` is the area whose published vector an attacker subtracts from.
with
    -- What holds for hidden areas further down has to hold for the sums over this level, too.
    below as (
        select
            measure_id,
            period_key,
            breakdown,
            level_rank,
            max(max(required_upper)) over (
                partition by measure_id, period_key, breakdown order by level_rank desc
            ) as required_upper
        from {{ ref("int_disclosure__cell") }}
        where policy = 'evaluate' and tier = 'public'
        group by measure_id, period_key, breakdown, level_rank
    )
select
    cell.measure_id,
    cell.period_key,
    cell.breakdown,
    cell.area_key,
    edge.parent_key,
    cell.level_rank,
    cell.is_unassigned,
    any_value(below.required_upper) as required_upper,
    coalesce(sum(cell.value), 0) as vector_total,
    bool_or(cell.is_primary) as has_primary
from {{ ref("int_disclosure__cell") }} as cell
inner join below using (measure_id, period_key, breakdown, level_rank)
left join
    {{ ref("int_area_edge") }} as edge
    on edge.child_key = cell.area_key
    and {{ valid_on("cell.period_end", "edge.valid_from", "edge.valid_to") }}
where cell.policy = 'evaluate' and cell.tier = 'public'
group by all
