select * from {{ source("catalogue", "scenario_change") }}
