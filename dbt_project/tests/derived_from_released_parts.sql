-- Nothing derived is published unless everything it is made of is: rates, comparison values, changes, means
-- and peers are functions of released figures and of nothing else, so that they tell an attacker nothing he
-- could not compute himself. Formed here a second time, from published_fct_measure alone; the same query runs
-- on a release file (tests/e2e/test_derived.py).
-- A rate hidden for its small base while both parts stand beside it is hidden as noise, not as a secret.
with
    facts as (
        select
            fact.measure_id,
            fact.group_key,
            fact.area_key,
            fact.value,
            area.area_level,
            area.area_code,
            fact.period_key,
            period.period_end
        from {{ ref("published_fct_measure") }} as fact
        inner join {{ ref("published_dim_area") }} as area using (area_key)
        inner join {{ ref("published_dim_period") }} as period using (period_key)
        where fact.value is not null
    ),
    parts_needed as (
        select indicator_key, part, count(*) as parts
        from {{ ref("published_dim_indicator_part") }}
        group by indicator_key, part
    ),
    formed as (
        select
            part.indicator_key,
            part.part,
            facts.area_key,
            facts.area_level,
            facts.area_code,
            facts.period_key,
            facts.period_end,
            sum(part.sign * facts.value) as total
        from {{ ref("published_dim_indicator_part") }} as part
        inner join facts on facts.measure_id = part.measure_id and facts.group_key = part.group_key
        inner join
            parts_needed on parts_needed.indicator_key = part.indicator_key and parts_needed.part = part.part
        group by
            part.indicator_key,
            part.part,
            facts.area_key,
            facts.area_level,
            facts.area_code,
            facts.period_key,
            facts.period_end
        having count(*) = max(parts_needed.parts)
    ),
    indicators as (
        select
            fact.*,
            area.area_system,
            area.area_level,
            area.area_code,
            area.level_rank,
            area.parent_area_key,
            area.is_unassigned,
            period.period_end,
            period.period_type,
            indicator.factor,
            indicator.decimals,
            indicator.min_denominator
        from {{ ref("published_fct_indicator") }} as fact
        inner join {{ ref("published_dim_area") }} as area using (area_key)
        inner join {{ ref("published_dim_period") }} as period using (period_key)
        inner join
            {{ ref("published_dim_indicator") }} as indicator on indicator.indicator_key = fact.indicator_key
    ),
    peers as (
        select
            bridge.area_key,
            peer.indicator_key,
            peer.period_key,
            count(*) as areas,
            avg(peer.value) as mean_value,
            max(peer.factor) * sum(peer.numerator) / nullif(sum(peer.denominator), 0) as weighted,
            max(peer.decimals) as decimals
        from {{ ref("published_bridge_peer") }} as bridge
        inner join indicators as peer on peer.area_key = bridge.peer_area_key
        where peer.value is not null
        group by bridge.area_key, peer.indicator_key, peer.period_key
    ),
    faults as (
        select
            'numerator' as what,
            indicators.indicator_key as subject,
            indicators.area_key,
            indicators.period_key
        from indicators
        left join
            formed
            on formed.indicator_key = indicators.indicator_key
            and formed.part = 'numerator'
            and formed.area_key = indicators.area_key
            and formed.period_key = indicators.period_key
        where
            indicators.numerator is not null
            and coalesce(abs(formed.total - indicators.numerator) > 1e-5, true)
        union all
        -- The base may be a year older and of another area system, but it is a released one.
        select 'denominator', indicators.indicator_key, indicators.area_key, indicators.period_key
        from indicators
        left join
            (
                select indicator_key, area_level, area_code, period_end, round(total, 4) as total
                from formed
                where part = 'denominator'
            ) as base
            on base.indicator_key = indicators.indicator_key
            and base.area_level = indicators.area_level
            and base.area_code = indicators.area_code
            and base.total = round(indicators.denominator, 4)
        where indicators.denominator is not null
        group by indicators.indicator_key, indicators.area_key, indicators.period_key, indicators.period_end
        having
            count(base.total) filter (
                where
                    base.period_end <= indicators.period_end
                    and base.period_end >= indicators.period_end - interval 366 day
            )
            = 0
        union all
        select 'value', indicators.indicator_key, indicators.area_key, indicators.period_key
        from indicators
        left join
            parts_needed as base
            on base.indicator_key = indicators.indicator_key
            and base.part = 'denominator'
        where
            indicators.value is not null
            and coalesce(
                abs(
                    indicators.value - case
                        when base.indicator_key is null
                        then indicators.factor * indicators.numerator
                        when
                            indicators.denominator <> 0
                            and indicators.denominator >= coalesce(indicators.min_denominator, 0)
                        then indicators.factor * indicators.numerator / indicators.denominator
                    end
                )
                > 0.5 * power(10, - indicators.decimals) + 1e-6,
                true
            )
        union all
        select 'kreis_value', indicators.indicator_key, indicators.area_key, indicators.period_key
        from indicators
        left join
            indicators as root
            on root.indicator_key = indicators.indicator_key
            and root.area_system = indicators.area_system
            and root.period_key = indicators.period_key
            and root.level_rank = 0
            and root.value = indicators.kreis_value
        where indicators.kreis_value is not null and root.indicator_key is null
        union all
        select 'parent_value', indicators.indicator_key, indicators.area_key, indicators.period_key
        from indicators
        left join
            indicators as parent
            on parent.indicator_key = indicators.indicator_key
            and parent.area_key = indicators.parent_area_key
            and parent.period_key = indicators.period_key
            and parent.value = indicators.parent_value
        where indicators.parent_value is not null and parent.indicator_key is null
        union all
        select 'previous_value', indicators.indicator_key, indicators.area_key, indicators.period_key
        from indicators
        left join
            indicators as earlier
            on earlier.indicator_key = indicators.indicator_key
            and earlier.area_system = indicators.area_system
            and earlier.area_level = indicators.area_level
            and earlier.area_code = indicators.area_code
            and earlier.period_type = indicators.period_type
            and earlier.period_end < indicators.period_end
            and earlier.value = indicators.previous_value
        where indicators.previous_value is not null and earlier.indicator_key is null
        union all
        select 'change', indicator_key, area_key, period_key
        from indicators
        where
            change is not null
            and coalesce(abs(change - (value - previous_value)) > 0.5 * power(10, - decimals) + 1e-6, true)
        union all
        select 'mean', benchmark.indicator_key, benchmark.area_key, benchmark.period_key
        from {{ ref("published_fct_benchmark") }} as benchmark
        left join
            (
                select
                    indicator_key,
                    area_system,
                    area_level,
                    period_key,
                    avg(value) as value,
                    count(value) as areas
                from indicators
                where level_rank > 0 and not is_unassigned
                group by indicator_key, area_system, area_level, period_key
            ) as mean
            on mean.indicator_key = benchmark.indicator_key
            and mean.area_level = benchmark.area_level
            and mean.period_key = benchmark.period_key
            and mean.areas = benchmark.n_areas
            and abs(mean.value - benchmark.value) <= 0.1
        where
            benchmark.benchmark = 'mean_unweighted'
            and benchmark.value is not null
            and mean.indicator_key is null
        union all
        select 'peers', benchmark.indicator_key, benchmark.area_key, benchmark.period_key
        from {{ ref("published_fct_benchmark") }} as benchmark
        left join
            peers
            on peers.indicator_key = benchmark.indicator_key
            and peers.area_key = benchmark.area_key
            and peers.period_key = benchmark.period_key
        where
            benchmark.benchmark = 'peers'
            and benchmark.value is not null
            and coalesce(
                peers.areas <> benchmark.n_areas
                or abs(
                    case when benchmark.is_weighted then peers.weighted else peers.mean_value end
                    - benchmark.value
                )
                > 0.5 * power(10, - peers.decimals) + 1e-6,
                true
            )
        union all
        select 'indicator_as_is', as_is.indicator_key, as_is.area_key, as_is.period_key
        from {{ ref("published_fct_indicator_as_is") }} as as_is
        inner join
            {{ ref("published_dim_indicator_part") }} as part on part.indicator_key = as_is.indicator_key
        left join
            {{ ref("published_fct_measure_as_is") }} as converted
            on converted.measure_id = part.measure_id
            and converted.group_key = part.group_key
            and converted.area_key = as_is.area_key
            and converted.period_key = as_is.period_key
            and converted.value is not null
        left join
            facts
            on facts.measure_id = part.measure_id
            and facts.group_key = part.group_key
            and facts.area_key = as_is.area_key
            and facts.period_key = as_is.period_key
        where
            part.part = 'numerator'
            and as_is.value is not null
            and converted.value is null
            and facts.value is null
    )
select *
from faults
