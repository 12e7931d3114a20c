select * from {{ source("catalogue", "rule") }}
