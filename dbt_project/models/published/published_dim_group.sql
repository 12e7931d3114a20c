{{ config(alias="dim_group") }}
select
    group_key,
    breakdown,
    group_label,
    age_from,
    age_to,
    sex,
    nationality,
    migration,
    category_dimension,
    category,
    sort_key
from {{ ref("dim_group") }}
where group_key in (select group_key from {{ ref("published_fct_measure") }})
