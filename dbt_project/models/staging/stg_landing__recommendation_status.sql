-- Rows of current deliveries only: superseded and quarantined ones stay on disk and out of the star.
select delivered.*
from {{ source("landing", "recommendation_status") }} as delivered
inner join {{ ref("stg_registry__delivery") }} as delivery using (delivery_id)
where delivery.status = 'current'
