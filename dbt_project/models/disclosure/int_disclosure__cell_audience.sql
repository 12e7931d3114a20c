-- Grain: audience x measure x period x area x group: cells whose thresholds differ for a kind of
-- reader (`kommune`, `intern`). Only rules that name the audience have rows; everybody else is judged
-- as in int_disclosure__cell.
with
    thresholds as (select * from {{ ref("stg_catalogue__rule_threshold") }} where audience <> 'public'),
    {{ primary_verdict(ref("int_disclosure__candidate"), "thresholds") }}
select
    audience,
    measure_id,
    period_key,
    area_key,
    group_key,
    tier,
    required_upper,
    is_primary,
    primary_rule,
    lower_goal,
    upper_goal
from judged
