select * from {{ source("catalogue", "source_coverage") }}
