select * from {{ source("catalogue", "measure_breakdown") }}
