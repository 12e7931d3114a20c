select * from {{ source("catalogue", "need") }}
