{{ config(alias="dim_group", schema="tiers") }}
-- Grain: group of a breakdown with figures of the internal tier.
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
where group_key in (select group_key from {{ ref("tier_mart_measure_intern") }})
