-- Every figure a reader of the internal tier gets was decided for his audience, or its supplier has
-- released it. No primary
-- cell is among them that the proof does not leave to a human.
select fact.audience, fact.measure_id, fact.area_key, fact.period_key, fact.group_key
from {{ ref("tier_mart_measure_intern") }} as fact
inner join {{ ref("int_disclosure__cell") }} as cell using (measure_id, area_key, period_key, group_key)
left join
    {{ ref("stg_proof__pattern") }} as pattern
    on pattern.audience = fact.audience
    and pattern.measure_id = fact.measure_id
    and pattern.area_key = fact.area_key
    and pattern.period_key = fact.period_key
    and pattern.group_key = fact.group_key
where
    fact.value is not null
    and cell.policy <> 'source_released'
    and (not coalesce(pattern.is_published, false) or coalesce(pattern.is_unsafe, false))
