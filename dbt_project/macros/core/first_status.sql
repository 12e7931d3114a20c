{#- The first of `statuses` that any row of the group carries, NULL if none does: the most provisional reason first
    (not delivered, not collected, not applicable). `condition` ends with the status column. -#}
{% macro first_status(statuses, condition) -%}
    case
        {%- for status in statuses %}
            when bool_or({{ condition }} = '{{ status }}') then '{{ status }}'
        {%- endfor %}
    end
{%- endmacro %}
