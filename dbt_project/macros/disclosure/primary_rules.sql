{#- Primary rules of statistical disclosure control, one macro per rule. Each returns a boolean SQL expression that is
    never NULL: true means the cell must not be published. Engine-neutral (no DuckDB-only function).
    Source of the rules: Hundepool et al., Statistical Disclosure Control (2012), ch. 4; thresholds come from rules.yml. -#}
{#- Small counts: 0 < value < threshold. Zero only where the rule protects it; a negative count is a correction
    booking that nobody outside may interpret, so it stays inside as well. -#}
{% macro primary_count(value, threshold, protect_zero="false") -%}
    coalesce(
        {{ threshold }} > 0
        and (
            ({{ value }} > 0 and {{ value }} < {{ threshold }})
            or {{ value }} < 0
            or ({{ value }} = 0 and {{ protect_zero }})
        ),
        false
    )
{%- endmacro %}

{#- Too few contributors (persons, households, providers) behind a figure that is not zero. Unknown is too few. -#}
{% macro primary_contributors(value, contributors, minimum) -%}
    coalesce(
        {{ minimum }} > 0 and {{ value }} <> 0 and coalesce({{ contributors }}, 0) < {{ minimum }}, false
    )
{%- endmacro %}

{#- Dominance (n,k): the n largest contributions hold more than k per cent. n is 1 or 2. -#}
{% macro primary_dominance(value, largest, second_largest, n, k_pct) -%}
    coalesce(
        {{ n }} > 0
        and {{ value }} > 0
        and coalesce({{ largest }}, 0)
        + case when {{ n }} >= 2 then coalesce({{ second_largest }}, 0) else 0 end
        > {{ value }} * {{ k_pct }} / 100.0,
        false
    )
{%- endmacro %}

{#- p-per-cent rule: the second largest contributor could estimate the largest one to within p per cent. -#}
{% macro primary_p_percent(value, largest, second_largest, p_percent) -%}
    coalesce(
        {{ p_percent }} > 0
        and {{ largest }} is not null
        and {{ value }} > 0
        and {{ value }} - {{ largest }} - coalesce({{ second_largest }}, 0)
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
    ({{ value }} is null and {{ conf_status }} = 'C')
{%- endmacro %}

{#- Group disclosure: everybody of a breakdown is in one category, so membership of the area reveals the category. -#}
{% macro primary_group_disclosure(filled_categories, vector_total, is_protected) -%}
    coalesce({{ is_protected }} and {{ vector_total }} > 0 and {{ filled_categories }} = 1, false)
{%- endmacro %}

{#- The largest value a cell can have: its own, or for a star of the supplier the last one below the threshold. -#}
{% macro largest_possible(value, conf_status, threshold) -%}
    coalesce({{ value }}, case when {{ conf_status }} = 'C' then {{ threshold }} - 1 else 0 end)
{%- endmacro %}
