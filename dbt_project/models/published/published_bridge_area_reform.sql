{{ config(alias="bridge_area_reform") }}
select *
from {{ ref("bridge_area_reform") }}
where
    from_area_key in (select area_key from {{ ref("published_dim_area") }})
    and to_area_key in (select area_key from {{ ref("published_dim_area") }})
