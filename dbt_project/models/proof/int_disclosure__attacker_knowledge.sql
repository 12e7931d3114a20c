-- Grain: audience x cell of a solved linked table that a reader of this audience knows something about, in
-- units: both
-- ends equal where the figure is published to him (now, or to everybody before him), a range where a
-- released figure
-- was revised.
with
    reader as (
        select 'public' as audience, 0 as position
        union all
        select audience, position
        from {{ ref("stg_catalogue__audience") }}
    ),
    solved as (
        select verdict.audience, verdict.table_id, reader.position
        from {{ ref("stg_proof__verdict") }} as verdict
        inner join reader using (audience)
    ),
    -- What goes into the release counts, not what the solver meant to go there.
    released as (
        select 'public' as audience, cell.table_id, cell.measure_id, cell.area_key, cell.group_key
        from {{ ref("int_disclosure__table_cell") }} as cell
        inner join {{ ref("int_disclosure__table") }} as linked on linked.table_id = cell.table_id
        inner join
            {{ ref("int_disclosure__decision") }} as decision
            on decision.measure_id = cell.measure_id
            and decision.period_key = linked.period_key
            and decision.area_key = cell.area_key
            and decision.group_key = cell.group_key
        where decision.is_published
        union
        select audience, table_id, measure_id, area_key, group_key
        from {{ ref("stg_proof__pattern") }}
        where is_published
    ),
    seen as (
        select
            solved.audience,
            released.table_id,
            released.measure_id,
            released.area_key,
            released.group_key,
            max(base.base_units) as value_low,
            max(base.base_units) as value_high
        from released
        inner join reader on reader.audience = released.audience
        inner join solved on solved.table_id = released.table_id and solved.position >= reader.position
        left join
            {{ ref("int_disclosure__base_cell") }} as base
            on base.table_id = released.table_id
            and base.measure_id = released.measure_id
            and base.area_key = released.area_key
            and base.group_key = released.group_key
        group by
            solved.audience, released.table_id, released.measure_id, released.area_key, released.group_key
    ),
    remembered as (
        select
            solved.audience,
            known.table_id,
            known.measure_id,
            known.area_key,
            known.group_key,
            max(known.value_low) as value_low,
            min(known.value_high) as value_high
        from {{ ref("int_disclosure__known") }} as known
        inner join reader on reader.audience = known.audience
        inner join solved on solved.table_id = known.table_id and solved.position >= reader.position
        group by solved.audience, known.table_id, known.measure_id, known.area_key, known.group_key
    )
select *, true as is_published
from seen
union all
select *, false as is_published
from remembered
anti join seen using (audience, table_id, measure_id, area_key, group_key)
