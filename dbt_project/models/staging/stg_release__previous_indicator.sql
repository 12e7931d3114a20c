-- Grain: indicator x area x period: what the live release showed when this build began. Empty before the
-- first release.
{% if var("previous_release") %}
    select indicator_key, area_key, period_key, value
    from {{ source("previous_release", "fct_indicator") }}
    where value is not null
{% else %}
    select
        cast(null as varchar) as indicator_key,
        cast(null as varchar) as area_key,
        cast(null as varchar) as period_key,
        cast(null as double) as value
    where false
{% endif %}
