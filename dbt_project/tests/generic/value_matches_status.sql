{#- A hidden cell carries no value, and a missing one neither; every empty cell says why. -#}
{% test value_matches_status(model) %}
    select *
    from {{ model }}
    where
        (conf_status = 'C' and value is not null)
        or (obs_status in ('O', 'L', 'M') and value is not null)
        or (value is null and conf_status = 'F' and obs_status not in ('O', 'L', 'M'))
{% endtest %}
