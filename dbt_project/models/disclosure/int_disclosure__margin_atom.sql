{{ config(materialized="view") }}
-- Grain: measure x period x one-way breakdown x area x category x stratum: what an attacker is given
-- for layer A, as smallest and largest possible value. Strata are the other dimension of a cross table
-- with this breakdown, whether it is published or not, and the coarser group a category is merged
-- into: bounds that hold against more knowledge hold against less. A coarser breakdown has the
-- categories of the fine one summed. `is_decided_coarser`: the category is merged with no other, so
-- that it is protected where the coarser breakdown is.
with
    evaluated as (select * from {{ ref("int_disclosure__cell") }} where policy = 'evaluate'),
    coarser as (
        select *, count(*) over (partition by measure_id, group_id) = 1 as is_same
        from {{ ref("stg_catalogue__group_coarser") }}
    ),
    cross_table as (
        select measure_id, breakdown, cross_breakdown, position
        from
            (
                select
                    planned.measure_id,
                    split_part(planned.breakdown, ';', positions.position) as breakdown,
                    planned.breakdown as cross_breakdown,
                    positions.position,
                    row_number() over (
                        partition by
                            planned.measure_id, split_part(planned.breakdown, ';', positions.position)
                        order by planned.breakdown
                    ) as choice
                from {{ ref("stg_catalogue__measure_breakdown") }} as planned
                cross join (values (1), (2)) as positions(position)
                where contains(planned.breakdown, ';')
            ) as numbered
        where choice = 1
    ),
    fine as (
        select
            cell.measure_id,
            cell.period_key,
            cross_table.breakdown,
            cell.area_key,
            split_part(cell.group_key, ';', cross_table.position) as category,
            split_part(cell.group_key, ';', 3 - cross_table.position) as stratum,
            coalesce(cell.value, 0) as value,
            {{ largest_possible("cell.value", "cell.conf_status", "cell.required_upper") }} as value_high
        from evaluated as cell
        inner join
            cross_table
            on cross_table.measure_id = cell.measure_id
            and cross_table.cross_breakdown = cell.breakdown
        union all
        select
            cell.measure_id,
            cell.period_key,
            cell.breakdown,
            cell.area_key,
            cell.group_key as category,
            '' as stratum,
            coalesce(cell.value, 0) as value,
            {{ largest_possible("cell.value", "cell.conf_status", "cell.required_upper") }} as value_high
        from evaluated as cell
        left join
            cross_table on cross_table.measure_id = cell.measure_id and cross_table.breakdown = cell.breakdown
        left join
            (select distinct measure_id, breakdown from coarser) as summed
            on summed.measure_id = cell.measure_id
            and summed.breakdown = cell.breakdown
        where
            cell.breakdown <> 'total'
            and not contains(cell.breakdown, ';')
            and cross_table.measure_id is null
            and summed.measure_id is null
    )
select
    fine.measure_id,
    fine.period_key,
    fine.breakdown,
    fine.area_key,
    fine.category,
    fine.stratum || coalesce('|' || coarser.group_id, '') as stratum,
    fine.value,
    fine.value_high,
    coalesce(coarser.is_same, false) as is_decided_coarser
from fine
left join coarser on coarser.measure_id = fine.measure_id and coarser.fine_group_id = fine.category
union all
select
    fine.measure_id,
    fine.period_key,
    coarser.breakdown,
    fine.area_key,
    coarser.group_id as category,
    fine.stratum,
    sum(fine.value) as value,
    sum(fine.value_high) as value_high,
    false as is_decided_coarser
from fine
inner join coarser on coarser.measure_id = fine.measure_id and coarser.fine_group_id = fine.category
group by fine.measure_id, fine.period_key, coarser.breakdown, fine.area_key, coarser.group_id, fine.stratum
