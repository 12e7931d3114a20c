{{ config(alias="dim_area_polygon") }}
select area_key, cast(part as integer) as part, ring_json
from {{ ref("int_area_polygon") }}
where area_key in (select area_key from {{ ref("published_dim_area") }})
