{{ config(alias="fct_benchmark") }}
-- Grain: indicator x period x area x level compared x benchmark. Formed from released figures only.
-- `mean_unweighted` counts every area of a level once and says so; it stands once, at the root of the area
-- system.
-- `peers` adds up the parts of the similar areas that have a released value; it stands at areas of today
-- below the root.
-- Areas above need no row: their value is their own row of fct_indicator. n_areas: how many areas stand
-- behind the value.
with
    placed as (
        select
            fact.indicator_key,
            fact.indicator_id,
            fact.area_key,
            fact.period_key,
            fact.numerator,
            fact.denominator,
            fact.value,
            area.area_system,
            area.area_level,
            area.area_level_label,
            area.level_rank,
            area.is_current
        from {{ ref("published_fct_indicator") }} as fact
        inner join {{ ref("published_dim_area") }} as area using (area_key)
        where not area.is_unassigned
    ),
    asked as (select * from placed where level_rank > 0 and is_current),
    level_means as (
        select
            indicator_key,
            indicator_id,
            area_system,
            area_level,
            area_level_label,
            period_key,
            avg(value) as value,
            count(value) as n_areas
        from placed
        where level_rank > 0
        group by all
        having count(value) >= 2
    ),
    roots as (
        select area_system, area_key
        from {{ ref("published_dim_area") }}
        where level_rank = 0 and is_current and not is_unassigned
    ),
    means as (
        select
            level_means.indicator_key,
            level_means.indicator_id,
            roots.area_key,
            level_means.area_level,
            level_means.period_key,
            'mean_unweighted' as benchmark,
            'ungewichteter Mittelwert (' || level_means.area_level_label || ')' as benchmark_label,
            round(level_means.value, indicator.decimals + 1) as value,
            level_means.n_areas,
            false as is_weighted
        from level_means
        inner join roots using (area_system)
        inner join {{ ref("published_dim_indicator") }} as indicator using (indicator_key)
    ),
    peer_values as (
        select
            asked.indicator_key,
            asked.indicator_id,
            asked.area_key,
            asked.area_level,
            asked.period_key,
            any_value(indicator.decimals) as decimals,
            -- A count has no base: only its mean can be compared.
            bool_and(peer.denominator is not null) as is_weighted,
            any_value(indicator.factor)
            * sum(peer.numerator)
            / nullif(sum(peer.denominator), 0) as weighted_value,
            avg(peer.value) as mean_value,
            count(*) as n_areas
        from asked
        inner join {{ ref("published_bridge_peer") }} as bridge using (area_key)
        inner join
            placed as peer
            on peer.area_key = bridge.peer_area_key
            and peer.indicator_key = asked.indicator_key
            and peer.period_key = asked.period_key
        inner join
            {{ ref("published_dim_indicator") }} as indicator on indicator.indicator_key = asked.indicator_key
        where peer.value is not null
        group by all
        having count(*) >= {{ var("peers_needed") }}
    ),
    peers as (
        select
            indicator_key,
            indicator_id,
            area_key,
            area_level,
            period_key,
            'peers' as benchmark,
            'ähnliche Gebiete'
            || case when is_weighted then '' else ' (ungewichteter Mittelwert)' end as benchmark_label,
            round(case when is_weighted then weighted_value else mean_value end, decimals) as value,
            n_areas,
            is_weighted
        from peer_values
    )
select *
from means
union all
select *
from peers
