{#- Verdict of the primary rules on the cells of a relation and the range an attacker must be left with.

    Arguments: names of relations
      candidates  columns of int_disclosure__candidate
      thresholds  columns of stg_catalogue__rule_threshold, cut to the audiences that are judged
    Returns CTEs ending in `judged`: one row per candidate and audience. Engine-neutral.

    Several rules may hit one cell: `primary_rule` names the first of the list, the protection level is the largest. -#}
{% macro primary_verdict(candidates, thresholds) %}
    tested as (
        select
            cell.*,
            threshold.audience,
            cast(greatest(threshold.min_count, 1) as double) as required_upper,
            cell.value_kind = 'count' as is_count,
            {{ unit_scale("cell.value_kind") }} as scale,
            {{ primary_hidden_at_source("cell.value", "cell.conf_status") }} as is_hidden_at_source,
            cell.value_kind = 'count'
            and {{ primary_correction("cell.value", "threshold.min_count") }} as is_correction,
            cell.value_kind = 'count'
            and {{ primary_count("cell.value", "threshold.min_count") }} as is_small,
            cell.value_kind = 'count'
            and {{ primary_zero("cell.value", "threshold.min_count", "threshold.protect_zero") }}
            as is_protected_zero,
            {{ primary_combination("cell.level_rank", "cell.combination_rank") }} as is_combination,
            {{ primary_contributors("cell.value", "cell.contributors", "threshold.min_contributors") }}
            or {{ primary_contributors("cell.value", "cell.providers", "threshold.min_providers") }}
            as has_few_contributors,
            {{
                primary_dominance(
                    "cell.value",
                    "cell.largest",
                    "cell.second_largest",
                    "threshold.dominance_n",
                    "threshold.dominance_k_pct",
                )
            }} as is_dominated,
            {{
                primary_p_percent(
                    "cell.value", "cell.largest", "cell.second_largest", "threshold.p_percent"
                )
            }} as is_estimable,
            {{ primary_denominator("cell.inhabitants", "threshold.min_denominator") }} as has_small_base,
            {{
                primary_group_disclosure(
                    "cell.value",
                    "cell.largest_category",
                    "cell.vector_total",
                    "threshold.group_disclosure",
                    "threshold.group_disclosure_slack",
                )
            }} as is_group_disclosure,
            {{
                protection_level_dominance(
                    "cell.value",
                    "cell.largest",
                    "cell.second_largest",
                    "threshold.dominance_n",
                    "threshold.dominance_k_pct",
                )
            }} as dominance_level,
            {{
                protection_level_p_percent(
                    "cell.value", "cell.largest", "cell.second_largest", "threshold.p_percent"
                )
            }} as p_percent_level,
            threshold.protect_unassigned
        from {{ candidates }} as cell
        inner join
            {{ thresholds }} as threshold
            on threshold.rule_id = cell.rule_id
            and threshold.area_level = cell.area_level
            and threshold.tier = cell.tier
    ),
    named as (
        select
            tested.*,
            case
                when policy <> 'evaluate'
                then null
                when is_hidden_at_source
                then 'hidden_at_source'
                when is_combination
                then 'combination'
                when is_unassigned and not protect_unassigned
                then null
                when is_correction
                then 'correction'
                when is_small
                then 'count'
                when is_protected_zero
                then 'zero'
                when has_few_contributors
                then 'contributors'
                when is_dominated
                then 'dominance'
                when is_estimable
                then 'p_percent'
                when has_small_base
                then 'denominator'
                when is_group_disclosure
                then 'group_disclosure'
            end as primary_rule
        from tested
    ),
    measured as (
        select
            named.*,
            {{ to_units("value", "scale") }} as value_units,
            {{ to_units("vector_total", "scale") }} as vector_units,
            cast(required_upper as bigint) as threshold_units,
            -- Whole units, rounded up: a level of 0.2 persons is one person.
            cast(
                greatest(
                    case when is_count then required_upper else 1 end,
                    ceil(dominance_level * scale),
                    ceil(p_percent_level * scale),
                    ceil(
                        {{
                            protection_level_tenth(
                                "value",
                                "has_few_contributors or (not is_count and not is_dominated and not is_estimable)",
                            )
                        }}
                        * scale
                    )
                ) as bigint
            ) as level_units
        from named
    ),
    judged as (
        select
            measured.*,
            primary_rule is not null as is_primary,
            case
                when primary_rule is not null
                then
                    {{
                        protection_level_lower_goal(
                            "value_units", "is_count", "threshold_units", "level_units"
                        )
                    }}
            end as lower_goal,
            case
                when primary_rule is not null
                then
                    {{
                        protection_level_upper_goal(
                            "value_units",
                            "is_count",
                            "threshold_units",
                            "level_units",
                            "vector_units",
                            "primary_rule = 'combination'",
                            "scale",
                        )
                    }}
            end as upper_goal
        from measured
    )
{% endmacro %}
