-- Grain: series x period, in the boundaries of today. What was converted exactly counts as observed; what was
-- converted by estimate is no observation and has no value here. `is_break`: the period opens a new stretch,
-- by a break of the catalogue, a break the source marks, or a reform behind which figures can only be
-- estimated.
with
    converted as (
        select
            indicator_key,
            area_key,
            period_key,
            case when not is_estimate then value end as value,
            case when not is_estimate then numerator end as numerator,
            case when not is_estimate then denominator end as denominator,
            is_estimate,
            false as is_marked
        from {{ ref("published_fct_indicator_as_is") }}
    ),
    own as (
        select
            fact.indicator_key,
            fact.area_key,
            fact.period_key,
            fact.value,
            fact.numerator,
            fact.denominator,
            false as is_estimate,
            -- The first own period of an area is marked for its reform; whether that is a break is judged by
            -- what the conversion can bridge.
            fact.obs_status = 'B'
            and period.period_end
            > min(period.period_end) over (partition by fact.indicator_key, fact.area_key) as is_marked
        from {{ ref("published_fct_indicator") }} as fact
        inner join {{ ref("published_dim_period") }} as period using (period_key)
    ),
    points as (
        select *
        from converted
        union all
        select own.*
        from own
        anti join converted using (indicator_key, area_key, period_key)
    ),
    placed as (
        select
            series.series_id,
            series.indicator_key,
            points.* exclude (indicator_key, area_key),
            period.period_start,
            period.period_end,
            lag(period.period_end) over before as end_before,
            lag(points.is_estimate) over before as estimate_before
        from points
        inner join {{ ref("int_analysis__series") }} as series using (indicator_key, area_key)
        inner join {{ ref("published_dim_period") }} as period using (period_key)
        where series.month_end is null or month(period.period_end) = series.month_end
        window before as (partition by series.series_id order by period.period_end)
    )
select
    placed.series_id,
    placed.period_key,
    placed.period_end,
    cast(date_diff('day', date '1970-01-01', placed.period_start) as double) as start_day,
    cast(date_diff('day', date '1970-01-01', placed.period_end) as double) as end_day,
    placed.value,
    placed.numerator,
    placed.denominator,
    coalesce(placed.is_marked, false)
    or (coalesce(placed.estimate_before, false) and not placed.is_estimate)
    or exists (
        select 1
        from {{ ref("stg_catalogue__indicator_break") }} as broken
        where
            broken.indicator_key = placed.indicator_key
            and broken.break_on > placed.end_before
            and broken.break_on <= placed.period_end
    ) as is_break
from placed
