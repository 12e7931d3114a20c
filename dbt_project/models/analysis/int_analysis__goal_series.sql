-- Grain: indicator x area of today x period, for indicators that a target or a Handlungsempfehlung names.
-- Boundaries of today, so that a reform does not cut the way to a target; formed anew from the released
-- parts, because differences of rounded figures would carry the rounding.
with
    wanted as (
        select indicator_id
        from {{ ref("published_fct_target") }}
        union
        select indicator_id
        from {{ ref("published_fct_recommendation") }}
        where indicator_id is not null
    ),
    converted as (
        select
            indicator_key,
            indicator_id,
            area_key,
            period_key,
            numerator,
            denominator,
            value,
            obs_status,
            conf_status,
            empty_reason,
            is_estimate
        from {{ ref("published_fct_indicator_as_is") }}
        where indicator_id in (select indicator_id from wanted)
    ),
    as_was as (
        select
            fact.indicator_key,
            fact.indicator_id,
            fact.area_key,
            fact.period_key,
            fact.numerator,
            fact.denominator,
            fact.value,
            fact.obs_status,
            fact.conf_status,
            fact.empty_reason,
            false as is_estimate
        from {{ ref("published_fct_indicator") }} as fact
        anti join converted using (indicator_key, area_key, period_key)
        where fact.indicator_id in (select indicator_id from wanted)
    )
select
    series.indicator_key,
    series.indicator_id,
    series.area_key,
    series.period_key,
    case
        when series.value is not null
        then coalesce(indicator.factor * series.numerator / coalesce(series.denominator, 1), series.value)
    end as value,
    series.obs_status,
    series.conf_status,
    series.empty_reason,
    series.is_estimate,
    area.area_level,
    area.area_system,
    period.period_start,
    period.period_end,
    period.period_label
from
    (
        select *
        from converted
        union all
        select *
        from as_was
    ) as series
inner join {{ ref("published_dim_indicator") }} as indicator using (indicator_key)
inner join {{ ref("published_dim_area") }} as area using (area_key)
inner join {{ ref("published_dim_period") }} as period using (period_key)
where area.is_current and not area.is_unassigned
