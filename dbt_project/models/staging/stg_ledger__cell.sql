-- Grain: audience x release x cell: every value ever released, each where it was new. Protected rows among
-- them (internal
-- tiers) are why this stays here. Empty before the first release.
{% set columns = "measure_id, definition, period_key, area_key, group_key, value, audience, release_id" %}
{% if var("ledger_dir") %} select {{ columns }} from {{ source("ledger", "cell") }}
{% else %}
    select
        cast(null as varchar) as measure_id,
        cast(null as varchar) as definition,
        cast(null as varchar) as period_key,
        cast(null as varchar) as area_key,
        cast(null as varchar) as group_key,
        cast(null as double) as value,
        cast(null as varchar) as audience,
        cast(null as varchar) as release_id
    where false
{% endif %}
{% if var("internal_ledger_dir") %}
    union all
    select {{ columns }}
    from {{ source("internal_ledger", "cell") }}
{% endif %}
