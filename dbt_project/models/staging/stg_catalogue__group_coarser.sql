select * from {{ source("catalogue", "group_coarser") }}
