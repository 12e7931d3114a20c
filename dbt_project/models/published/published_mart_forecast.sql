{{ config(alias="mart_forecast") }}
-- Grain: indicator x area x period, flat: observed values and forecasts in one series. Observed ones stand
-- in the
-- boundaries of today, as the forecast saw them.
with
    observed as (
        select
            indicator.indicator_id,
            series.area_key,
            point.period_end,
            period.period_label,
            cast(year(point.period_end) as integer) as year,
            'beobachtet' as kind,
            0 as horizon,
            point.value,
            fact.empty_reason,
            coalesce(fact.obs_status, 'A') as obs_status
        from {{ ref("int_analysis__series_point") }} as point
        inner join {{ ref("int_analysis__series") }} as series using (series_id)
        inner join {{ ref("published_dim_indicator") }} as indicator using (indicator_key)
        inner join {{ ref("published_dim_period") }} as period on period.period_key = point.period_key
        left join
            {{ ref("published_fct_indicator") }} as fact
            on fact.indicator_key = series.indicator_key
            and fact.area_key = series.area_key
            and fact.period_key = point.period_key
        where indicator.is_active and point.period_end <= series.latest_end
    ),
    described as (
        select
            observed.*,
            cast(null as double) as value_low,
            cast(null as double) as value_high,
            cast(null as double) as naive_value
        from observed
        union all by name
        select
            indicator_id,
            area_key,
            period_end,
            cast(target_year as varchar) as period_label,
            target_year as year,
            'Prognose' as kind,
            horizon,
            value,
            null as empty_reason,
            obs_status,
            value_low,
            value_high,
            naive_value
        from {{ ref("published_fct_forecast") }}
    ),
    labelled as (
        select
            described.*,
            indicator.label as indicator_label,
            indicator.short_label,
            indicator.theme_id,
            indicator.theme_label,
            indicator.unit,
            indicator.decimals,
            indicator.polarity,
            case when indicator.unit in ('', 'Anzahl') then '' else ' ' || indicator.unit end as unit_text
        from described
        inner join
            {{ ref("published_dim_indicator") }} as indicator
            on indicator.indicator_id = described.indicator_id
            and indicator.is_active
    )
select
    labelled.indicator_id,
    labelled.indicator_label,
    labelled.short_label,
    labelled.theme_id,
    labelled.theme_label,
    labelled.unit,
    labelled.decimals,
    labelled.polarity,
    area.area_system,
    area.area_level,
    area.area_level_label,
    area.level_rank,
    area.area_key,
    area.area_code,
    area.area_name,
    area.parent_area_name,
    labelled.period_end,
    labelled.period_label,
    labelled.year,
    labelled.kind,
    cast(labelled.horizon as integer) as horizon,
    labelled.value,
    labelled.value_low,
    labelled.value_high,
    labelled.naive_value,
    coalesce(
        {{ german_number("labelled.value", "labelled.decimals") }}
        || labelled.unit_text
        || coalesce(
            ' ('
            || {{ german_number("labelled.value_low", "labelled.decimals") }}
            || ' bis '
            || {{ german_number("labelled.value_high", "labelled.decimals") }}
            || ')',
            ''
        ),
        labelled.empty_reason,
        'k. A.'
    ) as value_label,
    quality.method,
    quality.mase,
    quality.mase_naive,
    quality.coverage,
    quality.is_forecast,
    quality.reason,
    case
        when not quality.is_forecast
        then 'Keine Prognose: ' || quality.reason || '.'
        else
            'Verfahren: '
            || quality.method
            || '. Probeprognosen der Vergangenheit lagen im Mittel um das '
            || {{ german_number("quality.mase", "1") }}
            || '-Fache einer üblichen Jahresänderung daneben (unverändert fortgeschrieben: '
            || {{ german_number("quality.mase_naive", "1") }}
            || ')'
            || coalesce(
                '; '
                || {{ german_number("100 * quality.coverage", "0") }}
                || ' % der '
                || quality.coverage_points
                || ' Probewerte lagen im ausgewiesenen Bereich (angestrebt: 80 %)',
                ''
            )
            || '.'
    end as quality_text,
    labelled.obs_status
from labelled
inner join {{ ref("published_fct_forecast_quality") }} as quality using (indicator_id, area_key)
inner join {{ ref("published_dim_area") }} as area on area.area_key = labelled.area_key
