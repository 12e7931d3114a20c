-- The world all witnesses start from is one the reader thinks possible himself: it has every published
-- figure, and what
-- he remembers of older releases.
select known.audience, known.table_id, known.measure_id, known.area_key, known.group_key
from {{ ref("int_disclosure__attacker_knowledge") }} as known
left join
    {{ ref("int_disclosure__base_cell") }} as base
    on base.table_id = known.table_id
    and base.measure_id = known.measure_id
    and base.area_key = known.area_key
    and base.group_key = known.group_key
left join
    {{ ref("int_disclosure__table_cell") }} as cell
    on cell.table_id = known.table_id
    and cell.measure_id = known.measure_id
    and cell.area_key = known.area_key
    and cell.group_key = known.group_key
where
    base.base_units is null
    or (known.is_published and base.base_units is distinct from cell.value_units)
    or (not known.is_published and not base.base_units between known.value_low and known.value_high)
