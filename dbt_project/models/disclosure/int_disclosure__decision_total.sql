-- Grain: measure x period x area: may the total be published? (layer A; see macro residual_pooling)
with
    vectors as (
        select *, has_primary as is_blocked from {{ ref("int_disclosure__vector") }} where breakdown = 'total'
    ),
    cells as (
        select * from {{ ref("int_disclosure__cell") }} where breakdown = 'total' and policy = 'evaluate'
    ),
    atoms as (
        select
            measure_id,
            period_key,
            breakdown,
            area_key,
            'total' as category,
            '' as stratum,
            coalesce(value, 0) as value,
            {{ largest_possible("value", "conf_status", "required_upper") }} as value_high
        from cells
    ),
    exposures as (
        select
            measure_id,
            period_key,
            breakdown,
            area_key,
            'total' as category,
            '' as stratum,
            {{ largest_possible("value", "conf_status", "required_upper") }} as n_max,
            coalesce(value, 0) as n_min
        from cells
        where is_primary
    ),
    {{ residual_pooling("vectors", "atoms", "exposures", row_totals_known=false) }}
select measure_id, period_key, breakdown, area_key, is_published
from pooled
