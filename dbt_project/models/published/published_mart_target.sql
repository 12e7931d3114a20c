{{ config(alias="mart_target") }}
-- Grain: indicator x area x year of a target, flat. The way begins at the last figure known on the day of
-- the decision and is taken as straight; where a value is withheld, nothing is said about the way.
with
    targets as (
        select
            target.*,
            indicator.label as indicator_label,
            indicator.short_label,
            indicator.theme_id,
            indicator.theme_label,
            indicator.unit,
            indicator.decimals,
            indicator.polarity
        from {{ ref("published_fct_target") }} as target
        inner join {{ ref("published_dim_indicator") }} as indicator using (indicator_key)
    ),
    -- A figure not delivered yet says nothing; a withheld one stands for its period.
    reported as (
        select * from {{ ref("int_analysis__goal_series") }} where value is not null or conf_status = 'C'
    ),
    rhythm as (
        select indicator_key, max(month(period_end)) as last_month from reported group by indicator_key
    ),
    bases as (
        select
            target.indicator_key,
            target.area_key,
            target.target_year,
            max(series.period_end) as base_period_end,
            -- arg_max passes over NULL: a withheld figure must not give way to an older one.
            arg_max(
                struct_pack(value := series.value, label := series.period_label), series.period_end
            ) as base_figure
        from targets as target
        inner join
            reported as series
            on series.indicator_key = target.indicator_key
            and series.area_key = target.area_key
            and series.period_end <= target.decided_on
        group by all
    ),
    latest as (
        select
            target.indicator_key,
            target.area_key,
            target.target_year,
            max(series.period_end) filter (where year(series.period_end) <= target.target_year) as period_end,
            arg_max(
                struct_pack(
                    value := series.value, label := series.period_label, reason := series.empty_reason
                ),
                series.period_end
            ) filter (where year(series.period_end) <= target.target_year) as figure,
            bool_or(year(series.period_end) > target.target_year) as is_over
        from targets as target
        inner join
            reported as series
            on series.indicator_key = target.indicator_key
            and series.area_key = target.area_key
        group by all
    ),
    compared as (
        select
            target.*,
            bases.base_period_end,
            bases.base_figure.label as base_period_label,
            bases.base_figure.value as base_value,
            case
                when latest.period_end > coalesce(bases.base_period_end, date '0001-01-01')
                then latest.period_end
            end as latest_period_end,
            latest.figure,
            last_day(make_date(target.target_year, rhythm.last_month, 1)) as target_end,
            coalesce(
                latest.is_over
                or (
                    year(latest.period_end) = target.target_year
                    and month(latest.period_end) = rhythm.last_month
                ),
                false
            ) as is_due
        from targets as target
        left join bases using (indicator_key, area_key, target_year)
        left join latest using (indicator_key, area_key, target_year)
        left join rhythm using (indicator_key)
    ),
    broken as (
        select distinct compared.indicator_key, compared.area_key, compared.target_year
        from compared
        inner join
            reported as series
            on series.indicator_key = compared.indicator_key
            and series.area_key = compared.area_key
            and series.period_end > compared.base_period_end
            and series.period_end <= compared.latest_period_end
        where series.obs_status = 'B'
    ),
    judged as (
        select
            compared.*,
            case when compared.latest_period_end is not null then compared.figure.value end as latest_value,
            case
                when compared.latest_period_end is not null then compared.figure.label
            end as latest_period_label,
            case when compared.latest_period_end is not null then compared.figure.reason end as latest_reason,
            broken.indicator_key is not null as has_break,
            case
                compared.polarity
                when 'higher_better'
                then 1
                when 'lower_better'
                then -1
                else sign(compared.value - compared.base_value)
            end as good_direction,
            least(
                1.0,
                date_diff('day', compared.base_period_end, compared.latest_period_end)
                / nullif(date_diff('day', compared.base_period_end, compared.target_end), 0)
            ) as expected_progress
        from compared
        left join broken using (indicator_key, area_key, target_year)
    ),
    measured as (
        select
            judged.*,
            -- The target lies on the wrong side of where it began: a rise is to be limited, a level to be
            -- kept.
            coalesce(sign(judged.value - judged.base_value) <> judged.good_direction, false) as is_limit,
            judged.base_value
            + (judged.value - judged.base_value) * judged.expected_progress as expected_value,
            -- Compared as shown: 7,9 against 7,9 is not behind.
            judged.good_direction
            * (round(judged.latest_value, judged.decimals) - round(judged.value, judged.decimals))
            >= 0 as is_reached
        from judged
    ),
    stated as (
        select
            measured.*,
            case
                when measured.latest_value is null
                then 'no_value'
                when measured.is_reached and (measured.is_due or not measured.is_limit)
                then 'reached'
                when measured.is_due and measured.is_reached is not null
                then 'missed'
                when measured.base_value is null or measured.has_break
                then 'not_judged'
                when
                    measured.good_direction * (
                        round(measured.latest_value, measured.decimals)
                        - round(measured.expected_value, measured.decimals)
                    )
                    >= 0
                then 'on_track'
                else 'behind'
            end as state
        from measured
    ),
    {%- set suffix = "case when unit in ('', 'Anzahl') then '' else ' ' || unit end" %}
    worded as (
        select
            stated.*,
            case
                state
                when 'reached'
                then 'erreicht'
                when 'missed'
                then 'verfehlt'
                when 'on_track'
                then 'auf Kurs'
                when 'behind'
                then 'hinter Plan'
                when 'not_judged'
                then 'ohne Beurteilung'
                else 'noch kein Wert'
            end as state_label,
            {{ german_number("value", "decimals") }} || {{ suffix }} as target_value_label,
            coalesce(
                {{ german_number("base_value", "decimals") }} || {{ suffix }},
                case when base_period_end is not null then 'gesperrt' else 'k. A.' end
            ) as base_value_label,
            coalesce(
                {{ german_number("latest_value", "decimals") }} || {{ suffix }},
                latest_reason,
                'noch kein Wert'
            ) as latest_value_label,
            case
                when not has_break and latest_value is not null
                then {{ german_number("expected_value", "decimals") }} || {{ suffix }}
            end as expected_value_label
        from stated
    )
