{{ config(severity="warn") }}
-- Delivered figures of measures this instance does not use: they are kept in landing and do not enter the
-- star. One
-- row per source and measure with the number of figures.
select observation.source_id, observation.measure_id, count(*) as figures
from {{ ref("stg_landing__observation") }} as observation
anti join {{ ref("stg_catalogue__measure") }} as measure using (measure_id)
group by all
