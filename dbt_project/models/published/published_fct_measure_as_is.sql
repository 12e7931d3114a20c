{{ config(alias="fct_measure_as_is") }}
-- Grain: measure x period x area of today x group, for periods in which the area had other boundaries.
-- Computed from released figures only: converting them discloses nothing that they do not say already. A
-- hidden part
-- hides the sum. Measures that do not add up over areas are converted only where boundaries did not change.
with
    facts as (
        select fact.*, period.period_end, measure.additive_over_areas, measure.input = 'area' as is_area_size
        from {{ ref("published_fct_measure") }} as fact
        inner join {{ ref("published_dim_period") }} as period using (period_key)
        inner join {{ ref("stg_catalogue__measure") }} as measure using (measure_id)
    ),
    converted as (
        select
            fact.measure_id,
            composition.area_key,
            fact.period_key,
            fact.group_key,
            round(sum(composition.weight * fact.value), 6) as value,
            round(
                sum(least(composition.share_low * fact.value, composition.share_high * fact.value)), 6
            ) as value_low,
            round(
                sum(greatest(composition.share_low * fact.value, composition.share_high * fact.value)), 6
            ) as value_high,
            count(fact.value) = any_value(composition.parts) as is_complete,
            bool_or(fact.conf_status = 'C') as has_hidden,
            bool_or(composition.is_estimate) as is_estimate,
            bool_or(fact.obs_status = 'E') as has_estimate,
            {{ first_status(["O", "L", "M"], "fact.value is null and fact.obs_status") }} as missing_status
        from facts as fact
        inner join
            {{ ref("int_area_as_is") }} as composition
            on composition.source_area_key = fact.area_key
            and fact.period_end between composition.valid_from and composition.valid_to
        where
            not fact.is_area_size
            and (fact.additive_over_areas or (composition.parts = 1 and composition.weight = 1))
        group by all
    ),
    -- Square kilometres are not spread by inhabitants: the area of today is as large as it is.
    sizes as (
        select distinct
            own.measure_id,
            own.area_key,
            past.period_key,
            own.group_key,
            arg_max(own.value, own.period_end) over (partition by own.measure_id, own.area_key) as value
        from facts as own
        inner join
            (select distinct measure_id, period_key, period_end from facts where is_area_size) as past
            on past.measure_id = own.measure_id
        inner join
            {{ ref("int_area_as_is") }} as composition
            on composition.area_key = own.area_key
            and past.period_end between composition.valid_from and composition.valid_to
        where own.is_area_size
    )
select
    measure_id,
    area_key,
    period_key,
    group_key,
    case when is_complete then value end as value,
    case when is_complete then value_low end as value_low,
    case when is_complete then value_high end as value_high,
    case
        when is_complete and (is_estimate or has_estimate)
        then 'E'
        when is_complete or has_hidden
        then 'A'
        else coalesce(missing_status, 'O')
    end as obs_status,
    case when not is_complete and has_hidden then 'C' else 'F' end as conf_status,
    is_estimate
from converted
where area_key in (select area_key from {{ ref("published_dim_area") }})
union all
select measure_id, area_key, period_key, group_key, value, value, value, 'A', 'F', false
from sizes
where value is not null
