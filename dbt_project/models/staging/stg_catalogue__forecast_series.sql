select * from {{ source("catalogue", "forecast_series") }}
