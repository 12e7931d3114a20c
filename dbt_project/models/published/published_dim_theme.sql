{{ config(alias="dim_theme") }}
select theme_id, label, cast(sort_key as integer) as sort_key
from {{ ref("stg_catalogue__theme") }}
