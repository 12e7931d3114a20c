select * from {{ source("catalogue", "index_class") }}
