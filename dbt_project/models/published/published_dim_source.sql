{{ config(alias="dim_source") }}
select
    source.source_id,
    source.label,
    source.supplier,
    source.cycle,
    source.licence,
    source.legal_basis,
    max(delivery.period_end) filter (where delivery.status = 'current') as last_period_end,
    cast(
        max(delivery.received_at) filter (where delivery.status = 'current') as timestamp
    ) as last_received_at,
    cast(count(delivery.delivery_id) as integer) as deliveries,
    cast(count(delivery.delivery_id) filter (where delivery.status = 'quarantined') as integer) as quarantined
from {{ ref("stg_catalogue__source") }} as source
left join {{ ref("stg_registry__delivery") }} as delivery using (source_id)
group by all
