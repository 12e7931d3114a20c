select * from {{ source("catalogue", "audience") }}
