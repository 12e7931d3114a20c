-- A witness is a world an attacker must think possible: it agrees with every figure he knows. Where he
-- knows the figure,
-- the witness leaves it alone; where he knows a range, it stays inside.
select
    shifted.audience,
    shifted.table_id,
    shifted.witness_id,
    shifted.measure_id,
    shifted.area_key,
    shifted.group_key
from {{ ref("int_disclosure__shift") }} as shifted
inner join
    {{ ref("int_disclosure__attacker_knowledge") }} as known using (
        audience, table_id, measure_id, area_key, group_key
    )
left join {{ ref("int_disclosure__base_cell") }} as base using (table_id, measure_id, area_key, group_key)
where
    known.is_published
    or base.base_units is null
    or base.base_units + shifted.shift < known.value_low
    or base.base_units + shifted.shift > known.value_high
