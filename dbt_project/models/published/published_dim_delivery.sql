{{ config(alias="dim_delivery") }}
select
    delivery_id,
    source_id,
    period_end,
    cast(received_at as timestamp) as received_at,
    status,
    kommune_code,
    -- How many records it holds is content: under embargo it stays back like the rest.
    cast(case when status <> 'embargoed' then row_count end as bigint) as row_count,
    cast(warnings as integer) as warnings
from {{ ref("stg_registry__delivery") }}
