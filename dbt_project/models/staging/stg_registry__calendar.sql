select
    source_id,
    kommune_code,
    supplier,
    period_type,
    period_start,
    period_end,
    period_label,
    due_on,
    arrived_on,
    releasable_on,
    status,
    status_label,
    is_there,
    deliveries,
    refused,
    missing_parts
from {{ source("registry", "calendar") }}
