{#- Every area below the root has a parent on the first and the last day of its validity. -#}
{% test hierarchy_closes(model) %}
    select area.area_key
    from {{ model }} as area
    cross join (values (true), (false)) as ends(at_start)
    left join
        {{ ref("int_area_edge") }} as edge
        on edge.child_key = area.area_key
        and
        {{
            valid_on(
                "case when ends.at_start then area.valid_from else coalesce(area.valid_to, date '9999-12-30') end",
                "edge.valid_from",
                "edge.valid_to",
            )
        }}
    where area.level_rank > 0
    group by area.area_key, ends.at_start
    having count(edge.parent_key) <> 1
{% endtest %}

{#- What a reform takes from an area arrives somewhere: weights per old area sum to one. -#}
{% test reform_weights_sum_to_one(model) %}
    select from_area_key, reform_date, sum(weight) as total_weight
    from {{ model }}
    group by all
    having abs(sum(weight) - 1) > 0.005
{% endtest %}

{#- The members of a breakdown of counted persons and cases add up to the total. Aggregated deliveries are left out:
    suppliers deliver partial breakdowns and stars. -#}
{% test parts_add_up_to_total(model) %}
    with
        counted as (
            select fact.*
            from {{ model }} as fact
            inner join {{ ref("stg_catalogue__measure") }} as measure using (measure_id)
            where measure.input in ('person', 'case') and not contains(measure.value_sql, 'distinct')
        )
    select
        part.measure_id,
        part.period_key,
        part.area_key,
        part.breakdown,
        sum(part.value) as parts,
        total.value as total
    from counted as part
    inner join
        counted as total
        on total.measure_id = part.measure_id
        and total.period_key = part.period_key
        and total.area_key = part.area_key
        and total.breakdown = 'total'
    where part.breakdown <> 'total'
    group by part.measure_id, part.period_key, part.area_key, part.breakdown, total.value
    having abs(sum(part.value) - total.value) > 0.005
{% endtest %}

{#- The children of an area, "räumlich nicht zuordenbar" included, add up to it (counted persons and cases). -#}
{% test children_add_up_to_parent(model) %}
    with
        counted as (
            select fact.*
            from {{ model }} as fact
            inner join {{ ref("stg_catalogue__measure") }} as measure using (measure_id)
            inner join {{ ref("dim_area") }} as area using (area_key)
            inner join
                {{ ref("stg_catalogue__area_level") }} as lowest
                on lowest.area_system = measure.area_system
                and lowest.level = measure.lowest_level
            where
                measure.input in ('person', 'case')
                and not contains(measure.value_sql, 'distinct')
                and area.level_rank <= lowest.level_rank
        )
    select
        parent.measure_id,
        parent.period_key,
        parent.area_key,
        parent.group_key,
        sum(child.value),
        parent.value
    from counted as child
    inner join
        {{ ref("int_area_edge") }} as edge
        on edge.child_key = child.area_key
        and {{ valid_on("child.period_end", "edge.valid_from", "edge.valid_to") }}
    inner join
        counted as parent
        on parent.area_key = edge.parent_key
        and parent.measure_id = child.measure_id
        and parent.period_key = child.period_key
        and parent.group_key = child.group_key
    where parent.value is not null
    group by parent.measure_id, parent.period_key, parent.area_key, parent.group_key, parent.value
    having abs(sum(child.value) - parent.value) > 0.005
{% endtest %}

{#- Groups that no catalogue entry explains: they are published with their code as label until someone names them. -#}
{% test groups_are_known(model) %} select group_key from {{ model }} where not is_known {% endtest %}

{#- What lay in an area of then lies in areas of today: its shares sum to one. Areas that are published as they were
    (no reform since) have no row and are not asked. -#}
{% test shares_of_then_close(model) %}
    select source_area_key, valid_from, sum(weight) as total_weight
    from {{ model }}
    where source_area_key is not null
    group by source_area_key, valid_from
    having sum(weight) > 1.0001
{% endtest %}
