select * from {{ source("catalogue", "table_link") }}
