-- Grain: measure x period x breakdown x area: the unit that is published or hidden as a whole.
-- `parent_key` is the area whose published vector an attacker subtracts from.
select
    cell.measure_id,
    cell.period_key,
    cell.breakdown,
    cell.area_key,
    edge.parent_key,
    cell.level_rank,
    cell.is_unassigned,
    any_value(cell.required_upper) as required_upper,
    coalesce(sum(cell.value), 0) as vector_total,
    bool_or(cell.is_primary) as has_primary
from {{ ref("int_disclosure__cell") }} as cell
left join
    {{ ref("int_area_edge") }} as edge
    on edge.child_key = cell.area_key
    and {{ valid_on("cell.period_end", "edge.valid_from", "edge.valid_to") }}
where cell.policy = 'evaluate'
group by all
