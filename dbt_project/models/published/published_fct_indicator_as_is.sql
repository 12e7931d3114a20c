{{ config(alias="fct_indicator_as_is") }}
-- Grain: indicator x period x area of today, for periods in which the area (or its denominator's period)
-- had other
-- boundaries. The bounds of a rate: numerator at its bounds, denominator as estimated, that is, the rate of
-- the part
-- differs from the rate of the rest by at most the factor `as_is_density_ratio`.
with
    released as (
        select
            fact.measure_id,
            fact.area_key,
            fact.period_key,
            fact.group_key,
            fact.value,
            fact.value as value_low,
            fact.value as value_high,
            fact.obs_status,
            fact.conf_status,
            false as is_estimate,
            false as is_as_is
        from {{ ref("published_fct_measure") }} as fact
        anti join {{ ref("published_fct_measure_as_is") }} using (measure_id, area_key, period_key, group_key)
        where fact.area_key in (select area_key from {{ ref("int_area_as_is") }})
    ),
    facts as (
        select fact.*, area.area_level, area.area_code, period.period_end
        from
            (
                select *, true as is_as_is
                from {{ ref("published_fct_measure_as_is") }}
                union all by name
                select *
                from released
            ) as fact
        inner join {{ ref("published_dim_area") }} as area using (area_key)
        inner join {{ ref("published_dim_period") }} as period using (period_key)
    ),
    {{ indicator_values("facts", with_bounds=true) }}
select
    indicator_key,
    indicator_id,
    area_key,
    period_key,
    numerator,
    denominator,
    value,
    case when value is not null then least(value_low, value) end as value_low,
    case when value is not null then greatest(value_high, value) end as value_high,
    obs_status,
    conf_status,
    {{ empty_reason("value", "obs_status", "conf_status") }} as empty_reason,
    is_estimate
from indicator_values
where is_as_is
