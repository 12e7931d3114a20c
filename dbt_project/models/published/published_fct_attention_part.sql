{{ config(alias="fct_attention_part") }}
-- Grain: area x year x indicator of the rule.
select
    area_key,
    year,
    indicator_id,
    period_key,
    value,
    kreis_value,
    deviation,
    is_judged,
    is_burden,
    severity,
    text
from {{ ref("int_analysis__attention") }}
