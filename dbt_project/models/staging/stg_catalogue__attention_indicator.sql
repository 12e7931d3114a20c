select * from {{ source("catalogue", "attention_indicator") }}
