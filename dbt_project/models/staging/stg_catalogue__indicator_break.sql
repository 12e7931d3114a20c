select * from {{ source("catalogue", "indicator_break") }}
