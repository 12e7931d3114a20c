select * from {{ source("catalogue", "source") }}
