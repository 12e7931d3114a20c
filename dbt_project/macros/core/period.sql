{#- Key of a period: S2024-12-31 (Stichtag), J2024, SJ2023/24, M2024-12. -#}
{% macro period_key(period_type, period_start, period_end) -%}
    case
        {{ period_type }}
        when 'stichtag'
        then 'S' || strftime({{ period_end }}, '%Y-%m-%d')
        when 'jahr'
        then 'J' || strftime({{ period_end }}, '%Y')
        when 'schuljahr'
        then 'SJ' || strftime({{ period_start }}, '%Y') || '/' || strftime({{ period_end }}, '%y')
        when 'monat'
        then 'M' || strftime({{ period_end }}, '%Y-%m')
    end
{%- endmacro %}

{#- What a reader sees: 31.12.2024, 2024, Schuljahr 2023/24, 12/2024. -#}
{% macro period_label(period_type, period_start, period_end) -%}
    case
        {{ period_type }}
        when 'stichtag'
        then strftime({{ period_end }}, '%d.%m.%Y')
        when 'jahr'
        then strftime({{ period_end }}, '%Y')
        when 'schuljahr'
        then 'Schuljahr ' || strftime({{ period_start }}, '%Y') || '/' || strftime({{ period_end }}, '%y')
        when 'monat'
        then strftime({{ period_end }}, '%m/%Y')
    end
{%- endmacro %}

{#- True where `day` lies in a validity whose end may be open. -#}
{% macro valid_on(day, valid_from, valid_to) -%}
    ({{ day }} >= {{ valid_from }} and {{ day }} <= coalesce({{ valid_to }}, date '9999-12-31'))
{%- endmacro %}
