select * from {{ source("catalogue", "area_level") }}
