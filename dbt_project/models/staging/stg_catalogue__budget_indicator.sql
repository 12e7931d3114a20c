select * from {{ source("catalogue", "budget_indicator") }}
