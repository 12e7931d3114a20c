{{ config(materialized="view") }}
-- Grain: measure x period x area x group of every figure that a release could hold (levels down to the
-- lowest releasable one), with everything the primary rules ask for and no verdict yet. Tier
-- `internal`: finer than the level everybody sees, or a breakdown or measure that is not for
-- everybody.
with
    candidates as (
        select
            fact.measure_id,
            fact.period_key,
            fact.period_end,
            fact.breakdown,
            measure.area_system,
            fact.area_key,
            area.area_level,
            area.level_rank,
            area.is_unassigned,
            fact.group_key,
            fact.value,
            fact.obs_status,
            fact.conf_status,
            fact.contributors,
            fact.providers,
            fact.largest,
            fact.second_largest,
            measure.rule_id,
            measure.value_kind,
            rule.policy,
            case
                when
                    measure.tier = 'internal'
                    or planned.tier = 'internal'
                    or area.level_rank > public_level.level_rank
                then 'internal'
                else 'public'
            end as tier
        from {{ ref("fct_measure") }} as fact
        inner join {{ ref("stg_catalogue__measure") }} as measure on measure.measure_id = fact.measure_id
        inner join {{ ref("stg_catalogue__rule") }} as rule on rule.rule_id = measure.rule_id
        inner join
            {{ ref("dim_area") }} as area
            on area.area_key = fact.area_key
            and area.area_system = measure.area_system
        inner join
            {{ ref("stg_catalogue__area_level") }} as lowest
            on lowest.area_system = measure.area_system
            and lowest.level = measure.lowest_level
            and area.level_rank <= lowest.level_rank
        left join
            {{ ref("stg_catalogue__area_level") }} as public_level
            on public_level.area_system = measure.area_system
            and public_level.level = measure.public_level
        inner join
            {{ ref("stg_catalogue__measure_breakdown") }} as planned
            on planned.measure_id = fact.measure_id
            and planned.breakdown = fact.breakdown
    ),
    inhabitants as (
        select area_key, period_end, value as inhabitants
        from {{ ref("fct_measure") }}
        where measure_id = 'population' and group_key = 'total'
    ),
    vector_shape as (
        select
            measure_id,
            period_key,
            breakdown,
            area_key,
            max(value) as largest_category,
            sum(value) as vector_total
        from candidates
        where breakdown <> 'total'
        group by measure_id, period_key, breakdown, area_key
    ),
    named_group as (select distinct measure_id, breakdown, group_key from candidates),
    combination as (
        select named_group.measure_id, named_group.group_key, min(combination.level_rank) as level_rank
        from named_group
        inner join
            {{ ref("stg_catalogue__rule_combination") }} as combination
            on combination.measure_id = named_group.measure_id
            and combination.breakdown = named_group.breakdown
            and named_group.group_key like combination.group_like
        group by named_group.measure_id, named_group.group_key
    )
select
    candidates.*,
    inhabitants.inhabitants,
    vector_shape.largest_category,
    vector_shape.vector_total,
    combination.level_rank as combination_rank
from candidates
asof left join
    inhabitants
    on inhabitants.area_key = candidates.area_key
    and candidates.period_end >= inhabitants.period_end
left join
    vector_shape
    on vector_shape.measure_id = candidates.measure_id
    and vector_shape.period_key = candidates.period_key
    and vector_shape.breakdown = candidates.breakdown
    and vector_shape.area_key = candidates.area_key
left join
    combination
    on combination.measure_id = candidates.measure_id
    and combination.group_key = candidates.group_key
