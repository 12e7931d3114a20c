{{ config(alias="mart_indicator") }}
-- Grain: indicator x period x area, flat: what dashboards and self-service read. "räumlich nicht
-- zuordenbar" closes
-- totals (mart_measure has it) but a rate of it says nothing about any area.
with
    described as (
        select
            fact.indicator_id,
            indicator.label as indicator_label,
            indicator.short_label,
            indicator.theme_id,
            indicator.theme_label,
            indicator.unit,
            indicator.decimals,
            indicator.polarity,
            area.area_system,
            area.area_system_label,
            area.area_level,
            area.area_level_label,
            area.level_rank,
            fact.area_key,
            area.area_code,
            area.area_name,
            area.parent_area_name,
            fact.period_key,
            period.period_type,
            period.period_label,
            period.period_end,
            period.year,
            fact.is_latest,
            fact.numerator,
            fact.denominator,
            indicator.factor,
            fact.value,
            fact.obs_status,
            fact.conf_status,
            fact.empty_reason,
            fact.kreis_value,
            fact.previous_value,
            fact.change,
            fact.change_reason,
            area.is_current as is_current_area,
            indicator.source_label
        from {{ ref("published_fct_indicator") }} as fact
        inner join {{ ref("published_dim_indicator") }} as indicator using (indicator_key)
        inner join {{ ref("published_dim_area") }} as area using (area_key)
        inner join {{ ref("published_dim_period") }} as period using (period_key)
        where not area.is_unassigned
    )
select
    described.indicator_id,
    described.indicator_label,
    described.short_label,
    described.theme_id,
    described.theme_label,
    described.unit,
    described.decimals,
    described.polarity,
    described.area_system,
    described.area_system_label,
    described.area_level,
    described.area_level_label,
    described.level_rank,
    described.area_key,
    described.area_code,
    described.area_name,
    described.parent_area_name,
    described.period_key,
    described.period_type,
    described.period_label,
    described.period_end,
    described.year,
    described.is_latest,
    described.numerator,
    described.denominator,
    described.factor,
    described.value,
    coalesce(
        {{ german_number("described.value", "described.decimals") }}
        || case when described.unit in ('', 'Anzahl') then '' else ' ' || described.unit end,
        described.empty_reason
    ) as value_label,
    described.obs_status,
    described.conf_status,
    described.empty_reason,
    described.kreis_value,
    {{ german_number("described.kreis_value", "described.decimals") }} as kreis_value_label,
    described.previous_value,
    described.change,
    case when described.change > 0 then '+' else '' end
    || {{ german_number("described.change", "described.decimals") }} as change_label,
    case
        when described.polarity = 'neutral' or described.polarity is null
        then 'ohne Bewertung'
        when described.change is null
        then null
        when described.change = 0
        then 'stabil'
        when (described.change > 0) = (described.polarity = 'higher_better')
        then 'günstig'
        else 'ungünstig'
    end as tendency,
    case
        when described.value is not null
        then
            cast(
                rank() over (
                    partition by
                        described.indicator_id,
                        described.period_key,
                        described.area_system,
                        described.area_level
                    order by described.value desc nulls last
                ) as integer
            )
    end as rank,
    described.is_current_area,
    described.source_label,
    release.attribution,
    case when release.is_synthetic then 'synthetische Daten' else '' end as synthetic_note,
    described.change_reason
from described
cross join {{ ref("published_dim_release") }} as release
