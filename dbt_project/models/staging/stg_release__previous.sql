-- Grain: one row, the release that was live when this build began; none before the first one.
{% if var("previous_release") %}
    select release_id, cast(released_at as timestamp) as released_at
    from {{ source("previous_release", "dim_release") }}
{% else %} select cast(null as varchar) as release_id, cast(null as timestamp) as released_at where false
{% endif %}
