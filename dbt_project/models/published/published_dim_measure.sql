{{ config(alias="dim_measure") }}
select
    measure.measure_id,
    measure.label,
    measure.definition,
    measure.unit,
    measure.value_kind,
    measure.source_id,
    measure.area_system,
    measure.public_level as lowest_level,
    rule.basis as rule_basis,
    rule.thresholds_text as rule_thresholds,
    rule.decision as rule_decision,
    measure.period_type,
    measure.additive_over_areas,
    measure.semi_additive_time
from {{ ref("stg_catalogue__measure") }} as measure
inner join {{ ref("stg_catalogue__rule") }} as rule using (rule_id)
where measure.tier = 'public'
