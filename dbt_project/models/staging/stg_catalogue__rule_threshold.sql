select * from {{ source("catalogue", "rule_threshold") }}
