-- What the register said on the day of each accepted delivery, replaced ones included: where a register
-- keeps no
-- history of its own, successive deliveries are the history. One under embargo tells nothing before its day.
select
    delivered.recommendation_id,
    delivered.status,
    cast(delivery.file_modified_at as date) as stated_on,
    delivery.received_at
from {{ source("landing", "recommendation") }} as delivered
inner join {{ ref("stg_registry__delivery") }} as delivery using (delivery_id)
where delivery.status = 'current' or (delivery.status = 'superseded' and delivery.releasable_on is null)
