{{ config(alias="fct_population_forecast") }}
-- Grain: area x year x scenario x sex x age band of the instance; the bands are those of the released stock.
with
    -- Other measures have other bands under the same name; those of the latest stock are the instance's.
    band as (
        select distinct grouped.age_from, grouped.age_to
        from {{ ref("published_fct_measure") }} as fact
        inner join {{ ref("published_dim_group") }} as grouped using (group_key)
        inner join {{ ref("published_dim_period") }} as period using (period_key)
        where fact.measure_id = 'population' and grouped.breakdown = 'age'
        qualify period.period_end = max(period.period_end) over ()
    )
select
    forecast.area_key,
    forecast.year,
    forecast.scenario,
    forecast.sex,
    band.age_from || coalesce('-' || band.age_to, '+') as age_band,
    cast(band.age_from as integer) as age_from,
    cast(band.age_to as integer) as age_to,
    sum(forecast.population) as value,
    min(forecast.obs_status) as obs_status
from {{ ref("int_analysis__population") }} as forecast
inner join
    band on forecast.age_from >= band.age_from and (band.age_to is null or forecast.age_from <= band.age_to)
group by all
