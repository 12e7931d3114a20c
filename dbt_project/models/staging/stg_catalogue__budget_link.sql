select * from {{ source("catalogue", "budget_link") }}
