{#- What the models of linked tables have in common: groups as margins of one another, areas at which links hold. -#}
{#- The members of a group that belong to the dimensions of a breakdown: `age=0-2;sex=f` on `sex` is `sex=f`. -#}
{% macro project_group(group_key, breakdown) -%}
    coalesce(
        nullif(
            array_to_string(
                list_filter(
                    string_split({{ group_key }}, ';'),
                    lambda member:list_contains(
                        string_split({{ breakdown }}, ';'), split_part(member, '=', 1)
                    )
                ),
                ';'
            ),
            ''
        ),
        'total'
    )
{%- endmacro %}

{#- Is one of the members (joined by `|`) part of the group? An empty list asks for nothing. -#}
{% macro group_has_member(group_key, members) -%}
    ({{ members }} = '' or list_has_any(string_split({{ group_key }}, ';'), string_split({{ members }}, '|')))
{%- endmacro %}

{#- Areas at which a link holds, per atom area of its terms: the coarsest of all atom areas of the link that contain it.
    Terms with equal leaf areas meet in the leaf itself; one that is known for coarser areas only meets the others there.

    Argument: a relation (table_id, period_end, link_id, atom_area). Returns CTEs ending in `meeting`
    (table_id, link_id, atom_area, link_area). -#}
{% macro meeting_areas(terms) %}
    meeting_candidate as (select distinct table_id, period_end, link_id, atom_area from {{ terms }}),
    meeting as (
        select
            inner_area.table_id,
            inner_area.link_id,
            inner_area.atom_area,
            min_by(outer_area.atom_area, cover.level_rank) as link_area
        from meeting_candidate as inner_area
        inner join
            {{ ref("int_disclosure__area_cover") }} as cover
            on cover.atom_area = inner_area.atom_area
            and {{ valid_on("inner_area.period_end", "cover.valid_from", "cover.valid_to") }}
        inner join
            meeting_candidate as outer_area
            on outer_area.table_id = inner_area.table_id
            and outer_area.link_id = inner_area.link_id
            and outer_area.atom_area = cover.area_key
        group by inner_area.table_id, inner_area.link_id, inner_area.atom_area
    )
{% endmacro %}
