-- Rows of current deliveries only: superseded and quarantined ones stay on disk and out of the star.
select
    delivered.* replace (
        {{ binary_sex("delivered.sex", "delivered.delivery_id || '/' || delivered.source_row") }} as sex
    )
from {{ source("landing", "case") }} as delivered
inner join {{ ref("stg_registry__delivery") }} as delivery using (delivery_id)
where delivery.status = 'current'
