select * from {{ source("catalogue", "table_home") }}
