select * replace (cast(version as integer) as version, cast(decimals as integer) as decimals)
from {{ source("catalogue", "indicator") }}
