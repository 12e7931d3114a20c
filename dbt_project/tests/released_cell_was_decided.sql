-- Every released figure obeys a decision that allows it. No primary cell is among them, except one that
-- older releases show
-- with the same value and that the responsible person has decided to go on showing.
select fact.measure_id, fact.area_key, fact.period_key, fact.group_key
from {{ ref("published_fct_measure") }} as fact
inner join {{ ref("int_disclosure__cell") }} as cell using (measure_id, area_key, period_key, group_key)
left join
    {{ ref("int_disclosure__decision") }} as decision using (measure_id, area_key, period_key, group_key)
left join {{ ref("int_disclosure__allowed") }} as allowed using (measure_id, area_key, period_key, group_key)
where
    fact.value is not null
    and (
        not coalesce(decision.is_published, false)
        or cell.tier <> 'public'
        or (cell.is_primary and allowed.measure_id is null)
    )
