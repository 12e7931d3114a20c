{#- One measure counted or summed from persons or cases, at every level from its lowest releasable one to the root.

    `measure` is one entry of `instances/<name>/measures.yml` as passed by `semantic_layer.export.dbt.dbt_vars`.
    Rows without a known block go to "räumlich nicht zuordenbar" of their Gemeinde, without a Gemeinde to that of the root.
    Persons are aggregated on the lowest level first and then rolled up (additive, millions of rows): their contributors
    are persons, other kinds stay NULL and a rule that asks for them hides the figure. Cases are expanded to their
    ancestors before they are aggregated, because distinct households and providers and the two largest contributions
    are not additive. -#}
{% macro microdata_measure(measure) %}
    {%- set is_person = measure.input == "person" -%}
    {%- set dimensions = [] -%}
    {%- for breakdown in measure.breakdowns -%}
        {%- for dimension in breakdown if dimension not in dimensions -%}
            {%- do dimensions.append(dimension) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set dimensions = dimensions | sort -%}
    (
        with
            {{ located_microdata(measure, dimensions) }},
            {% if not is_person %}
                expanded as (
                    select located.*, bridge.ancestor_area_key as area_key
                    from located
                    inner join
                        {{ ref("bridge_area") }} as bridge
                        on bridge.descendant_area_key = located.leaf_key
                        and {{ valid_on("located.period_end", "bridge.valid_from", "bridge.valid_to") }}
                ),
            {% endif %}
            counted as (
                select
                    period_type,
                    period_start,
                    period_end,
                    {{ "leaf_key" if is_person else "area_key" }} as area_key,
                    {{ group_key(dimensions) }} as group_key,
                    -- To the cent: parallel sums of doubles differ in their last digits from run to run.
                    round(cast({{ measure.value }} as double), 2) as value,
                    count(*) as persons
                    {% if not is_person %}
                        ,
                        count(distinct household_key) as households,
                        count(distinct provider_key) as providers,
                        max(amount_eur, 2) as top_amounts
                    {% endif %}
                from {{ "located" if is_person else "expanded" }}
                group by
                    grouping sets (
                        (period_type, period_start, period_end, {{ "leaf_key" if is_person else "area_key" }})
                        {%- for breakdown in measure.breakdowns %}
                            ,
                            (
                                period_type,
                                period_start,
                                period_end,
                                {{ "leaf_key" if is_person else "area_key" }}
                                {%- for dimension in breakdown %}, member_{{ dimension }}{% endfor %}
                            )
                        {%- endfor %}
                    )
            )
        {% if is_person %}
            select
                '{{ measure.measure }}' as measure_id,
                counted.period_type,
                counted.period_start,
                counted.period_end,
                bridge.ancestor_area_key as area_key,
                counted.group_key,
                sum(counted.value) as value,
                cast(sum(counted.persons) as bigint) as persons,
                cast(null as bigint) as households,
                cast(null as bigint) as providers,
                cast(null as double) as largest,
                cast(null as double) as second_largest
            from counted
            inner join
                {{ ref("bridge_area") }} as bridge
                on bridge.descendant_area_key = counted.area_key
                and {{ valid_on("counted.period_end", "bridge.valid_from", "bridge.valid_to") }}
            group by all
        {% else %}
            select
                '{{ measure.measure }}' as measure_id,
                period_type,
                period_start,
                period_end,
                area_key,
                group_key,
                value,
                persons,
                households,
                providers,
                top_amounts[1] as largest,
                top_amounts[2] as second_largest
            from counted
        {% endif %}
    )
{% endmacro %}

{#- CTEs `selected` and `located`: the records a measure counts, each with the area (`leaf_key`) of the measure's lowest
    releasable level it lies in, and with its member of every dimension (`member_<dimension>`). -#}
{% macro located_microdata(measure, dimensions) %}
    {%- set is_person = measure.input == "person" -%}
    {%- set category_dimension = measure.category_dimension or "category" -%}
    selected as (
        select
            {% if is_person %}
                'stichtag' as period_type, reference_date as period_start, reference_date as period_end,
            {% endif %}
            *
        from {{ ref("stg_landing__person") if is_person else ref("stg_landing__case") }}
        where source_id = '{{ measure.source }}' and ({{ measure.where }})
    ),
    located as (
        select
            selected.*,
            {{ located_area("") }} as leaf_key
            {%- if measure.refined_by %},{{ located_area("other_") }} as other_leaf_key{% endif %}
            {%- for dimension in dimensions %}
                ,
                coalesce(
                    {% if dimension.startswith("age") %}band_{{ dimension }}.member
                    {% elif dimension == category_dimension %}selected.category
                    {% else %}selected.{{ dimension }}
                    {% endif %},
                    'unknown'
                ) as member_{{ dimension }}
            {%- endfor %}
        from
            selected
            {{ location_joins("", measure.area_system, measure.level_rank) }}
            {% if measure.refined_by %}
                {{ location_joins("other_", measure.refined_by.area_system, measure.refined_by.level_rank) }}
            {% endif %}
        {%- for dimension in dimensions if dimension.startswith('age') %}
            left join
                {{ ref("int_age") }} as band_{{ dimension }}
                on band_{{ dimension }}.dimension = '{{ dimension }}'
                and band_{{ dimension }}.age = selected.age
        {%- endfor %}
    )
{% endmacro %}

{#- Joins that place a record in an area system: by its block, else its Gemeinde, else "räumlich nicht zuordenbar" of the
    Gemeinde or the root. `located_area` picks the area; the prefix keeps two systems apart. -#}
{% macro location_joins(prefix, area_system, level_rank) %}
    left join
        {{ ref("int_location") }} as {{ prefix }}by_block
        on {{ prefix }}by_block.area_system = '{{ area_system }}'
        and {{ prefix }}by_block.location_kind = 'block'
        and {{ prefix }}by_block.level_rank = {{ level_rank }}
        and {{ prefix }}by_block.location_code = selected.block_code
        and selected.period_end between {{ prefix }}by_block.valid_from and {{ prefix }}by_block.valid_until
    left join
        {{ ref("int_location") }} as {{ prefix }}by_gemeinde
        on {{ prefix }}by_gemeinde.area_system = '{{ area_system }}'
        and {{ prefix }}by_gemeinde.location_kind = 'gemeinde'
        and {{ prefix }}by_gemeinde.level_rank = {{ level_rank }}
        and {{ prefix }}by_gemeinde.location_code = selected.gemeinde_code
        and selected.period_end
        between {{ prefix }}by_gemeinde.valid_from and {{ prefix }}by_gemeinde.valid_until
    left join
        {{ ref("int_unassigned") }} as {{ prefix }}in_gemeinde
        on {{ prefix }}in_gemeinde.area_system = '{{ area_system }}'
        and {{ prefix }}in_gemeinde.level_rank = {{ level_rank }}
        and {{ prefix }}in_gemeinde.parent_code = selected.gemeinde_code
        and selected.period_end
        between {{ prefix }}in_gemeinde.valid_from and {{ prefix }}in_gemeinde.valid_until
    left join
        {{ ref("int_unassigned") }} as {{ prefix }}in_root
        on {{ prefix }}in_root.area_system = '{{ area_system }}'
        and {{ prefix }}in_root.level_rank = 1
        and selected.period_end between {{ prefix }}in_root.valid_from and {{ prefix }}in_root.valid_until
{% endmacro %}

{% macro located_area(prefix) -%}
    coalesce(
        {{ prefix }}by_block.area_key,
        {{ prefix }}by_gemeinde.area_key,
        {{ prefix }}in_gemeinde.area_key,
        {{ prefix }}in_root.area_key
    )
{%- endmacro %}

{#- Group key of a row of a grouping-sets query: `age=18-24;sex=f`, or `total` where nothing is broken down. -#}
{% macro group_key(dimensions) -%}
    {%- if not dimensions -%} 'total'
    {%- else -%}
        coalesce(
            nullif(
                concat_ws(
                    ';'
                    {%- for dimension in dimensions -%}
                        ,
                        case
                            when grouping(member_{{ dimension }}) = 0
                            then '{{ dimension }}=' || member_{{ dimension }}
                        end
                    {%- endfor %}
                ),
                ''
            ),
            'total'
        )
    {%- endif -%}
{%- endmacro %}
