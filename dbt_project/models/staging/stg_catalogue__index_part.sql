select * from {{ source("catalogue", "index_part") }}
