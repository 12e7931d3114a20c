select * from {{ source("catalogue", "measure") }}
