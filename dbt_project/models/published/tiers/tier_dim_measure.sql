{{ config(alias="dim_measure", schema="tiers") }}
-- Grain: measure with figures of the internal tier.
select
    measure.measure_id,
    measure.label,
    measure.definition,
    measure.unit,
    measure.value_kind,
    measure.source_id,
    measure.area_system,
    measure.lowest_level,
    rule.basis as rule_basis,
    measure.period_type
from {{ ref("stg_catalogue__measure") }} as measure
inner join {{ ref("stg_catalogue__rule") }} as rule on rule.rule_id = measure.rule_id
where measure.measure_id in (select measure_id from {{ ref("tier_mart_measure_intern") }})
