select * from {{ source("catalogue", "rule_combination") }}
