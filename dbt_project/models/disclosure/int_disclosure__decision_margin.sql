-- Grain: measure x period x one-way breakdown x area: may the breakdown be published? (layer A)
-- Where the measure also has a cross table with this breakdown, the attacker is given that table's other
-- dimension
-- as strata, whether it is published or not: bounds that hold against more knowledge hold against less.
with
    cells as (
        select *
        from {{ ref("int_disclosure__cell") }}
        where policy = 'evaluate' and breakdown <> 'total' and not contains(breakdown, ';')
    ),
    vectors as (
        select vector.*, vector.has_primary or not coalesce(total.is_published, false) as is_blocked
        from {{ ref("int_disclosure__vector") }} as vector
        left join
            {{ ref("int_disclosure__decision_total") }} as total
            on total.measure_id = vector.measure_id
            and total.period_key = vector.period_key
            and total.area_key = vector.area_key
        where vector.breakdown <> 'total' and not contains(vector.breakdown, ';')
    ),
    cross_table as (
        select
            measure_id,
            split_part(breakdown, ';', positions.position) as breakdown,
            breakdown as cross_breakdown,
            positions.position
        from {{ ref("stg_catalogue__measure_breakdown") }}
        cross join (values (1), (2)) as positions(position)
        where contains(breakdown, ';')
        qualify
            row_number() over (
                partition by measure_id, split_part(breakdown, ';', positions.position) order by breakdown
            )
            = 1
    ),
    cross_atoms as (
        select
            cell.measure_id,
            cell.period_key,
            cross_table.breakdown,
            cell.area_key,
            split_part(cell.group_key, ';', cross_table.position) as category,
            split_part(cell.group_key, ';', 3 - cross_table.position) as stratum,
            coalesce(cell.value, 0) as value,
            {{ largest_possible("cell.value", "cell.conf_status", "cell.required_upper") }} as value_high
        from {{ ref("int_disclosure__cell") }} as cell
        inner join
            cross_table
            on cross_table.measure_id = cell.measure_id
            and cross_table.cross_breakdown = cell.breakdown
    ),
    atoms as (
        select *
        from cross_atoms
        union all
        select
            cell.measure_id,
            cell.period_key,
            cell.breakdown,
            cell.area_key,
            cell.group_key,
            '',
            coalesce(cell.value, 0),
            {{ largest_possible("cell.value", "cell.conf_status", "cell.required_upper") }}
        from cells as cell
        anti join cross_table using (measure_id, breakdown)
    ),
    row_totals as (
        select
            measure_id,
            period_key,
            breakdown,
            area_key,
            stratum,
            sum(value) as row_total,
            sum(value_high) as row_total_high
        from atoms
        group by all
    ),
    exposures as (
        select
            cell.measure_id,
            cell.period_key,
            cell.breakdown,
            cell.area_key,
            cell.group_key as category,
            row_totals.stratum,
            row_totals.row_total_high as n_max,
            -- A row too small to be published does not bound the cell from above.
            case
                when
                    sum(row_totals.row_total) over (
                        partition by
                            cell.measure_id, cell.period_key, cell.breakdown, cell.area_key, cell.group_key
                    )
                    >= cell.required_upper
                then row_totals.row_total
            end as n_min
        from cells as cell
        inner join row_totals using (measure_id, period_key, breakdown, area_key)
        where cell.is_primary
    ),
    {{ residual_pooling("vectors", "atoms", "exposures", row_totals_known=true) }}
select measure_id, period_key, breakdown, area_key, is_published
from pooled
