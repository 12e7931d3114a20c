{{ config(materialized="view") }}
-- Grain: audience x table x witness x atom: how a world an attacker has to think possible differs from the
-- base. Empty where nothing has been solved.
{% if var("proof_dir") %} select * from {{ source("proof", "witness") }}
{% else %}
    select
        cast(null as varchar) as audience,
        cast(null as varchar) as table_id,
        cast(null as integer) as witness_id,
        cast(null as integer) as atom_id,
        cast(null as bigint) as delta
    where false
{% endif %}
