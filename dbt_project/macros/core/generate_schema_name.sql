{#- Schemas are the rooms of the warehouse (staging, core, disclosure, published): used as they are written,
    without dbt's habit of prefixing the target schema. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
