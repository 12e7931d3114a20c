select * from {{ source("catalogue", "need_part") }}
