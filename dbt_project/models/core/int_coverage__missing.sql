-- Grain: source x period x area whose figures are incomplete because a Kommune (or Jugendamt) has not
-- delivered yet.
-- A coverage code is an area of the main system and stands for all Gemeinden below it that no finer
-- coverage code claims:
-- the Kreisjugendamt covers what the towns with an office of their own do not.
with
    expected as (
        select delivered.source_id, delivered.period_end, coverage.kommune_code
        from
            (
                select distinct source_id, period_end
                from {{ ref("stg_registry__delivery") }}
                where status = 'current' and period_end is not null
            ) as delivered
        inner join {{ ref("stg_catalogue__source_coverage") }} as coverage using (source_id)
    ),
    missing as (
        select expected.*
        from expected
        anti join
            (
                select source_id, period_end, kommune_code
                from {{ ref("stg_registry__delivery") }}
                where status = 'current'
            ) as delivered using (source_id, period_end, kommune_code)
    ),
    responsible as (
        select
            expected.source_id,
            expected.period_end,
            location.location_code as gemeinde_code,
            arg_max(expected.kommune_code, area.level_rank) as kommune_code
        from expected
        inner join
            {{ ref("dim_area") }} as area
            on area.area_system = '{{ var("main_area_system") }}'
            and area.area_code = expected.kommune_code
        inner join
            {{ ref("int_location") }} as location
            on location.area_key = area.area_key
            and location.location_kind = 'gemeinde'
            and expected.period_end between location.valid_from and location.valid_until
        group by all
    ),
    uncovered_gemeinden as (
        select missing.source_id, missing.period_end, gemeinde.area_key
        from missing
        inner join responsible using (source_id, period_end, kommune_code)
        inner join
            {{ ref("dim_area") }} as gemeinde
            on gemeinde.area_system = '{{ var("main_area_system") }}'
            and gemeinde.area_level = 'gemeinde'
            and gemeinde.area_code = responsible.gemeinde_code
            and {{ valid_on("missing.period_end", "gemeinde.valid_from", "gemeinde.valid_to") }}
    )
select uncovered.source_id, uncovered.period_end, bridge.ancestor_area_key as area_key
from uncovered_gemeinden as uncovered
inner join
    {{ ref("bridge_area") }} as bridge
    on bridge.descendant_area_key = uncovered.area_key
    and {{ valid_on("uncovered.period_end", "bridge.valid_from", "bridge.valid_to") }}
union
select uncovered.source_id, uncovered.period_end, bridge.descendant_area_key as area_key
from uncovered_gemeinden as uncovered
inner join
    {{ ref("bridge_area") }} as bridge
    on bridge.ancestor_area_key = uncovered.area_key
    and {{ valid_on("uncovered.period_end", "bridge.valid_from", "bridge.valid_to") }}
