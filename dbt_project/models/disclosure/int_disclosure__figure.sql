-- Grain: cell of a linked table: every figure under evaluation that has been delivered or that the supplier
-- has hidden,
-- in whole units. Linked measures of one period share a table. What has not been delivered is in no table.
select
    home.table_group,
    home.table_group || '|' || cell.period_key as table_id,
    cell.measure_id,
    cell.period_key,
    cell.period_end,
    cell.area_key,
    cell.group_key,
    cell.breakdown,
    home.clique,
    cell.level_rank,
    cell.is_unassigned,
    cast(round(cell.value * cell.scale) as bigint) as value_units,
    -- A star says "below the threshold"; without a threshold it says nothing. Amounts have no such star.
    case
        when cell.value is null and cell.scale = 1 and cell.required_upper >= 2
        then cast(cell.required_upper as bigint) - 1
    end as ceiling,
    cast(cell.required_upper as bigint) as threshold_units,
    cell.is_primary,
    cell.primary_rule,
    cell.lower_goal,
    cell.upper_goal,
    cell.tier
from {{ ref("int_disclosure__cell") }} as cell
inner join
    {{ ref("stg_catalogue__table_home") }} as home
    on home.measure_id = cell.measure_id
    and home.breakdown = cell.breakdown
where cell.policy = 'evaluate' and (cell.value is not null or cell.conf_status = 'C')
