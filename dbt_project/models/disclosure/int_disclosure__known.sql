-- Grain: audience x table x cell: what releases of the past say about a figure of today, in units. Equal
-- ends: the value
-- is out. Otherwise it was revised, and the reader takes it that no figure of this table and level has
-- changed by more
-- than the tolerance: the setting of the instance, else the largest change there is, at least 1.
with
    cells as (
        select
            cell.table_id,
            cell.measure_id,
            cell.area_key,
            cell.group_key,
            cell.level_rank,
            cell.value_units,
            linked.period_key,
            cast(coalesce(judged.scale, 1) as bigint) as scale
        from {{ ref("int_disclosure__table_cell") }} as cell
        inner join {{ ref("int_disclosure__table") }} as linked on linked.table_id = cell.table_id
        inner join
            {{ ref("int_disclosure__cell") }} as judged
            on judged.measure_id = cell.measure_id
            and judged.period_key = linked.period_key
            and judged.area_key = cell.area_key
            and judged.group_key = cell.group_key
    ),
    released as (
        select
            ledger.audience,
            cells.table_id,
            cells.measure_id,
            cells.area_key,
            cells.group_key,
            cells.level_rank,
            cells.value_units,
            cells.scale,
            ledger.release_id,
            cast(round(ledger.value * cells.scale) as bigint) as old_units
        from {{ ref("stg_ledger__cell") }} as ledger
        inner join
            cells
            on cells.measure_id = ledger.measure_id
            and cells.period_key = ledger.period_key
            and cells.area_key = ledger.area_key
            and cells.group_key = ledger.group_key
    ),
    tolerance as (
        select
            audience,
            table_id,
            level_rank,
            {% if var("revision_tolerance") is none %}
                greatest(coalesce(max(abs(value_units - old_units)), 0), 1) as tolerance
            {% else %} {{ var("revision_tolerance") }} * max(scale) as tolerance
            {% endif %}
        from released
        group by audience, table_id, level_rank
    ),
    believed as (
        select
            released.*,
            case
                when released.value_units = released.old_units
                then 0
                -- A belief that excludes the truth cannot be part of a proof.
                else
                    greatest(tolerance.tolerance, coalesce(abs(released.value_units - released.old_units), 0))
            end as reach
        from released
        inner join
            tolerance
            on tolerance.audience = released.audience
            and tolerance.table_id = released.table_id
            and tolerance.level_rank = released.level_rank
    ),
    together as (
        select
            audience,
            table_id,
            measure_id,
            area_key,
            group_key,
            max(old_units - reach) as highest_low,
            min(old_units + reach) as lowest_high,
            min(old_units - reach) as lowest_low,
            max(old_units + reach) as highest_high,
            max(release_id) as release_id
        from believed
        group by audience, table_id, measure_id, area_key, group_key
    )
select
    audience,
    table_id,
    measure_id,
    area_key,
    group_key,
    -- Where today's figure is unknown (hidden at source), versions of the past may have no number in common.
    cast(case when highest_low <= lowest_high then highest_low else lowest_low end as bigint) as value_low,
    cast(case when highest_low <= lowest_high then lowest_high else highest_high end as bigint) as value_high,
    release_id
from together
