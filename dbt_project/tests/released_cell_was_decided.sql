-- Every released figure obeys a decision that allows it, and no primary cell is among them.
select fact.measure_id, fact.area_key, fact.period_key, fact.group_key
from {{ ref("published_fct_measure") }} as fact
inner join {{ ref("int_disclosure__cell") }} as cell using (measure_id, area_key, period_key, group_key)
inner join
    {{ ref("int_disclosure__decision") }} as decision
    on decision.measure_id = cell.measure_id
    and decision.period_key = cell.period_key
    and decision.breakdown = cell.breakdown
    and decision.area_key = cell.area_key
where fact.value is not null and (cell.is_primary or not decision.is_published)
