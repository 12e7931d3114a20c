select * from {{ source("catalogue", "release_decision") }}
