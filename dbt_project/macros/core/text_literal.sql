{#- A variable as SQL string: quotes in titles and attributions do not end it. -#}
{% macro text_literal(value) -%} '{{ dbt.escape_single_quotes(value | string) }}' {%- endmacro %}
