{#- Layer A of the disclosure method: residual pooling, set-based and without a solver.

    Within a parent, the vectors of a set H of child areas (at least two) are hidden, all others stay. H starts with the
    children that hold a primary cell and grows by the smallest sibling until an attacker, who subtracts every published
    sibling from the published parent, still has to think both 0 and at least T possible for every hidden primary.
    Where no H will do, the parent's vector is hidden as well and the question moves one level up.
    Everything below a hidden area is hidden.

    Bounds (transportation polytope with row totals n_g of the hidden areas and column totals R_c of H, known separately
    for every stratum s of a cross table that is published somewhere): a hidden cell lies in
    [sum_s max(0, n_gs + R_cs - R_s), sum_s min(n_gs, R_cs)], and whole-number tables attain both ends.
    Conditions tested here (sufficient for both ends being wide enough):
      lower end 0:    for every s: R_s - R_cs >= largest n_gs among hidden primaries of c in H and below it
                      (a star of the supplier counts as its largest possible value in R_cs and n_gs, as 0 elsewhere)
      upper end >= T: for some s: R_cs >= T and smallest n_gs (of areas with n_g >= T) >= T
      column totals:  every R_c is 0 or >= T
    Without known row totals (the breakdown `total`): R >= T, and R exceeds the largest hidden primary by 10 %.

    Arguments: relations
      vectors   (measure_id, period_key, breakdown, area_key, parent_key, level_rank, is_unassigned, vector_total, required_upper, is_blocked)
      atoms     (measure_id, period_key, breakdown, area_key, category, stratum, value, value_high)
      exposures (measure_id, period_key, breakdown, area_key, category, stratum, n_max, n_min), one row per primary and stratum
    Returns CTEs ending in `pooled` (measure_id, period_key, breakdown, area_key, is_published). -#}
{% macro residual_pooling(vectors, atoms, exposures, row_totals_known) %}
    {%- set table_key = "measure_id, period_key, breakdown" -%}
    {%- set deepest = var("max_level_rank") -%}
    {% for rank in range(deepest, 0, -1) %}
        -- Children on level {{ rank }}, parents on level {{ rank - 1 }}.
        level_{{ rank }} as (
            select vectors.* from {{ vectors }} as vectors where vectors.level_rank = {{ rank }}
        ),
        blocked_{{ rank }} as (
            select {{ table_key }}, area_key
            from level_{{ rank }}
            where is_blocked
            {% if rank < deepest %}
                union
                select {{ table_key }}, parent_key as area_key
                from escalated_{{ rank + 1 }}
            {% endif %}
        ),
        exposure_{{ rank }} as (
            select {{ table_key }}, area_key, category, stratum, max(n_max) as n_max, min(n_min) as n_min
            from
                (
                    select exposures.*
                    from {{ exposures }} as exposures
                    inner join level_{{ rank }} using ({{ table_key }}, area_key)
                    {% if rank < deepest %}
                        union all
                        select
                            {{ table_key }},
                            child.parent_key as area_key,
                            below.category,
                            below.stratum,
                            below.n_max,
                            below.n_min
                        from exposure_{{ rank + 1 }} as below
                        inner join level_{{ rank + 1 }} as child using ({{ table_key }}, area_key)
                    {% endif %}
                )
            group by all
        ),
        ordered_{{ rank }} as (
            select
                {{ table_key }},
                level_{{ rank }}.parent_key,
                area_key,
                level_{{ rank }}.required_upper,
                row_number() over (
                    partition by {{ table_key }}, level_{{ rank }}.parent_key
                    order by
                        (blocked_{{ rank }}.area_key is not null) desc,
                        level_{{ rank }}.is_unassigned desc,
                        level_{{ rank }}.vector_total,
                        area_key
                ) as position,
                count(blocked_{{ rank }}.area_key) over (
                    partition by {{ table_key }}, level_{{ rank }}.parent_key
                ) as blocked_children
            from level_{{ rank }}
            left join blocked_{{ rank }} using ({{ table_key }}, area_key)
        ),
        family_{{ rank }} as (select * from ordered_{{ rank }} where blocked_children > 0),
        family_column_{{ rank }} as (
            select distinct {{ table_key }}, family_{{ rank }}.parent_key, atoms.category, atoms.stratum
            from family_{{ rank }}
            inner join {{ atoms }} as atoms using ({{ table_key }}, area_key)
        ),
        cumulated_{{ rank }} as (
            select
                family.measure_id,
                family.period_key,
                family.breakdown,
                family.parent_key,
                family.position,
                family.blocked_children,
                family.required_upper,
                columns.category,
                columns.stratum,
                sum(coalesce(atoms.value, 0)) over running as residual,
                sum(coalesce(atoms.value_high, 0)) over running as residual_high,
                max(exposure.n_max) over running as exposed_max,
                min(exposure.n_min) over running as exposed_min,
                max(case when exposure.n_max is not null then coalesce(atoms.value, 0) end) over running
                as largest_exposed
            from family_{{ rank }} as family
            inner join
                family_column_{{ rank }} as columns
                on columns.measure_id = family.measure_id
                and columns.period_key = family.period_key
                and columns.breakdown = family.breakdown
                and columns.parent_key = family.parent_key
            left join
                {{ atoms }} as atoms
                on atoms.measure_id = family.measure_id
                and atoms.period_key = family.period_key
                and atoms.breakdown = family.breakdown
                and atoms.area_key = family.area_key
                and atoms.category = columns.category
                and atoms.stratum = columns.stratum
            left join
                exposure_{{ rank }} as exposure
                on exposure.measure_id = family.measure_id
                and exposure.period_key = family.period_key
                and exposure.breakdown = family.breakdown
                and exposure.area_key = family.area_key
                and exposure.category = columns.category
                and exposure.stratum = columns.stratum
            window
                running as (
                    partition by
                        family.measure_id,
                        family.period_key,
                        family.breakdown,
                        family.parent_key,
                        columns.category,
                        columns.stratum
                    order by family.position
                    rows between unbounded preceding and current row
                )
        ),
        residual_{{ rank }} as (
            select
                *,
                sum(residual) over (
                    partition by {{ table_key }}, parent_key, position, stratum
                ) as residual_of_stratum,
                sum(residual) over (
                    partition by {{ table_key }}, parent_key, position, category
                ) as residual_of_category
            from cumulated_{{ rank }}
        ),
        category_verdict_{{ rank }} as (
            select
                {{ table_key }},
                parent_key,
                position,
                category,
                any_value(blocked_children) as blocked_children,
                {% if row_totals_known %}
                    bool_and(residual_of_category = 0 or residual_of_category >= required_upper)
                    and (
                        count(exposed_max) = 0
                        or (
                            bool_and(coalesce(residual_of_stratum - residual_high >= exposed_max, true))
                            and bool_or(
                                residual >= required_upper
                                and coalesce(exposed_min, required_upper) >= required_upper
                            )
                        )
                    ) as is_safe
                {% else %}
                    bool_and(
                        residual >= required_upper and residual >= coalesce(largest_exposed, 0) * 1.1
                    ) as is_safe
                {% endif %}
            from residual_{{ rank }}
            group by {{ table_key }}, parent_key, position, category
        ),
        cut_{{ rank }} as (
            select {{ table_key }}, parent_key, min(position) as last_hidden
            from
                (
                    select {{ table_key }}, parent_key, position
                    from category_verdict_{{ rank }}
                    where position >= 2 and position >= blocked_children
                    group by {{ table_key }}, parent_key, position
                    having bool_and(is_safe)
                )
            group by {{ table_key }}, parent_key
        ),
        escalated_{{ rank }} as (
            select distinct {{ table_key }}, family.parent_key
            from family_{{ rank }} as family
            left join cut_{{ rank }} as cut using ({{ table_key }}, parent_key)
            where cut.last_hidden is null
        ),
        hidden_{{ rank }} as (
            select {{ table_key }}, family.area_key
            from family_{{ rank }} as family
            left join cut_{{ rank }} as cut using ({{ table_key }}, parent_key)
            where cut.last_hidden is null or family.position <= cut.last_hidden
        ),
    {% endfor %}
    published_0 as (
        select root.measure_id, root.period_key, root.breakdown, root.area_key
        from {{ vectors }} as root
        left join
            escalated_1
            on escalated_1.measure_id = root.measure_id
            and escalated_1.period_key = root.period_key
            and escalated_1.breakdown = root.breakdown
            and escalated_1.parent_key = root.area_key
        where root.level_rank = 0 and not root.is_blocked and escalated_1.parent_key is null
    ),
    {% for rank in range(1, deepest + 1) %}
        published_{{ rank }} as (
            select child.measure_id, child.period_key, child.breakdown, child.area_key
            from level_{{ rank }} as child
            inner join
                published_{{ rank - 1 }} as parent
                on parent.measure_id = child.measure_id
                and parent.period_key = child.period_key
                and parent.breakdown = child.breakdown
                and parent.area_key = child.parent_key
            anti join
                hidden_{{ rank }} as hidden
                on hidden.measure_id = child.measure_id
                and hidden.period_key = child.period_key
                and hidden.breakdown = child.breakdown
                and hidden.area_key = child.area_key
        ),
    {% endfor %}
    pooled as (
        select {{ table_key }}, vectors.area_key, published.area_key is not null as is_published
        from {{ vectors }} as vectors
        left join
            (
                {% for rank in range(0, deepest + 1) %}
                    select *
                    from published_{{ rank }}
                    {% if not loop.last %}
                        union all
                    {% endif %}
                {% endfor %}
            ) as published using ({{ table_key }}, area_key)
    )
{% endmacro %}
