select * from {{ source("catalogue", "scenario") }}
