select * from {{ source("catalogue", "age_band") }}
