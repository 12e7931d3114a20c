-- Grain: measure x period x area x group: the decision every published figure obeys, and who took it.
-- `solver`: the pattern of the linked table, which comes with a certificate. `pooling`: layer A, where
-- nothing was
-- solved. `policy`: no evaluation. `source_released` repeats what the supplier has published, `withhold`
-- lets nothing
-- out; neither leaves a table whose figures contradict each other, so that no certificate is possible, when
-- one is asked
-- for.
with
    solved as (select * from {{ ref("stg_proof__verdict") }} where audience = 'public'),
    pattern as (select * from {{ ref("stg_proof__pattern") }} where audience = 'public'),
    in_table as (
        select
            figure.measure_id,
            figure.period_key,
            figure.area_key,
            figure.group_key,
            solved.table_id is not null as is_solved,
            not linked.is_consistent and linked.has_primary as is_unprovable,
            coalesce(pattern.is_published, false) as is_published
        from {{ ref("int_disclosure__figure") }} as figure
        inner join {{ ref("int_disclosure__table") }} as linked on linked.table_id = figure.table_id
        left join solved on solved.table_id = figure.table_id
        left join
            pattern
            on pattern.table_id = figure.table_id
            and pattern.measure_id = figure.measure_id
            and pattern.area_key = figure.area_key
            and pattern.group_key = figure.group_key
    )
select
    cell.measure_id,
    cell.period_key,
    cell.area_key,
    cell.group_key,
    cell.breakdown,
    case
        when cell.tier <> 'public'
        then false
        when cell.policy <> 'evaluate'
        then cell.policy = 'source_released'
        when in_table.is_solved
        then in_table.is_published
        when in_table.is_unprovable and {{ var("require_certificate") }}
        then false
        -- A primary cell has no exception: pooling hides whole vectors.
        else coalesce(pooling.is_published, false)
    end as is_published,
    case
        when
            cell.tier <> 'public'
            or cell.policy <> 'evaluate'
            or (
                not coalesce(in_table.is_solved, false)
                and in_table.is_unprovable
                and {{ var("require_certificate") }}
            )
        then 'policy'
        when in_table.is_solved
        then 'solver'
        else 'pooling'
    end as decided_by
from {{ ref("int_disclosure__cell") }} as cell
left join
    in_table
    on in_table.measure_id = cell.measure_id
    and in_table.period_key = cell.period_key
    and in_table.area_key = cell.area_key
    and in_table.group_key = cell.group_key
left join
    {{ ref("int_disclosure__pooling") }} as pooling
    on pooling.measure_id = cell.measure_id
    and pooling.period_key = cell.period_key
    and pooling.breakdown = cell.breakdown
    and pooling.area_key = cell.area_key
