-- Grain: area before x area after x reform date; how areas follow one another, ready to be chained.
-- Added to the delivered weights: the members "räumlich nicht zuordenbar" of reformed areas, and areas that
-- only got
-- a new row (same code, given away nothing, e.g. because their Gemeinde was merged or they took in
-- another). Left out: overlaps so thin
-- that they are the noise of digitised borders, whose weight the remaining pairs share.
with
    delivered as (
        select
            area_system,
            from_area_key,
            to_area_key,
            reform_date,
            weight / sum(weight) over (partition by from_area_key, reform_date) as weight,
            is_estimate
        from {{ ref("bridge_area_reform") }}
        where weight >= {{ var("as_is_sliver") }}
    ),
    unassigned as (
        select
            delivered.area_system,
            from_member.area_key as from_area_key,
            to_member.area_key as to_area_key,
            delivered.reform_date,
            delivered.weight,
            delivered.is_estimate
        from delivered
        inner join {{ ref("dim_area") }} as from_area on from_area.area_key = delivered.from_area_key
        inner join {{ ref("dim_area") }} as to_area on to_area.area_key = delivered.to_area_key
        inner join
            {{ ref("dim_area") }} as from_member
            on from_member.is_unassigned
            and from_member.area_system = from_area.area_system
            and from_member.parent_code = from_area.area_code
            and from_member.level_rank = from_area.level_rank + 1
            and from_member.valid_from = from_area.valid_from
        inner join
            {{ ref("dim_area") }} as to_member
            on to_member.is_unassigned
            and to_member.area_system = to_area.area_system
            and to_member.parent_code = to_area.area_code
            and to_member.level_rank = to_area.level_rank + 1
            and to_member.valid_from = to_area.valid_from
    ),
    reformed as (
        select *
        from delivered
        union all
        select *
        from unassigned
    ),
    renewed as (
        select
            new_area.area_system,
            old_area.area_key as from_area_key,
            new_area.area_key as to_area_key,
            new_area.valid_from as reform_date,
            cast(1.0 as double) as weight,
            false as is_estimate
        from {{ ref("dim_area") }} as new_area
        inner join
            {{ ref("dim_area") }} as old_area
            on old_area.area_system = new_area.area_system
            and old_area.area_level = new_area.area_level
            and old_area.area_code = new_area.area_code
            and old_area.valid_to = new_area.valid_from - 1
        anti join
            reformed as departed
            on departed.from_area_key = old_area.area_key
            and departed.reform_date = new_area.valid_from
    )
select
    edge.area_system,
    edge.from_area_key,
    edge.to_area_key,
    edge.reform_date,
    edge.weight,
    edge.is_estimate and edge.weight < 1 as is_estimate,
    -- True where boundaries changed; false for areas that only got a new row or a new code.
    count(*) over (partition by edge.to_area_key, edge.reform_date) > 1
    or edge.weight < 1
    or (to_area.valid_from < edge.reform_date and edge.from_area_key <> edge.to_area_key) as is_changed
from
    (
        select *
        from reformed
        union all
        select *
        from renewed
    ) as edge
inner join {{ ref("dim_area") }} as to_area on to_area.area_key = edge.to_area_key
