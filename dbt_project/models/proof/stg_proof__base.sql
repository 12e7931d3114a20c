{{ config(materialized="view") }}
-- Grain: table x atom: the world the witnesses start from. Empty where nothing has been solved.
{% if var("proof_dir") %} select * from {{ source("proof", "base") }}
{% else %}
    select cast(null as varchar) as table_id, cast(null as integer) as atom_id, cast(null as bigint) as base
    where false
{% endif %}
