{{ config(alias="mart_before_after") }}
-- Grain: Handlungsempfehlung that has begun in a part of the area, where the area and enough comparison
-- areas have figures before and after. Says what happened at the same time, never why.
with
    described as (
        select
            found.*,
            recommendation.title,
            recommendation.status,
            recommendation.theme,
            indicator.label as indicator_label,
            indicator.unit,
            indicator.decimals,
            indicator.polarity,
            case
                indicator.unit
                when '%'
                then ' Prozentpunkte'
                else case when indicator.unit in ('', 'Anzahl') then '' else ' ' || indicator.unit end
            end as change_unit,
            case when indicator.unit in ('', 'Anzahl') then '' else ' ' || indicator.unit end as suffix,
            case
                when found.change between found.neighbours_low and found.neighbours_high
                then 'usual'
                when indicator.polarity = 'neutral' or indicator.polarity is null
                then case when found.difference > 0 then 'above' else 'below' end
                when (found.difference > 0) = (indicator.polarity = 'higher_better')
                then 'better'
                else 'worse'
            end as verdict
        from {{ ref("int_analysis__before_after") }} as found
        inner join {{ ref("published_fct_recommendation") }} as recommendation using (recommendation_id)
        inner join
            {{ ref("published_dim_indicator") }} as indicator
            on indicator.indicator_id = found.indicator_id
            and indicator.is_active
    ),
    labelled as (
        select
            described.*,
            {{ german_number("described.before_value", "described.decimals") }} || suffix as before_label,
            {{ german_number("described.after_value", "described.decimals") }} || suffix as after_label,
            {{ signed_number("described.change", "described.decimals") }} as change_label,
            {{ signed_number("described.neighbours_change", "described.decimals") }}
            as neighbours_change_label,
            {{ signed_number("described.neighbours_low", "described.decimals") }} as low_label,
            {{ signed_number("described.neighbours_high", "described.decimals") }} as high_label,
            {{ signed_number("described.difference", "described.decimals") }} as difference_label
        from described
    )
select
    labelled.recommendation_id,
    labelled.title,
    labelled.status,
    labelled.theme as theme_id,
    coalesce(theme.label, labelled.theme) as theme_label,
    labelled.indicator_id,
    labelled.indicator_label,
    labelled.unit,
    labelled.decimals,
    area.area_system,
    area.area_level,
    area.area_level_label,
    area.level_rank,
    labelled.area_key,
    area.area_code,
    area.area_name,
    area.parent_area_name,
    case
        when labelled.before_from = labelled.before_to
        then labelled.before_from
        else labelled.before_from || ' bis ' || labelled.before_to
    end as before_label_periods,
    case
        when labelled.after_from = labelled.after_to
        then labelled.after_from
        else labelled.after_from || ' bis ' || labelled.after_to
    end as after_label_periods,
    labelled.before_value,
    labelled.before_label as before_value_label,
    labelled.after_value,
    labelled.after_label as after_value_label,
    labelled.change,
    labelled.change_label,
    labelled.neighbours_change,
    labelled.neighbours_change_label,
    labelled.neighbours_low,
    labelled.neighbours_high,
    labelled.difference,
    labelled.difference_label,
    labelled.neighbours,
    labelled.neighbours || ' ' || labelled.neighbours_label as neighbours_label,
    case
        labelled.verdict
        when 'usual'
        then 'im Rahmen der Vergleichsgebiete'
        when 'better'
        then 'günstiger als alle Vergleichsgebiete'
        when 'worse'
        then 'ungünstiger als alle Vergleichsgebiete'
        when 'above'
        then 'stärker gestiegen als in allen Vergleichsgebieten'
        else 'schwächer gestiegen als in allen Vergleichsgebieten'
    end as verdict_label,
    area.area_name
    || ': von '
    || labelled.before_label
    || ' (Mittel '
    || labelled.before_from
    || ' bis '
    || labelled.before_to
    || ') auf '
    || labelled.after_label
    || ' ('
    || labelled.after_from
    || ' bis '
    || labelled.after_to
    || '), Veränderung '
    || labelled.change_label
    || labelled.change_unit
    || '. '
    || labelled.neighbours
    || ' '
    || labelled.neighbours_label
    || ': im Mittel '
    || labelled.neighbours_change_label
    || ' (zwischen '
    || labelled.low_label
    || ' und '
    || labelled.high_label
    || '). Unterschied der Veränderungen: '
    || labelled.difference_label
    || '.' as wording,
    'Kein Nachweis einer Wirkung: Der Vergleich zeigt, was zur selben Zeit geschah, nicht warum. Andere Angebote, Zuzug und Zufall wirken mit.'
    || case
        when labelled.is_estimate then ' Werte vor einer Gebietsänderung sind umgerechnet.' else ''
    end as caution
from labelled
inner join {{ ref("published_dim_area") }} as area using (area_key)
left join {{ ref("published_dim_theme") }} as theme on theme.theme_id = labelled.theme
