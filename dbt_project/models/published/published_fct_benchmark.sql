{{ config(alias="fct_benchmark") }}
-- Grain: indicator x period x area x benchmark, for areas of today below the root. Formed from released
-- figures only.
-- Ancestors have their own value, formed from their own parts (weighted); `mean_unweighted` counts every
-- area once and
-- says so; `peers` adds up the parts of the similar areas that have a released value. n_areas: how many
-- areas stand
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
            area.is_current,
            period.period_end
        from {{ ref("published_fct_indicator") }} as fact
        inner join {{ ref("published_dim_area") }} as area using (area_key)
        inner join {{ ref("published_dim_period") }} as period using (period_key)
        where not area.is_unassigned
    ),
    asked as (select * from placed where level_rank > 0 and is_current),
    ancestors as (
        select
            asked.indicator_key,
            asked.indicator_id,
            asked.area_key,
            asked.period_key,
            reference.area_level as benchmark,
            reference.area_level_label as benchmark_label,
            reference.value,
            cast(1 as bigint) as n_areas,
            true as is_weighted
        from asked
        inner join
            {{ ref("published_bridge_area") }} as bridge
            on bridge.descendant_area_key = asked.area_key
            and bridge.depth > 0
            and {{ valid_on("asked.period_end", "bridge.valid_from", "bridge.valid_to") }}
        inner join
            placed as reference
            on reference.area_key = bridge.ancestor_area_key
            and reference.indicator_key = asked.indicator_key
            and reference.period_key = asked.period_key
        where reference.value is not null
    ),
    level_means as (
        select
            indicator_key, area_system, area_level, period_key, avg(value) as value, count(value) as n_areas
        from placed
        group by all
        having count(value) >= 2
    ),
    means as (
        select
            asked.indicator_key,
            asked.indicator_id,
            asked.area_key,
            asked.period_key,
            'mean_unweighted' as benchmark,
            'ungewichteter Mittelwert (' || asked.area_level_label || ')' as benchmark_label,
            round(level_means.value, indicator.decimals + 1) as value,
            level_means.n_areas,
            false as is_weighted
        from asked
        inner join level_means using (indicator_key, area_system, area_level, period_key)
        inner join {{ ref("published_dim_indicator") }} as indicator using (indicator_key)
    ),
    peer_values as (
        select
            asked.indicator_key,
            asked.indicator_id,
            asked.area_key,
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
        group by asked.indicator_key, asked.indicator_id, asked.area_key, asked.period_key
        having count(*) >= {{ var("peers_needed") }}
    ),
    peers as (
        select
            indicator_key,
            indicator_id,
            area_key,
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
from ancestors
union all
select *
from means
union all
select *
from peers
