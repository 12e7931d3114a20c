select * from {{ source("catalogue", "indicator_part") }}
