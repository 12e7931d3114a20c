{{ config(alias="mart_profile") }}
-- Grain: indicator x area of today, at the latest period of the indicator, flat: the Steckbrief of an area.
-- Formed from released figures only. "position" says where a value stands among the areas of its level:
-- the share of
-- areas with a lower value, ties by half, so that 50 is the middle; the Kreis value is placed the same way.
with
    named as (
        select
            area_key,
            area_name
            || ' ('
            || area_level_label
            || case
                when count(*) over (partition by area_system, area_level, area_name) > 1
                then ' ' || area_code
                else ''
            end
            || ')' as area_label
        from {{ ref("published_dim_area") }}
        where is_current and not is_unassigned
    ),
    latest as (
        select
            mart.*,
            named.area_label,
            above.area_label as parent_area_label,
            theme.sort_key as theme_sort_key,
            fact.parent_value,
            -- Plain numbers grow with the area: the difference from the Kreis would only say that it is
            -- larger.
            indicator.kind <> 'count'
            and (indicator.kind <> 'money' or mart.denominator is not null) as is_comparable,
            count(mart.value) over same_level as level_areas,
            avg(mart.value) over same_level as level_mean,
            rank() over (same_level order by mart.value) as rank_from_low,
            count(*) over (
                partition by mart.indicator_id, mart.period_key, mart.area_system, mart.area_level, mart.value
            ) as equals,
            count(*) filter (where mart.value < mart.kreis_value) over same_level as below_kreis,
            count(*) filter (where mart.value = mart.kreis_value) over same_level as at_kreis
        from {{ ref("published_mart_indicator") }} as mart
        inner join named on named.area_key = mart.area_key
        inner join {{ ref("published_dim_area") }} as area on area.area_key = mart.area_key
        left join named as above on above.area_key = area.parent_area_key
        inner join {{ ref("published_dim_theme") }} as theme on theme.theme_id = mart.theme_id
        inner join
            {{ ref("published_fct_indicator") }} as fact
            on fact.indicator_id = mart.indicator_id
            and fact.area_key = mart.area_key
            and fact.period_key = mart.period_key
        inner join
            {{ ref("published_dim_indicator") }} as indicator on indicator.indicator_key = fact.indicator_key
        where mart.is_latest
        window
            same_level as (partition by mart.indicator_id, mart.period_key, mart.area_system, mart.area_level)
    ),
    compared as (
        select
            *,
            case when is_comparable then round(value - kreis_value, decimals) end as deviation,
            -- NULLs come last in the rank from low, so that the ranks of values are those among values.
            case
                when value is not null and level_areas > 1
                then 100 * (rank_from_low - 1 + equals / 2.0) / level_areas
            end as position,
            case
                when is_comparable and kreis_value is not null and level_areas > 1
                then 100 * (below_kreis + at_kreis / 2.0) / level_areas
            end as kreis_position
        from latest
    )
select
    indicator_id,
    indicator_label,
    short_label,
    theme_id,
    theme_label,
    cast(theme_sort_key as integer) as theme_sort_key,
    unit,
    decimals,
    polarity,
    area_system,
    area_system_label,
    area_level,
    area_level_label,
    level_rank,
    area_key,
    area_code,
    area_name,
    area_label,
    parent_area_name,
    parent_area_label,
    period_key,
    period_label,
    period_end,
    year,
    value,
    value_label,
    conf_status,
    empty_reason,
    parent_value,
    {{ german_number("parent_value", "decimals") }} as parent_value_label,
    kreis_value,
    kreis_value_label,
    level_mean,
    {{ german_number("level_mean", "decimals") }} as level_mean_label,
    cast(level_areas as integer) as level_areas,
    deviation,
    case when deviation > 0 then '+' else '' end
    || {{ german_number("deviation", "decimals") }} as deviation_label,
    case
        when level_rank = 0 or deviation is null
        then null
        when polarity = 'neutral' or polarity is null
        then 'ohne Bewertung'
        when deviation = 0
        then 'wie insgesamt'
        when (deviation > 0) = (polarity = 'higher_better')
        then 'günstiger'
        else 'ungünstiger'
    end as deviation_assessment,
    case when value is not null and level_areas > 1 then rank || ' von ' || level_areas end as rank_label,
    rank,
    position,
    kreis_position,
    change_label,
    change_reason,
    tendency,
    source_label,
    attribution,
    synthetic_note
from compared
