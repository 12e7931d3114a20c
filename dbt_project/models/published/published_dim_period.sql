{{ config(alias="dim_period") }}
select period_key, period_type, period_label, period_start, period_end, year, sort_key
from {{ ref("dim_period") }}
where period_key in (select period_key from {{ ref("published_fct_measure") }})
