-- Grain: cell of a linked table that somebody has decided to go on showing although it is primary today:
-- earlier releases
-- show it to everybody with the value it has today, so that withholding it would protect nobody. The latest
-- decision on a
-- cell counts.
with
    known_values as (
        select known.table_id, known.measure_id, known.area_key, known.group_key
        from {{ ref("int_disclosure__known") }} as known
        inner join
            {{ ref("int_disclosure__table_cell") }} as cell
            on cell.table_id = known.table_id
            and cell.measure_id = known.measure_id
            and cell.area_key = known.area_key
            and cell.group_key = known.group_key
        where
            known.audience = 'public'
            and known.value_low = cell.value_units
            and known.value_high = cell.value_units
            and cell.is_primary
            and cell.tier = 'public'
    )
select
    known_values.table_id,
    known_values.measure_id,
    linked.period_key,
    known_values.area_key,
    known_values.group_key
from known_values
inner join {{ ref("int_disclosure__table") }} as linked on linked.table_id = known_values.table_id
inner join {{ ref("dim_area") }} as area on area.area_key = known_values.area_key
inner join
    {{ ref("stg_catalogue__release_decision") }} as decided
    on decided.measure_id = known_values.measure_id
    and coalesce(decided.period_key, linked.period_key) = linked.period_key
    and coalesce(decided.area_code, area.area_code) = area.area_code
    and coalesce(decided.group_key, known_values.group_key) = known_values.group_key
qualify
    row_number() over (
        partition by
            known_values.table_id, known_values.measure_id, known_values.area_key, known_values.group_key
        order by decided.decided_on desc, decided.position desc
    )
    = 1
    and decided.decision = 'weiter_zeigen'
