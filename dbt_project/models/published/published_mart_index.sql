{{ config(alias="mart_index") }}
-- Grain: index x area x period, flat: what dashboards and reports read.
with
    -- What a part adds, as a distance from the middle: a product of ranks is neutral where every rank is
    -- 0.5, so a
    -- part of it is told as a factor.
    parts as (
        select
            part.index_id,
            part.area_key,
            part.period_key,
            indicator.short_label,
            recipe.aggregation = 'geometric_mean' as is_factor,
            case
                when recipe.aggregation = 'geometric_mean'
                then part.contribution - part.weight * ln(0.5)
                else part.contribution
            end as contribution
        from {{ ref("published_fct_index_part") }} as part
        inner join {{ ref("stg_catalogue__index") }} as recipe using (index_id)
        inner join
            {{ ref("published_dim_indicator") }} as indicator
            on indicator.indicator_id = part.indicator_id
            and indicator.is_active
        where part.contribution is not null and recipe.standardisation <> 'none'
    ),
    contributions as (
        select
            index_id,
            area_key,
            period_key,
            string_agg(
                short_label
                || ' '
                || case
                    when is_factor
                    then '× ' || {{ german_number("exp(contribution)", 2) }}
                    else
                        case when contribution < 0 then '−' else '+' end
                        || {{ german_number("abs(contribution)", 2) }}
                end,
                '; '
                order by abs(contribution) desc, short_label
            ) as contribution_text
        from parts
        group by all
    ),
    described as (
        select
            fact.*,
            recipe.label as index_label,
            recipe.short_label,
            recipe.version,
            recipe.polarity,
            recipe.decimals,
            recipe.method_label,
            area.area_system,
            area.area_level,
            area.area_level_label,
            area.level_rank,
            area.area_code,
            area.area_name,
            area.parent_area_name,
            area.is_current,
            period.period_label,
            period.period_end,
            period.year,
            period.period_end = max(period.period_end) over (partition by fact.index_id) as is_latest
        from {{ ref("published_fct_index") }} as fact
        inner join {{ ref("published_dim_index") }} as recipe using (index_id)
        inner join {{ ref("published_dim_area") }} as area using (area_key)
        inner join {{ ref("published_dim_period") }} as period using (period_key)
    )
select
    described.index_id,
    described.index_label,
    described.short_label,
    described.version,
    described.polarity,
    described.decimals,
    described.area_system,
    described.area_level,
    described.area_level_label,
    described.level_rank,
    described.area_key,
    described.area_code,
    described.area_name,
    described.parent_area_name,
    described.period_key,
    described.period_label,
    described.period_end,
    described.year,
    described.is_latest,
    described.value,
    coalesce(
        replace({{ german_number("described.value", "described.decimals") }}, '-', '−'),
        described.empty_reason
    ) as value_label,
    described.rank,
    described.rank_low,
    described.rank_high,
    described.n_areas,
    described.class_number,
    described.class_label,
    described.change_value,
    described.change_class_number,
    described.change_class_label,
    cast(described.rank as varchar)
    || ' von '
    || cast(described.n_areas as varchar)
    || coalesce(
        ' (bei anderen Gewichten ' || case
            when described.rank_low = described.rank_high
            then cast(described.rank_low as varchar)
            else cast(described.rank_low as varchar) || ' bis ' || cast(described.rank_high as varchar)
        end
        || ')',
        ''
    ) as rank_label,
    described.obs_status,
    described.conf_status,
    described.empty_reason,
    contributions.contribution_text,
    described.method_label,
    described.is_current as is_current_area,
    release.attribution,
    case when release.is_synthetic then 'synthetische Daten' else '' end as synthetic_note
from described
cross join {{ ref("published_dim_release") }} as release
left join
    contributions
    on contributions.index_id = described.index_id
    and contributions.area_key = described.area_key
    and contributions.period_key = described.period_key
