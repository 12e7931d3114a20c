-- A figure in the boundaries of today has a value only where every old area it is put together from has a
-- released one.
select as_is.measure_id, as_is.area_key, as_is.period_key, as_is.group_key
from {{ ref("published_fct_measure_as_is") }} as as_is
inner join {{ ref("published_dim_period") }} as period using (period_key)
inner join {{ ref("stg_catalogue__measure") }} as measure using (measure_id)
inner join
    {{ ref("int_area_as_is") }} as composition
    on composition.area_key = as_is.area_key
    and period.period_end between composition.valid_from and composition.valid_to
left join
    {{ ref("published_fct_measure") }} as fact
    on fact.measure_id = as_is.measure_id
    and fact.group_key = as_is.group_key
    and fact.period_key = as_is.period_key
    and fact.area_key = composition.source_area_key
where as_is.value is not null and fact.value is null and measure.input <> 'area'
