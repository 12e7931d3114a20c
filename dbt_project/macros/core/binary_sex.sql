{#- Persons registered as "divers" or without an entry are few and would empty every breakdown by sex. As the official
    population statistics do, they are counted as male or female by a procedure that does not look at the person:
    here the first digit of a hash of `key`, so that the same person is always counted the same way.
    A missing value (NULL) stays missing. Source: Destatis, Bevölkerungsfortschreibung, note on "divers". -#}
{% macro binary_sex(sex, key) -%}
    case when {{ sex }} = 'd' then case when md5({{ key }}) < '8' then 'f' else 'm' end else {{ sex }} end
{%- endmacro %}
