select * from {{ source("catalogue", "indicator_change") }}
