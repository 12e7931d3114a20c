-- Grain: ancestor x descendant x common validity, every area being its own ancestor at depth 0.
with recursive
    closure as (
        select
            area_system,
            area_key as ancestor_area_key,
            area_key as descendant_area_key,
            0 as depth,
            valid_from,
            coalesce(valid_to, date '9999-12-31') as valid_until
        from {{ ref("dim_area") }}
        union all
        select
            closure.area_system,
            edge.parent_key as ancestor_area_key,
            closure.descendant_area_key,
            closure.depth + 1 as depth,
            greatest(closure.valid_from, edge.valid_from) as valid_from,
            least(closure.valid_until, coalesce(edge.valid_to, date '9999-12-31')) as valid_until
        from closure
        inner join
            {{ ref("int_area_edge") }} as edge
            on edge.child_key = closure.ancestor_area_key
            and edge.valid_from <= closure.valid_until
            and closure.valid_from <= coalesce(edge.valid_to, date '9999-12-31')
    )
select
    area_system,
    ancestor_area_key,
    descendant_area_key,
    depth,
    cast(1.0 as double) as share,
    valid_from,
    nullif(valid_until, date '9999-12-31') as valid_to
from closure
