-- Grain: measure x period x breakdown x area: the decision of layer A (residual pooling) on every figure
-- under
-- evaluation. The solver starts from it; where there is no certificate, it holds.
-- Pooling knows one tree of areas. A measure that counts the same people in a second area system is shown
-- by it for the
-- whole area only: two systems over the same people allow differences down to single blocks.
with
    decided as (
        select *
        from {{ ref("int_disclosure__decision_total") }}
        union all
        select *
        from {{ ref("int_disclosure__decision_coarse") }}
        union all
        select *
        from {{ ref("int_disclosure__decision_margin") }}
        union all
        select *
        from {{ ref("int_disclosure__decision_cross") }}
    )
select
    decided.measure_id,
    decided.period_key,
    decided.breakdown,
    decided.area_key,
    decided.is_published and (refinement.measure_id is null or area.level_rank = 0) as is_published
from decided
inner join {{ ref("dim_area") }} as area using (area_key)
left join {{ ref("stg_catalogue__table_refinement") }} as refinement using (measure_id)
