{{ config(materialized="view") }}
-- Grain: audience x cell of a linked table: what the solver decided. Empty where nothing has been solved.
{% if var("proof_dir") %} select * from {{ source("proof", "pattern") }}
{% else %}
    select
        cast(null as varchar) as audience,
        cast(null as varchar) as table_id,
        cast(null as varchar) as measure_id,
        cast(null as varchar) as period_key,
        cast(null as varchar) as area_key,
        cast(null as varchar) as group_key,
        cast(null as boolean) as is_published,
        cast(null as boolean) as is_unsafe
    where false
{% endif %}
