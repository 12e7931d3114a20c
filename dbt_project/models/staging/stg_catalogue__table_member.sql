select * from {{ source("catalogue", "table_member") }}
