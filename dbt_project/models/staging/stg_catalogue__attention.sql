select * from {{ source("catalogue", "attention") }}
