select
    delivery_id,
    source_id,
    status,
    received_at,
    file_modified_at,
    period_type,
    period_start,
    period_end,
    kommune_code,
    part,
    releasable_on,
    row_count,
    warnings,
    supersedes
from {{ source("registry", "deliveries") }}
