select * from {{ source("catalogue", "theme") }}
