-- Grain: measure x period x cross table x area. No closed formula protects a hidden cell of a cross table
-- whose margins
-- are published, so a cross table is released for whole levels only: down to the last level on which it
-- holds no
-- primary cell and both margins are published everywhere. Finer levels are not tabulated at all.
with
    vectors as (select * from {{ ref("int_disclosure__vector") }} where contains(breakdown, ';')),
    checked as (
        select
            vector.*,
            not vector.has_primary
            and coalesce(first_margin.is_published, false)
            and coalesce(second_margin.is_published, false) as is_clear
        from vectors as vector
        left join
            {{ ref("int_disclosure__decision_margin") }} as first_margin
            on first_margin.measure_id = vector.measure_id
            and first_margin.period_key = vector.period_key
            and first_margin.area_key = vector.area_key
            and first_margin.breakdown = split_part(vector.breakdown, ';', 1)
        left join
            {{ ref("int_disclosure__decision_margin") }} as second_margin
            on second_margin.measure_id = vector.measure_id
            and second_margin.period_key = vector.period_key
            and second_margin.area_key = vector.area_key
            and second_margin.breakdown = split_part(vector.breakdown, ';', 2)
    ),
    first_unclear_level as (
        select measure_id, period_key, breakdown, min(level_rank) as level_rank
        from checked
        where not is_clear
        group by all
    )
select
    checked.measure_id,
    checked.period_key,
    checked.breakdown,
    checked.area_key,
    checked.level_rank < coalesce(first_unclear_level.level_rank, 1000) as is_published
from checked
left join first_unclear_level using (measure_id, period_key, breakdown)
