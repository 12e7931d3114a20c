{{ config(materialized="view") }}
-- Grain: audience x table: how a linked table was decided. Empty where nothing has been solved.
{% if var("proof_dir") %} select * from {{ source("proof", "verdict") }}
{% else %}
    select
        cast(null as varchar) as audience,
        cast(null as varchar) as table_id,
        cast(null as varchar) as table_group,
        cast(null as varchar) as period_key,
        cast(null as varchar) as method,
        cast(null as bigint) as cells,
        cast(null as bigint) as primaries,
        cast(null as bigint) as secondaries,
        cast(null as bigint) as unsafe,
        cast(null as bigint) as witnesses,
        cast(null as double) as seconds,
        cast(null as varchar) as input_hash,
        cast(null as boolean) as is_reused,
        cast(null as timestamp) as solved_at
    where false
{% endif %}
