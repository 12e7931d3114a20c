{{ config(alias="bridge_peer") }}
-- Grain: area x peer: the most similar areas of the same level, rank 1 being the nearest. Distance is
-- euclidean over
-- released structural indicators (`peers` of the instance), each standardised to mean 0 and deviation 1
-- over the level.
-- An area that lacks one of them is nobody's peer and has none.
with
    features as (
        select
            area.area_system,
            area.area_level,
            fact.area_key,
            feature.indicator_id,
            case
                when feature.is_logarithmic then ln(nullif(greatest(fact.value, 0), 0)) else fact.value
            end as value
        from {{ ref("published_fct_indicator") }} as fact
        inner join {{ ref("stg_catalogue__peer_feature") }} as feature using (indicator_id)
        inner join {{ ref("published_dim_area") }} as area using (area_key)
        where fact.is_latest and area.is_current and not area.is_unassigned and fact.value is not null
    ),
    -- A level on which a feature is hidden or missing for most areas is compared without it.
    usable as (
        select area_system, area_level, indicator_id
        from features
        inner join
            (
                select area_system, area_level, count(*) as areas
                from {{ ref("published_dim_area") }}
                where is_current and not is_unassigned
                group by all
            ) as level using (area_system, area_level)
        where value is not null
        group by area_system, area_level, indicator_id
        having count(*) >= {{ var("peer_coverage") }} * any_value(level.areas) and stddev_pop(value) > 0
    ),
    standardised as (
        select
            features.area_system,
            features.area_level,
            features.area_key,
            features.indicator_id,
            (features.value - avg(features.value) over same_level)
            / stddev_pop(features.value) over same_level as score
        from features
        inner join usable using (area_system, area_level, indicator_id)
        where features.value is not null
        window same_level as (partition by features.area_system, features.area_level, features.indicator_id)
    ),
    described as (
        select
            usable.area_system,
            usable.area_level,
            count(*) as dimensions,
            string_agg(feature.label, ', ' order by feature.label) as basis
        from usable
        inner join {{ ref("stg_catalogue__peer_feature") }} as feature using (indicator_id)
        group by all
    ),
    distances as (
        select
            one.area_system,
            one.area_level,
            one.area_key,
            other.area_key as peer_area_key,
            round(sqrt(sum(power(one.score - other.score, 2))), 4) as distance,
            count(*) as dimensions
        from standardised as one
        inner join standardised as other using (area_system, area_level, indicator_id)
        where one.area_key <> other.area_key
        group by all
    ),
    ranked as (
        select
            distances.*,
            described.basis,
            row_number() over (
                partition by distances.area_key order by distances.distance, distances.peer_area_key
            ) as rank,
            count(*) over (partition by distances.area_key) as candidates
        from distances
        inner join described using (area_system, area_level, dimensions)
    )
select area_key, peer_area_key, cast(rank as integer) as rank, distance, basis
from ranked
where rank <= {{ var("peers") }} and candidates > {{ var("peers") }}
