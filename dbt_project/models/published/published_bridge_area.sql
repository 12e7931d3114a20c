{{ config(alias="bridge_area") }}
select
    area_system,
    ancestor_area_key,
    descendant_area_key,
    cast(depth as integer) as depth,
    share,
    valid_from,
    valid_to
from {{ ref("bridge_area") }}
where
    ancestor_area_key in (select area_key from {{ ref("published_dim_area") }})
    and descendant_area_key in (select area_key from {{ ref("published_dim_area") }})
