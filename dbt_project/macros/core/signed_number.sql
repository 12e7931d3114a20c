{#- 1.5 -> '+1,5': a change; what rounds to zero has no sign. -#}
{% macro signed_number(value, decimals) -%}
    case when round({{ value }}, {{ decimals }}) > 0 then '+' else '' end
    || {{ german_number("round(" ~ value ~ ", " ~ decimals ~ ") + 0.0", decimals) }}
{%- endmacro %}
