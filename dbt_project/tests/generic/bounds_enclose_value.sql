{#- A converted figure lies between its bounds; without an estimate the bounds are the figure itself. -#}
{% test bounds_enclose_value(model) %}
    select *
    from {{ model }}
    where
        (value is null) <> (value_low is null)
        or (value is null) <> (value_high is null)
        or value < value_low
        or value > value_high
        or (not is_estimate and value_low <> value_high)
{% endtest %}
