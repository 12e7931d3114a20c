select * from {{ source("catalogue", "index") }}
