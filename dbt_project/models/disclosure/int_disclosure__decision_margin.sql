-- Grain: measure x period x one-way breakdown x area: may the breakdown be published? (layer A)
-- Breakdowns by a coarser scale are decided before (int_disclosure__decision_coarse); where they are
-- withheld, the fine ones are, which add up to them.
with
    coarse as (
        select distinct measure_id, breakdown, fine_breakdown from {{ ref("stg_catalogue__group_coarser") }}
    ),
    fine as (
        select distinct vector.measure_id, vector.breakdown
        from {{ ref("int_disclosure__vector") }} as vector
        left join coarse using (measure_id, breakdown)
        where
            vector.breakdown <> 'total' and not contains(vector.breakdown, ';') and coarse.measure_id is null
    ),
    withheld_coarse as (
        select distinct
            decision.measure_id, decision.period_key, coarse.fine_breakdown as breakdown, decision.area_key
        from {{ ref("int_disclosure__decision_coarse") }} as decision
        inner join coarse using (measure_id, breakdown)
        where not decision.is_published
    ),
    cells as (
        select cell.*
        from {{ ref("int_disclosure__cell") }} as cell
        inner join fine using (measure_id, breakdown)
        where cell.policy = 'evaluate'
    ),
    vectors as (
        select
            vector.*,
            vector.has_primary
            or not coalesce(total.is_published, false)
            or withheld_coarse.area_key is not null as is_blocked
        from {{ ref("int_disclosure__vector") }} as vector
        inner join fine using (measure_id, breakdown)
        left join
            {{ ref("int_disclosure__decision_total") }} as total
            on total.measure_id = vector.measure_id
            and total.period_key = vector.period_key
            and total.area_key = vector.area_key
        left join
            withheld_coarse
            on withheld_coarse.measure_id = vector.measure_id
            and withheld_coarse.period_key = vector.period_key
            and withheld_coarse.breakdown = vector.breakdown
            and withheld_coarse.area_key = vector.area_key
    ),
    atoms as (
        select atom.*
        from {{ ref("int_disclosure__margin_atom") }} as atom
        inner join fine using (measure_id, breakdown)
    ),
    {{ margin_pooling("vectors", "cells", "atoms") }}
select measure_id, period_key, breakdown, area_key, is_published
from pooled
