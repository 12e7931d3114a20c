-- Grain: measure x period x breakdown x area: the decision every published figure obeys.
-- `source_released`: the supplier has published the figures already, what he hid stays hidden. `withhold`:
-- nothing leaves.
with
    evaluated as (
        select *
        from {{ ref("int_disclosure__decision_total") }}
        union all
        select *
        from {{ ref("int_disclosure__decision_margin") }}
        union all
        select *
        from {{ ref("int_disclosure__decision_cross") }}
    ),
    by_policy as (
        select distinct
            measure_id, period_key, breakdown, area_key, policy = 'source_released' as is_published
        from {{ ref("int_disclosure__cell") }}
        where policy <> 'evaluate'
    )
select *
from evaluated
union all
select *
from by_policy
