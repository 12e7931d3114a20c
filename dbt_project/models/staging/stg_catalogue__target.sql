select * from {{ source("catalogue", "target") }}
