select * from {{ source("catalogue", "table_refinement") }}
