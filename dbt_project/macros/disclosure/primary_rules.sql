{#- Primary rules of statistical disclosure control, one macro per rule, and the range an attacker must be left with.
    A rule returns a boolean SQL expression that is never NULL: true means the cell must not be published.
    Engine-neutral: tests/dbt_project/test_rules_spark.py runs every macro on DuckDB and on Spark.
    Sources: Hundepool et al., Statistical Disclosure Control (2012), ch. 4.2 (rules) and 4.2.2, 4.4 (protection
    levels); thresholds come from rules.yml. -#}
{#- Small counts: 0 < value < threshold. -#}
{% macro primary_count(value, threshold) -%}
    coalesce({{ value }} > 0 and {{ value }} < {{ threshold }}, false)
{%- endmacro %}

{#- A true zero, where the rule protects it: "nobody" is a statement about everybody, too. -#}
{% macro primary_zero(value, threshold, protect_zero) -%}
    coalesce({{ threshold }} > 0 and {{ protect_zero }} and {{ value }} = 0, false)
{%- endmacro %}

{#- A negative count is a correction booking that nobody outside may interpret. -#}
{% macro primary_correction(value, threshold) -%}
    coalesce({{ threshold }} > 0 and {{ value }} < 0, false)
{%- endmacro %}

{#- Too few contributors (persons, households, providers) behind a figure that is not zero. Unknown is too few. -#}
{% macro primary_contributors(value, contributors, minimum) -%}
    coalesce(
        {{ minimum }} > 0 and {{ value }} <> 0 and coalesce({{ contributors }}, 0) < {{ minimum }}, false
    )
{%- endmacro %}

{#- Sum of the n largest contributions; n is 1 or 2. -#}
{% macro largest_contributions(largest, second_largest, n) -%}
    (coalesce({{ largest }}, 0) + case when {{ n }} >= 2 then coalesce({{ second_largest }}, 0) else 0 end)
{%- endmacro %}

{#- Dominance (n,k): the n largest contributions hold more than k per cent. -#}
{% macro primary_dominance(value, largest, second_largest, n, k_pct) -%}
    coalesce(
        {{ n }} > 0
        and {{ value }} > 0
        and {{ largest_contributions(largest, second_largest, n) }} > {{ value }} * {{ k_pct }} / 100.0,
        false
    )
{%- endmacro %}

{#- p-per-cent rule: the second largest contributor could estimate the largest one to within p per cent. -#}
{% macro primary_p_percent(value, largest, second_largest, p_percent) -%}
    coalesce(
        {{ p_percent }} > 0
        and {{ largest }} is not null
        and {{ value }} > 0
        and {{ value }} - {{ largest_contributions(largest, second_largest, 2) }}
        < {{ largest }} * {{ p_percent }} / 100.0,
        false
    )
{%- endmacro %}

{#- Too small a base: figures of areas with fewer inhabitants than the minimum are not shown. -#}
{% macro primary_denominator(denominator, minimum) -%}
    coalesce({{ minimum }} > 0 and {{ denominator }} < {{ minimum }}, false)
{%- endmacro %}

{#- Hidden by the supplier already: the figure did not reach us, and must not be recomputed from its neighbours. -#}
{% macro primary_hidden_at_source(value, conf_status) -%}
    coalesce({{ value }} is null and {{ conf_status }} = 'C', false)
{%- endmacro %}

{#- Group disclosure: everybody of a breakdown, or everybody but `slack`, is in one category, so that membership of the
    area reveals the category. Primary are that category and the zeros, which say the same from the other side. -#}
{% macro primary_group_disclosure(value, largest_category, vector_total, is_protected, slack) -%}
    coalesce(
        {{ is_protected }}
        and {{ vector_total }} > 0
        and {{ vector_total }} - {{ largest_category }} <= {{ slack }}
        and ({{ value }} = 0 or {{ vector_total }} - {{ value }} <= {{ slack }}),
        false
    )
{%- endmacro %}

{#- A named combination of attributes on a level finer than the one it may be shown on (rank 0 is the coarsest). -#}
{% macro primary_combination(level_rank, finest_level_rank) -%}
    coalesce({{ level_rank }} > {{ finest_level_rank }}, false)
{%- endmacro %}

{#- The largest value a cell can have: its own, or for a star of the supplier the last one below the threshold. -#}
{% macro largest_possible(value, conf_status, threshold) -%}
    coalesce({{ value }}, case when {{ conf_status }} = 'C' then {{ threshold }} - 1 else 0 end)
{%- endmacro %}

{#- Units of a cell: whole numbers for the solver. Counts are units already, amounts are counted in hundredths. -#}
{% macro unit_scale(value_kind) -%} case when {{ value_kind }} = 'count' then 1 else 100 end {%- endmacro %}

{% macro to_units(value, scale) -%} cast(round({{ value }} * {{ scale }}) as bigint) {%- endmacro %}

{#- Protection level of (n,k): 100/k * (x1 + … + xn) - X. With that much uncertainty the n largest contributions stay below k
    per cent of the largest value an attacker has to think possible. -#}
{% macro protection_level_dominance(value, largest, second_largest, n, k_pct) -%}
    case
        when {{ primary_dominance(value, largest, second_largest, n, k_pct) }}
        then {{ largest_contributions(largest, second_largest, n) }} * 100.0 / {{ k_pct }} - {{ value }}
        else 0
    end
{%- endmacro %}

{#- Protection level of the p-per-cent rule: p/100 * x1 - (X - x1 - x2). -#}
{% macro protection_level_p_percent(value, largest, second_largest, p_percent) -%}
    case
        when {{ primary_p_percent(value, largest, second_largest, p_percent) }}
        then
            {{ largest }} * {{ p_percent }} / 100.0
            - ({{ value }} - {{ largest_contributions(largest, second_largest, 2) }})
        else 0
    end
{%- endmacro %}

{#- Protection level where a rule names no formula of its own: a tenth of the value (interval protection level of 10 %,
    the usual choice of τ-ARGUS for cells set unsafe by hand). -#}
{% macro protection_level_tenth(value, applies) -%}
    case when {{ applies }} then abs({{ value }}) / 10.0 else 0 end
{%- endmacro %}

{#- Lower goal in units: some world an attacker has to think possible has this value or less.
    Counts below T: 0; everything else: value - protection level, not below 0 for a value that is not negative. -#}
{% macro protection_level_lower_goal(units, is_count, threshold, level) -%}
    cast(
        case
            when {{ units }} is null or ({{ is_count }} and {{ units }} < {{ threshold }})
            then 0
            when {{ units }} >= 0
            then greatest({{ units }} - {{ level }}, 0)
            else {{ units }} - {{ level }}
        end as bigint
    )
{%- endmacro %}

{#- Upper goal in units: some world has this value or more. Counts below T: T; everything else: value + protection level.
    A cell of a breakdown is not asked for more than the breakdown adds up to: that total may be published, and then no
    suppression could lift the cell above it. `is_bounded` says that this holds for a count below T as well (zeros of a
    named combination in an area where nobody is counted). A star of the supplier stands for 1 to T - 1, and everybody
    knows: it can be no more. -#}
{% macro protection_level_upper_goal(units, is_count, threshold, level, vector_units, is_bounded, scale) -%}
    cast(
        case
            when {{ units }} is null
            then case when {{ is_count }} then greatest({{ threshold }} - 1, 1) else {{ scale }} end
            when {{ is_count }} and {{ units }} < {{ threshold }}
            then
                case
                    when {{ is_bounded }}
                    then least({{ threshold }}, greatest(coalesce({{ vector_units }}, {{ threshold }}), 0))
                    else {{ threshold }}
                end
            else
                least(
                    {{ units }} + {{ level }},
                    greatest({{ units }}, coalesce({{ vector_units }}, {{ units }} + {{ level }}))
                )
        end as bigint
    )
{%- endmacro %}
