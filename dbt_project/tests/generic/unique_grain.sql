{#- The stated grain holds: no two rows share the given columns. -#}
{% test unique_grain(model, columns) %}
    select {{ columns | join(", ") }}, count(*) as copies
    from {{ model }}
    group by {{ columns | join(", ") }}
    having count(*) > 1
{% endtest %}
