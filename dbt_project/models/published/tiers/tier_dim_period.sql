{{ config(alias="dim_period", schema="tiers") }}
-- Grain: period with figures of the internal tier.
select period_key, period_type, period_label, period_start, period_end, year, sort_key
from {{ ref("dim_period") }}
where period_key in (select period_key from {{ ref("tier_mart_measure_intern") }})
