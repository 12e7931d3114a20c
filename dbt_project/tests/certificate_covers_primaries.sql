-- Every hidden primary cell keeps its range: some world has `lower_goal` or less, some world `upper_goal`
-- or more. The
-- base world counts. Cells that no choice can protect are marked unsafe; the report names them and a human
-- decides.
-- A primary cell in the open is a hole in itself, unless older releases show it and it was decided to go on
-- showing it.
with
    solved as (select audience, table_id from {{ ref("stg_proof__verdict") }}),
    reach as (
        select
            audience, table_id, measure_id, area_key, group_key, min(shift) as lowest, max(shift) as highest
        from {{ ref("int_disclosure__shift") }}
        group by audience, table_id, measure_id, area_key, group_key
    ),
    primaries as (
        select
            solved.audience,
            cell.table_id,
            cell.measure_id,
            linked.period_key,
            cell.area_key,
            cell.group_key,
            cell.lower_goal,
            cell.upper_goal
        from {{ ref("int_disclosure__table_cell") }} as cell
        inner join {{ ref("int_disclosure__table") }} as linked on linked.table_id = cell.table_id
        inner join solved on solved.table_id = cell.table_id
        where cell.is_primary
    ),
    judged as (
        select
            primaries.*,
            coalesce(pattern.is_unsafe, false) as is_unsafe,
            coalesce(known.is_published, false) as is_published,
            allowed.table_id is not null as is_allowed,
            base.base_units + least(coalesce(reach.lowest, 0), 0) as lowest,
            base.base_units + greatest(coalesce(reach.highest, 0), 0) as highest
        from primaries
        left join
            {{ ref("stg_proof__pattern") }} as pattern
            on pattern.audience = primaries.audience
            and pattern.table_id = primaries.table_id
            and pattern.measure_id = primaries.measure_id
            and pattern.area_key = primaries.area_key
            and pattern.group_key = primaries.group_key
        left join
            {{ ref("int_disclosure__attacker_knowledge") }} as known
            on known.audience = primaries.audience
            and known.table_id = primaries.table_id
            and known.measure_id = primaries.measure_id
            and known.area_key = primaries.area_key
            and known.group_key = primaries.group_key
        left join
            {{ ref("int_disclosure__base_cell") }} as base
            on base.table_id = primaries.table_id
            and base.measure_id = primaries.measure_id
            and base.area_key = primaries.area_key
            and base.group_key = primaries.group_key
        left join
            reach
            on reach.audience = primaries.audience
            and reach.table_id = primaries.table_id
            and reach.measure_id = primaries.measure_id
            and reach.area_key = primaries.area_key
            and reach.group_key = primaries.group_key
        left join
            {{ ref("int_disclosure__allowed") }} as allowed
            on allowed.table_id = primaries.table_id
            and allowed.measure_id = primaries.measure_id
            and allowed.area_key = primaries.area_key
            and allowed.group_key = primaries.group_key
    )
select audience, table_id, measure_id, area_key, group_key, lower_goal, upper_goal, lowest, highest
from judged
where
    case
        when is_published
        then audience = 'public' and not is_allowed
        else not is_unsafe and (lowest is null or lowest > lower_goal or highest < upper_goal)
    end
