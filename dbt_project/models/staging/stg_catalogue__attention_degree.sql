select * from {{ source("catalogue", "attention_degree") }}
