-- Grain: measure x period x area x area of the second system x group: cases of a measure that another area
-- system shows as
-- well, counted by the pair of areas. Differences of the two systems lead to these pairs and no further.
{% set measures = var("measures") | selectattr("refined_by") | list %}
{% if execute and measures %}
    {% for measure in measures %}
        {%- set dimensions = [] -%}
        {%- for breakdown in measure.breakdowns -%}
            {%- for dimension in breakdown if dimension not in dimensions -%}
                {%- do dimensions.append(dimension) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- set dimensions = dimensions | sort -%}
        select
            '{{ measure.measure }}' as measure_id,
            {{ period_key("period_type", "period_start", "period_end") }} as period_key,
            period_end,
            leaf_key as area_key,
            other_leaf_key as other_area_key,
            group_key,
            value
        from
            (
                with {{ located_microdata(measure, dimensions) }}
                select
                    period_type,
                    period_start,
                    period_end,
                    leaf_key,
                    other_leaf_key,
                    {{ group_key(dimensions) }} as group_key,
                    round(cast({{ measure.value }} as double), 2) as value
                from located
                group by
                    grouping sets (
                        (period_type, period_start, period_end, leaf_key, other_leaf_key)
                        {%- for breakdown in measure.breakdowns %}
                            ,
                            (
                                period_type,
                                period_start,
                                period_end,
                                leaf_key,
                                other_leaf_key
                                {%- for dimension in breakdown %}, member_{{ dimension }}{% endfor %}
                            )
                        {%- endfor %}
                    )
            )
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
{% else %}
    -- depends_on: {{ ref('stg_landing__person') }} {{ ref('stg_landing__case') }} {{ ref('int_location') }}
    -- depends_on: {{ ref('int_unassigned') }} {{ ref('int_age') }}
    select
        cast(null as varchar) as measure_id,
        cast(null as varchar) as period_key,
        cast(null as date) as period_end,
        cast(null as varchar) as area_key,
        cast(null as varchar) as other_area_key,
        cast(null as varchar) as group_key,
        cast(null as double) as value
    where false
{% endif %}
