-- Grain: area of today x span between two reforms x area of then that it is made of. Spans in which the
-- area of
-- today stood as it is today have no row. `weight` is the share of the old area that lies in the new one,
-- multiplied
-- along the chain of reforms; `share_low` and `share_high` are the shares if the part differed in density
-- from the
-- rest of the old area by the factor `as_is_density_ratio` (odds of the weight divided or multiplied by it).
with recursive
    reforms as (
        select
            area_system,
            reform_date,
            row_number() over (partition by area_system order by reform_date desc) as step,
            lead(reform_date) over (partition by area_system order by reform_date desc) as reform_before
        from (select distinct area_system, reform_date from {{ ref("int_area_reform_edge") }})
    ),
    predecessors as (
        select to_area_key as area_key, from_area_key as source_area_key, reform_date, weight, is_estimate
        from {{ ref("int_area_reform_edge") }}
        union all
        -- An area that no reform took anything from stays its own predecessor.
        select
            area.area_key,
            area.area_key as source_area_key,
            reforms.reform_date,
            cast(1.0 as double) as weight,
            false as is_estimate
        from {{ ref("dim_area") }} as area
        inner join reforms on reforms.area_system = area.area_system and area.valid_from < reforms.reform_date
        anti join
            {{ ref("int_area_reform_edge") }} as departed
            on departed.from_area_key = area.area_key
            and departed.reform_date = reforms.reform_date
    ),
    chain as (
        select
            area_system,
            area_key as area_key,
            area_key as source_area_key,
            cast(1.0 as double) as weight,
            false as is_estimate,
            cast(0 as bigint) as step
        from {{ ref("dim_area") }}
        where is_current and area_system in (select area_system from reforms)
        union all
        select
            chain.area_system,
            chain.area_key,
            predecessors.source_area_key,
            chain.weight * coalesce(predecessors.weight, 1) as weight,
            chain.is_estimate or coalesce(predecessors.is_estimate, false) as is_estimate,
            chain.step + 1 as step
        from chain
        inner join reforms on reforms.area_system = chain.area_system and reforms.step = chain.step + 1
        -- Without a known predecessor the source is NULL: no figure can be formed before that reform.
        left join
            predecessors
            on predecessors.area_key = chain.source_area_key
            and predecessors.reform_date = reforms.reform_date
    ),
    composed as (
        select
            area_system,
            area_key,
            source_area_key,
            step,
            -- What was split and merged again is whole.
            case when sum(weight) > 1 - 1e-9 then 1 else sum(weight) end as weight,
            bool_or(is_estimate) and sum(weight) <= 1 - 1e-9 as is_estimate,
            count(*) over (partition by area_key, step) as parts
        from chain
        where step > 0
        group by area_system, area_key, source_area_key, step
    )
select
    composed.area_system,
    composed.area_key,
    composed.source_area_key,
    coalesce(reforms.reform_before, date '0001-01-01') as valid_from,
    reforms.reform_date - 1 as valid_to,
    composed.weight,
    composed.weight
    / (composed.weight + {{ var("as_is_density_ratio") }} * (1 - composed.weight)) as share_low,
    {{ var("as_is_density_ratio") }}
    * composed.weight
    / ({{ var("as_is_density_ratio") }} * composed.weight + 1 - composed.weight) as share_high,
    composed.is_estimate,
    cast(composed.parts as integer) as parts
from composed
inner join reforms using (area_system, step)
where not (composed.parts = 1 and composed.source_area_key is not distinct from composed.area_key)
