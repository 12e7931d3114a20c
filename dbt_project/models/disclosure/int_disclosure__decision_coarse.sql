-- Grain: measure x period x one-way breakdown by a coarser scale x area: may the breakdown be
-- published? (layer A) Decided before the fine scale, which is withheld wherever its coarser one is.
with
    coarse as (
        select distinct measure_id, breakdown
        from {{ ref("stg_catalogue__group_coarser") }}
        where not contains(breakdown, ';')
    ),
    cells as (
        select cell.*
        from {{ ref("int_disclosure__cell") }} as cell
        inner join coarse using (measure_id, breakdown)
        where cell.policy = 'evaluate'
    ),
    vectors as (
        select vector.*, vector.has_primary or not coalesce(total.is_published, false) as is_blocked
        from {{ ref("int_disclosure__vector") }} as vector
        inner join coarse using (measure_id, breakdown)
        left join
            {{ ref("int_disclosure__decision_total") }} as total
            on total.measure_id = vector.measure_id
            and total.period_key = vector.period_key
            and total.area_key = vector.area_key
    ),
    atoms as (
        select atom.*
        from {{ ref("int_disclosure__margin_atom") }} as atom
        inner join coarse using (measure_id, breakdown)
    ),
    {{ margin_pooling("vectors", "cells", "atoms") }}
select measure_id, period_key, breakdown, area_key, is_published
from pooled
