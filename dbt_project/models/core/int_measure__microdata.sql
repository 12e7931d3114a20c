-- Grain: measure x period x area x group, counted from persons and cases; areas without a case have no row
-- yet.
{% set measures = var("measures") | selectattr("input", "in", ["person", "case"]) | list %}
{% if execute and measures %}
    {% for measure in measures %}
        select *
        from {{ microdata_measure(measure) }}
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
{% else %}
    -- An instance that delivers aggregated figures only has no microdata: the table exists and is empty.
    -- depends_on: {{ ref('stg_landing__person') }} {{ ref('stg_landing__case') }} {{ ref('int_location') }}
    -- depends_on: {{ ref('int_unassigned') }} {{ ref('int_age') }} {{ ref('bridge_area') }}
    select
        cast(null as varchar) as measure_id,
        cast(null as varchar) as period_type,
        cast(null as date) as period_start,
        cast(null as date) as period_end,
        cast(null as varchar) as area_key,
        cast(null as varchar) as group_key,
        cast(null as double) as value,
        cast(null as bigint) as persons,
        cast(null as bigint) as households,
        cast(null as bigint) as providers,
        cast(null as double) as largest,
        cast(null as double) as second_largest
    where false
{% endif %}
