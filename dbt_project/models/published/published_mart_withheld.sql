{{ config(alias="mart_withheld") }}
-- Grain: measure x breakdown x period x level: what this release withholds, in words.
with
    counted as (
        select
            fact.measure_id,
            measure.label as measure_label,
            grouping_member.breakdown,
            period.period_label,
            area.area_level_label,
            count(*) filter (where fact.value is not null) as cells_published,
            count(*) filter (where fact.conf_status = 'C') as cells_withheld
        from {{ ref("published_fct_measure") }} as fact
        inner join {{ ref("published_dim_measure") }} as measure using (measure_id)
        inner join {{ ref("published_dim_area") }} as area using (area_key)
        inner join {{ ref("published_dim_period") }} as period using (period_key)
        inner join {{ ref("published_dim_group") }} as grouping_member using (group_key)
        group by all
    )
select
    measure_id,
    measure_label,
    breakdown,
    period_label,
    area_level_label,
    case
        when cells_withheld = 0
        then 'ganz veröffentlicht'
        when cells_published = 0
        then 'zurückgehalten'
        else 'teilweise zurückgehalten'
    end as decision,
    cells_published,
    cells_withheld,
    case
        when cells_withheld = 0
        then ''
        when cells_published = 0
        then
            'Auf dieser Ebene lässt sich kein Wert zeigen, '
            || 'ohne dass sich eine kleine Fallzahl oder ein einzelner Betrag errechnen ließe.'
        else
            'Kleine Fallzahlen und einzelne Beträge sind gesperrt, dazu so viele weitere Werte, '
            || 'dass sie sich nicht aus den übrigen errechnen lassen.'
    end as note
from counted
