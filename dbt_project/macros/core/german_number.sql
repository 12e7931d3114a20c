{#- 1234.5 -> '1.234,5'. `decimals` may differ per row (0 to 3). -#}
{% macro german_number(value, decimals) -%}
    translate(
        case
            {{ decimals }}
            when 0
            then format('{:,.0f}', {{ value }})
            when 1
            then format('{:,.1f}', {{ value }})
            when 2
            then format('{:,.2f}', {{ value }})
            else format('{:,.3f}', {{ value }})
        end,
        ',.',
        '.,'
    )
{%- endmacro %}

{#- Why a cell shows no figure, in words for its reader; NULL where there is one. -#}
{% macro empty_reason(value, obs_status, conf_status) -%}
    case
        when {{ value }} is not null
        then null
        when {{ conf_status }} = 'C'
        then 'gesperrt'
        when {{ obs_status }} = 'O'
        then 'noch nicht geliefert'
        when {{ obs_status }} = 'L'
        then 'nicht erhoben'
        when {{ obs_status }} = 'M'
        then 'nicht zutreffend'
        else 'k. A.'
    end
{%- endmacro %}
