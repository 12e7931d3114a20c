-- Grain: measure x period x area x group of every figure that a release could hold, with the verdict
-- of the primary rules for the public. `required_upper` is T: what an attacker must still think
-- possible of a small count; `lower_goal` and `upper_goal` say the same for every primary cell in
-- units (value * scale).
with
    thresholds as (select * from {{ ref("stg_catalogue__rule_threshold") }} where audience = 'public'),
    {{ primary_verdict(ref("int_disclosure__candidate"), "thresholds") }}
select
    measure_id,
    period_key,
    period_end,
    breakdown,
    area_system,
    area_key,
    level_rank,
    is_unassigned,
    group_key,
    value,
    obs_status,
    conf_status,
    policy,
    tier,
    required_upper,
    cast(scale as integer) as scale,
    is_primary,
    primary_rule,
    lower_goal,
    upper_goal
from judged
