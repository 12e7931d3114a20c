select * from {{ source("catalogue", "forecast_population") }}