select
    worded.indicator_id,
    worded.indicator_label,
    worded.short_label,
    worded.theme_id,
    worded.theme_label,
    worded.unit,
    worded.decimals,
    worded.polarity,
    area.area_system,
    area.area_level,
    area.area_level_label,
    area.level_rank,
    worded.area_key,
    area.area_code,
    area.area_name,
    area.parent_area_name,
    worded.target_year,
    worded.value as target_value,
    worded.target_value_label,
    worded.base_period_label,
    worded.base_value,
    worded.base_value_label,
    worded.latest_period_label,
    worded.latest_period_end,
    worded.latest_value,
    worded.latest_value_label,
    case
        when not worded.has_break and worded.latest_value is not null then worded.expected_value
    end as expected_value,
    worded.expected_value_label,
    case
        when not worded.is_limit and not worded.has_break
        then round((worded.latest_value - worded.base_value) / nullif(worded.value - worded.base_value, 0), 4)
    end as progress,
    case
        when not worded.has_break and worded.latest_value is not null and worded.base_value is not null
        then worded.expected_progress
    end as expected_progress,
    case
        when worded.is_limit then 'halten oder begrenzen' when worded.base_value is not null then 'verändern'
    end as kind_label,
    worded.state,
    worded.state_label,
    case
        worded.state
        when 'missed'
        then 1
        when 'behind'
        then 2
        when 'on_track'
        then 3
        when 'reached'
        then 4
        when 'not_judged'
        then 5
        else 6
    end as state_rank,
    case
        when worded.base_value is not null
        then 'Ausgangswert ' || worded.base_value_label || ' (' || worded.base_period_label || '), '
        when worded.base_period_end is not null
        then 'Der Ausgangswert (' || worded.base_period_label || ') ist gesperrt, '
        else 'Vor dem Beschluss liegt kein Wert vor, '
    end
    || 'Ziel '
    || case
        when not worded.is_limit then '' when worded.good_direction > 0 then 'mindestens ' else 'höchstens '
    end
    || worded.target_value_label
    || ' bis '
    || worded.target_year
    || '. '
    || case
        when worded.latest_period_end is null
        then 'Seit dem Beschluss ist noch kein Wert veröffentlicht.'
        when worded.latest_value is null
        then 'Der Wert für ' || worded.latest_period_label || ' ist ' || worded.latest_reason || '.'
        when worded.has_break
        then
            'Zuletzt '
            || worded.latest_value_label
            || ' ('
            || worded.latest_period_label
            || '); ein Bruch in der Zeitreihe verbietet den Vergleich mit dem Ausgangswert.'
        when worded.is_due
        then
            'Am Ende des Zeitraums: '
            || worded.latest_value_label
            || ' ('
            || worded.latest_period_label
            || ').'
        when worded.base_value is null
        then 'Zuletzt ' || worded.latest_value_label || ' (' || worded.latest_period_label || ').'
        else
            'Auf geradem Weg wären '
            || worded.expected_value_label
            || ' zu erwarten ('
            || worded.latest_period_label
            || '); veröffentlicht sind '
            || worded.latest_value_label
            || '.'
            || case when worded.state = 'reached' then ' Das Ziel ist vor der Zeit erreicht.' else '' end
    end as derivation,
    worded.decision,
    worded.decided_on,
    worded.recommendation_id,
    recommendation.title as recommendation_title,
    not worded.is_due as is_open
from worded
inner join {{ ref("published_dim_area") }} as area using (area_key)
left join
    {{ ref("published_fct_recommendation") }} as recommendation
    on recommendation.recommendation_id = worded.recommendation_id
